"""All benchmarks by name."""

from __future__ import annotations

from collections.abc import Mapping

from reelops.benchmark.case import Case
from reelops.benchmark.cases.data import data_case
from reelops.benchmark.cases.quality import QUALITY
from reelops.benchmark.cases.start import start_case
from reelops.benchmark.cases.train import TRAIN_GPU, train_case

CASES: Mapping[str, Case] = {case.name: case for case in (QUALITY, data_case(), train_case(), TRAIN_GPU, start_case())}
"""In the order in which they are listed."""
