"""`reelops benchmark detail`: what was asked of carrying the picture's detail."""

from __future__ import annotations

from pathlib import Path

from reelops.benchmark.case import Case
from reelops.benchmark.cases.detail.embedded import EMBEDDED
from reelops.benchmark.cases.detail.time import TIME
from reelops.benchmark.cases.detail.truth import TRUTH

DETAIL = Case(
    "detail",
    "Detail benchmark",
    "the picture's detail carried into clips: beside the truth, in the embedded model's clips, and its time",
    Path("reports/benchmark/detail.json"),
    (TRUTH, EMBEDDED, TIME),
    cores=2,
    with_torch=True,
)
