"""The report: one HTML file that needs nothing else, no network and no server, now or in ten years."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import reelops
from reelops.metrics.catalogue import METRICS, METRICS_VERSION
from reelops.pages.build import asset, link_to, safe_json, security, style, template
from reelops.pages.pictures import data_uri
from reelops.progress import QUIET, RunContext
from reelops.scoring.comparison.paired import Comparison
from reelops.scoring.comparison.set_scores import FEATURES, SetScore, diversity_of
from reelops.scoring.plots import values_of
from reelops.scoring.report.facts import clip_facts, commonest, places_of, wanted_frames
from reelops.scoring.report.figures import Forest, Histogram, forest, histogram
from reelops.scoring.report.media import Media, MediaJob, make_media
from reelops.scoring.scored_clip import ScoredClip, counts
from reelops.system.files import write_text_atomically
from reelops.system.hardware import cores
from reelops.system.worker_pool import JobResult, run_jobs

# A page of about 90 MB opens in a second or two; with 200 clips each has 320 kB, which is a preview of 49 frames.
MEDIA_BUDGET_BYTES = 64_000_000
_MOST_BYTES_A_CLIP = 4_000_000
_LEAST_FOR_HISTOGRAMS = 5


@dataclass(frozen=True)
class Entry:
    """A clip with what the page shows of it without being asked.

    Attributes:
        number: where it stands in the page, from 0; clips of a comparison's other side have numbers of their own.
        before: the number of the clip that it is compared with.
        values: by metric: number, and what the gate says to it.
    """

    number: int
    clip: ScoredClip
    thumbnail: str | None
    picture: str | None
    facts: str
    video: str | None
    values: Mapping[str, tuple[float | None, str]]
    before: int | None = None
    before_answer: str | None = None


def write_report(
    clips: Sequence[ScoredClip],
    path: Path,
    comparison: Comparison | None = None,
    compared_with: str = "",
    media_budget_bytes: int = MEDIA_BUDGET_BYTES,
    workers: int | None = None,
    context: RunContext = QUIET,
) -> list[str]:
    """Writes the report.

    Args:
        clips: at least one.
        comparison: of these clips with others, which are shown beside them.
        compared_with: what the others are called.
        media_budget_bytes: for all videos together; a clip that is over its part comes as a smaller preview, or is
            only linked.
        workers: processes that make the pictures and previews; None takes one per core.
        context: told how many clips are prepared, of how many.

    Returns:
        Warnings for the user.

    Raises:
        MachineError: the file cannot be written.
    """
    old = [pair.old for pair in comparison.pairs] if comparison else []
    shown = [*clips, *old]
    media = _media_of(shown, media_budget_bytes, workers, context)
    entries = [_entry(number, clip, one, path) for number, (clip, one) in enumerate(zip(shown, media, strict=True))]
    entries = _paired(entries, comparison, len(clips))
    css, script = style(__package__, "report.css"), asset(__package__, "report.js")
    page = template(__package__, "report.html.j2").render(
        **_page_facts(clips, comparison, compared_with),
        entries=entries[: len(clips)],
        all_entries=entries,
        css=css,
        script=script,
        security=security(css, script, "media-src blob: file: 'self'; "),
        left_out=_left_out(media),
        previews=sum(one.kind == "preview" for one in media),
        media_budget_megabytes=media_budget_bytes / 1e6,
    )
    write_text_atomically(path, page)
    return _notes(media, media_budget_bytes)


def _media_of(clips: Sequence[ScoredClip], budget_bytes: int, workers: int | None, context: RunContext) -> list[Media]:
    limit = min(_MOST_BYTES_A_CLIP, budget_bytes // max(1, len(clips)))
    jobs = [
        MediaJob(clip.path, wanted_frames(clip), limit, clip.origin.picture if clip.origin else None, places_of(clip))
        for clip in clips
    ]
    media: dict[int, Media] = {}
    with closing(run_jobs(make_media, jobs, min(workers or cores(), len(jobs)))) as answers:
        for answer in answers:
            if isinstance(answer, JobResult):
                answer.raise_machine_fault(jobs[answer.index].path, but_for_killers=True)
                media[answer.index] = answer.result or Media(None, {}, "none", note=answer.error or "")
                context.progress("report", len(media), len(jobs), "clips")
                context.raise_if_stopped()
    return [media[number] for number in range(len(jobs))]


def _entry(number: int, clip: ScoredClip, media: Media, page: Path) -> Entry:
    link = link_to(clip.path, page) if media.kind == "linked" else None
    decisions = {reason.metric: reason.decision.value for reason in clip.verdict.reasons} if clip.verdict else {}
    return Entry(
        number=number,
        clip=clip,
        thumbnail=data_uri(media.thumbnail) if media.thumbnail else None,
        picture=data_uri(media.picture) if media.picture else None,
        facts=safe_json(clip_facts(clip, media, link)),
        video=base64.b64encode(media.video).decode() if media.video else None,
        values={name: (clip.scores.get(name) if clip.scores else None, decisions.get(name, "")) for name in METRICS},
    )


def _paired(entries: list[Entry], comparison: Comparison | None, num_new: int) -> list[Entry]:
    """Entries of new clips know the entry of their old one."""
    if comparison is None:
        return entries
    olds = {id(pair.new): entries[num_new + index] for index, pair in enumerate(comparison.pairs)}
    return [
        replace(entry, before=old.number, before_answer=old.clip.answer) if (old := olds.get(id(entry.clip))) else entry
        for entry in entries
    ]


def _page_facts(clips: Sequence[ScoredClip], comparison: Comparison | None, compared_with: str) -> dict[str, Any]:
    return {
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": reelops.__version__,
        "metrics_version": METRICS_VERSION,
        "clips": clips,
        "counts": counts(clips),
        "metrics": {name: metric for name, metric in METRICS.items() if any(_has(clip, name) for clip in clips)},
        "limits": sorted({clip.verdict.limits for clip in clips if clip.verdict}),
        "causes": _causes(clips),
        "histograms": _histograms(clips),
        "sets": _set_rows(clips, comparison),
        "comparison": comparison,
        "compared_with": compared_with,
        "forest": _forest_of(comparison),
        "changes": _changes(comparison),
    }


def _has(clip: ScoredClip, metric: str) -> bool:
    return clip.scores is not None and metric in clip.scores


def _causes(clips: Sequence[ScoredClip]) -> list[tuple[str, str, int, int]]:
    """Metric, title, and how many clips it rejects and sends to review; most first."""
    reasons = [reason for clip in clips if clip.verdict for reason in clip.verdict.reasons]
    rejected = Counter(reason.metric for reason in reasons if reason.decision.value == "reject")
    review = Counter(reason.metric for reason in reasons if reason.decision.value == "review")
    names = sorted({*rejected, *review}, key=lambda name: (-rejected[name], -review[name], name))
    return [
        (name, METRICS[name].title if name in METRICS else "Camera move", rejected[name], review[name])
        for name in names
    ]


def _histograms(clips: Sequence[ScoredClip]) -> list[Histogram]:
    """One a metric, with the limits that most of the clips are judged by; none for too few clips to spread."""
    if len(clips) < _LEAST_FOR_HISTOGRAMS:
        return []
    usual = commonest([clip.verdict.limits for clip in clips if clip.verdict])
    limits = next((clip.limits.metrics for clip in clips if clip.limits and clip.limits.name == usual), {})
    held_back = Counter(reason.metric for clip in clips if clip.verdict for reason in clip.verdict.reasons)
    return [
        histogram(name, values, limits.get(name), held_back[name])
        for name in METRICS
        if (values := values_of(clips, name))
    ]


@dataclass(frozen=True)
class SetRow:
    """A measure of the set, in words that a page shows."""

    title: str
    by: str
    score: SetScore


def _set_rows(clips: Sequence[ScoredClip], comparison: Comparison | None) -> list[SetRow]:
    """What the clips are as a whole, and against those they are compared with; nothing for a clip alone."""
    groups = [("Diversity", diversity_of(clips))] if len(clips) > 1 else []
    if comparison:
        groups += [("Diversity before", comparison.old_diversity), ("Frechet distance", comparison.distances)]
    return [
        SetRow(title, FEATURES[score.features], score) for title, scores in groups for score in scores if score.wanted
    ]


def _forest_of(comparison: Comparison | None) -> Forest | None:
    return forest(comparison.differences) if comparison else None


def _changes(comparison: Comparison | None) -> Mapping[tuple[str, str], int]:
    """How many pairs went from which answer to which."""
    return Counter((pair.old.answer, pair.new.answer) for pair in comparison.pairs) if comparison else {}


def _left_out(media: Sequence[Media]) -> int:
    """Videos that could be shown, but are not in the page."""
    return sum(one.kind in ("linked", "none") and one.thumbnail is not None for one in media)


def _notes(media: Sequence[Media], budget_bytes: int) -> list[str]:
    if not (left_out := _left_out(media)):
        return []
    return [
        f"{left_out} of {len(media)} videos are not in the report, which has {budget_bytes / 1e6:.0f} MB for all of "
        "them; their scores and pictures are."
    ]
