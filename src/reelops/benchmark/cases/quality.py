"""`reelops benchmark quality`: what was asked of scoring, the flow beneath it, the gate and the report page."""

from __future__ import annotations

from pathlib import Path

from reelops.benchmark.case import Case
from reelops.benchmark.cases.flow.part import FLOW
from reelops.benchmark.cases.flow.truth import TRUTH
from reelops.benchmark.cases.gate import GATE
from reelops.benchmark.cases.score_page import PAGE
from reelops.benchmark.cases.scoring_cost import COLD, FOLDER, MEMORY, SUITE
from reelops.benchmark.cases.scoring_sameness import SAMENESS

QUALITY = Case(
    "quality",
    "Quality benchmark",
    "scoring: its speed and memory, that it always gives the same, the gate, our optical flow beside OpenCV's, and the "
    "report page",
    Path("reports/quality/benchmark.json"),
    (SUITE, COLD, FOLDER, MEMORY, SAMENESS, GATE, FLOW, TRUTH, PAGE),
    cores=2,
)
