"""`reelops benchmark data`: how fast clips are looked at, and what many of them take."""

from __future__ import annotations

from pathlib import Path

from reelops.benchmark.case import Case
from reelops.benchmark.cases.metadata.many_clips import many_part
from reelops.benchmark.cases.metadata.throughput import THROUGHPUT


def data_case(many: int = 0) -> Case:
    """With the part `many` on so many clips; 0 measures it only where it is asked for by name."""
    return Case(
        "data",
        "Looking at clips",
        "how fast `reelops metadata` looks at clips, beside a plain OpenCV loop, and what many of them take",
        Path("reports/data/benchmark.json"),
        (THROUGHPUT, many_part(many)),
    )
