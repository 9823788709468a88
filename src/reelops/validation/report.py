"""The page about one adapter beside its base: one HTML file that needs nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import reelops
from reelops.camera.moves import CameraMove
from reelops.metrics.catalogue import METRICS, METRICS_VERSION
from reelops.pages.build import security, style, template
from reelops.pages.figures import WIDTH, axis_of
from reelops.pages.pictures import data_uri
from reelops.scoring.comparison.paired import RESAMPLES
from reelops.scoring.report.figures import forest
from reelops.system.files import write_text_atomically
from reelops.validation.findings import OTHERS, SIDES, STYLE, Findings, Side, TrialResult, moves_matrix
from reelops.validation.params import TraitLimit
from reelops.validation.stage import ValidationResult

NOT_MEASURED = "not measured"
GROUPS: Mapping[str, str] = {STYLE: "the style", "moves": "camera moves", "prompts": "other prompts"}


@dataclass(frozen=True)
class Row:
    """The clips of one side and kind of prompt on the axis of a trait's metric."""

    side: Side
    called: bool
    dots: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Strip:
    """One metric of the trait: where every clip is, and where its limits are."""

    limit: TraitLimit
    title: str
    unit: str
    low: float
    high: float
    lines: tuple[float, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Cell:
    """Clips that were asked for one move and measured to do another, or the same."""

    base: int
    adapter: int
    wanted: bool


@dataclass(frozen=True)
class VideoPair:
    """A pair as a video, with what is under it: each metric of the trait with its value in words, by side."""

    one: TrialResult
    video: str
    trait: Sequence[tuple[str, Sequence[str]]]
    shows: Mapping[Side, bool]


def write_report(validated: ValidationResult, videos: Mapping[str, Path], path: Path) -> None:
    """Writes the page; the same validation gives the same page.

    Args:
        videos: pairs side by side, by the names of their trials.

    Raises:
        MachineError: the file cannot be written.
    """
    findings, plan, css = validated.findings, validated.plan, style(__package__, "report.css")
    by_name = {one.trial.name: one for one in findings.results}
    matrix, measured = _matrix(findings)
    page = template(__package__, "report.html.j2").render(
        css=css,
        security=security(css, also="media-src data:; "),
        version=reelops.__version__,
        metrics_version=METRICS_VERSION,
        resamples=RESAMPLES,
        plan=plan,
        findings=findings,
        headline=_headline(findings),
        groups=GROUPS,
        sides=SIDES,
        group_counts=_groups(findings),
        strips=_strips(findings),
        shown=[_shown(findings, by_name[name], video) for name, video in videos.items()],
        matrix=matrix,
        measured=measured,
        forests=[(name, forest(one.differences)) for name, one in findings.comparisons.items() if one.differences],
        others=OTHERS,
        verdicts=_verdicts(findings),
        lineage=_lineage(validated),
    )
    write_text_atomically(path, page)


def _headline(findings: Findings) -> str:
    """What came of it in one sentence."""
    if findings.style is None:
        return "Nothing is said of a style; the adapter is held to what its base does."
    with_it, without = (findings.style_count(side, called=True) for side in ("adapter", "base"))
    return (
        f"Asked for {findings.style.name}, {with_it} clips with the adapter show it, and {without} of the base; "
        f"not asked for it, {findings.style_count('adapter', called=False)} with the adapter do."
    )


def _groups(findings: Findings) -> list[tuple[str, list[tuple[str, list[TrialResult]]]]]:
    """Every group with its prompts and their trials."""
    groups: dict[str, dict[str, list[TrialResult]]] = {}
    for one in findings.results:
        groups.setdefault(one.trial.group, {}).setdefault(one.trial.prompt, []).append(one)
    return [(name, list(prompts.items())) for name, prompts in groups.items()]


def _strips(findings: Findings) -> list[Strip]:
    return [strip for limit in (findings.style.trait if findings.style else ()) if (strip := _strip(findings, limit))]


def _strip(findings: Findings, limit: TraitLimit) -> Strip | None:
    ends = [bound.limit for bound in limit.bounds]
    clips = [(one, side, _value(one, side, limit)) for one in findings.results for side in SIDES]
    values = [value for _, _, value in clips if value is not None]
    if not values:
        return None
    low, high = axis_of([*values, *ends])

    def at(value: float) -> float:
        return round((value - low) / (high - low) * WIDTH, 2)

    rows = tuple(
        Row(
            side,
            called,
            tuple(
                (at(value), f"{one.trial.name}, {side}: {value:.3g}")
                for one, of, value in clips
                if value is not None and of == side and (one.trial.group == STYLE) is called
            ),
        )
        for called in (True, False)
        for side in SIDES
    )
    metric = METRICS[limit.metric]
    return Strip(limit, metric.title, metric.unit, low, high, tuple(at(end) for end in ends), rows)


def _value(one: TrialResult, side: Side, limit: TraitLimit) -> float | None:
    scores = one.of(side).scores
    return scores.get(limit.metric) if scores else None


def _shown(findings: Findings, one: TrialResult, video: Path) -> VideoPair:
    limits = findings.style.trait if findings.style else ()
    trait = [(METRICS[limit.metric].title, [_words(_value(one, side, limit)) for side in SIDES]) for limit in limits]
    shows = {side: findings.shows_style(one.of(side)) for side in SIDES}
    return VideoPair(one, data_uri(video.read_bytes(), "video/mp4"), trait, shows)


def _words(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:.3g}"


def _matrix(findings: Findings) -> tuple[list[tuple[str, list[Cell]]], list[str]]:
    """A row for each move that was asked for, a column for each that can be measured."""
    base, adapter = (moves_matrix(findings.results, side) for side in SIDES)
    asked = [move.value for move in CameraMove if any(name == move.value for name, _ in base)]
    columns = [move.value for move in CameraMove] + [NOT_MEASURED]
    seen = [name for name in columns if name != NOT_MEASURED or any(found == name for _, found in (*base, *adapter))]
    rows = [
        (name, [Cell(base.get((name, found), 0), adapter.get((name, found), 0), name == found) for found in seen])
        for name in asked
    ]
    return rows, seen


def _verdicts(findings: Findings) -> Sequence[tuple[str, Mapping[tuple[str, str], int]]]:
    """By group, how many pairs have which answers of the gate: the base's, then the adapter's."""
    groups = dict.fromkeys(one.trial.group for one in findings.results)
    answers = [(one.trial.group, (one.base.answer, one.adapter.answer)) for one in findings.results]
    return [(name, Counter(pair for group, pair in answers if group == name)) for name in groups]


def _lineage(validated: ValidationResult) -> list[tuple[str, str]]:
    plan = validated.plan
    adapter, facts, conditions = plan.adapter, plan.facts, plan.conditions
    clip = conditions.format
    rows = [
        ("lineage", str(validated.lineage)),
        ("adapter", f"{plan.name}, sha256 {adapter.sha256}"),
        ("rank and alpha", f"{adapter.rank}, {'not stated' if adapter.alpha is None else f'{adapter.alpha:g}'}"),
        ("trained for", f"{facts['step']} steps on {facts['clips']} clips" if {"step", "clips"} <= set(facts) else ""),
        ("data", str(facts.get("data") or "")),
        ("base", f"{plan.weights.base}, {plan.weights.revision}"),
        ("clips", f"{clip.num_frames} frames of {clip.width}x{clip.height} at {clip.fps} per second"),
        ("sampling", f"{conditions.steps} steps of {conditions.scheduler}, guidance {conditions.guidance:g}"),
        ("computed in", f"{conditions.dtype} on {conditions.device}, {conditions.threads} threads"),
        ("pictures", ", ".join(picture.name for picture in plan.pictures)),
    ]
    return [(name, value) for name, value in rows if value]
