"""What a report page on two hundred clips costs: to make, to keep, and to open in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.cases.browser import measure_opening
from reelops.benchmark.nested_progress import within
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_most
from reelops.benchmark.timing import timed
from reelops.gate.limits import DEFAULT
from reelops.progress import RunContext
from reelops.scoring.batch import ScoringOrder, score_clips
from reelops.scoring.report.build import MEDIA_BUDGET_BYTES, write_report
from reelops.scoring.scored_clip import ScoredClip

NUM_CLIPS = 200
ROUNDS = 3
_MB = 1e6


def measure_page(bench: Bench, context: RunContext, num_clips: int = NUM_CLIPS, rounds: int = ROUNDS) -> Figures:
    """A report on so many clips, which are the given ones many times over, with their real scores.

    Args:
        rounds: how often a browser is started on it.
    """
    clips, page = bench.files("product_clips"), bench.scratch / "report.html"
    order = ScoringOrder.of(bench.config, profile=DEFAULT)
    scored = score_clips(clips, order, context=within(context, "report", 0, 1, 10))
    many = [_another(scored[number % len(scored)], number) for number in range(num_clips)]

    drawing = within(context, "report", 1, 7, 10)
    notes, took = timed(lambda: write_report(many, page, context=drawing))
    context.progress("report", 8, 10, detail="opening the report")
    return {
        "clips": len(many),
        "clips_mb": sum(clip.path.stat().st_size for clip in many) / _MB,
        "videos_at_most_mb": MEDIA_BUDGET_BYTES / _MB,
        **took.to_json(),
        "size_mb": page.stat().st_size / _MB,
        "notes": notes,
        "browser": measure_opening(page, bench.scratch, rounds),
    }


def _another(clip: ScoredClip, number: int) -> ScoredClip:
    """The same clip as another entry."""
    return replace(clip, sha256=f"{number:064x}")


def _tables(found: Figures) -> Iterator[Table]:
    opening = ("seconds_beyond_an_empty_page", "peak_mb_beyond_an_empty_page", "peak_mb")
    columns = {
        "Clips": "clips",
        "Their files, MB": "clips_mb",
        "Videos in it at most, MB": "videos_at_most_mb",
        "Seconds to make": "wall",
        "Size, MB": "size_mb",
        "Seconds to open, beyond an empty page": "seconds_beyond_an_empty_page",
        "Memory beyond an empty page, MB": "peak_mb_beyond_an_empty_page",
        "Memory of the whole browser, MB": "peak_mb",
    }
    row = {**found, **(found["browser"] or dict.fromkeys(opening))}
    yield Table.of("A report to look at, scores already known", [row], columns)


def _targets(found: Figures) -> Iterator[Target]:
    yield at_most(f"MB of a report of {found['clips']} clips", found["size_mb"], 100)
    seconds = found["browser"] and found["browser"]["seconds_beyond_an_empty_page"]
    yield at_most("seconds until a browser has drawn it, beyond an empty page", seconds, 5, aim=2)


PAGE = Part(
    "report",
    "a report of 200 clips: how long it takes to make, its size, and what a browser needs to open it (Chromium or "
    "Chrome, if there is one)",
    120,
    measure_page,
    _tables,
    _targets,
    ("product_clips",),
)
