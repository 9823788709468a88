"""All benchmarks by name."""

from __future__ import annotations

from collections.abc import Mapping

from reelops.benchmark.case import Case
from reelops.benchmark.cases.batch.case import BATCH
from reelops.benchmark.cases.data import data_case
from reelops.benchmark.cases.detail.case import DETAIL
from reelops.benchmark.cases.generation.case import generation_case
from reelops.benchmark.cases.gpu.case import gpu_case
from reelops.benchmark.cases.quality import QUALITY
from reelops.benchmark.cases.recipes.case import recipes_case
from reelops.benchmark.cases.regression.case import regression_case
from reelops.benchmark.cases.service import SERVICE
from reelops.benchmark.cases.start import start_case
from reelops.benchmark.cases.train import TRAIN_GPU, train_case
from reelops.errors import SettingsError

CASES: Mapping[str, Case] = {
    case.name: case
    for case in (
        QUALITY,
        data_case(),
        train_case(),
        TRAIN_GPU,
        start_case(),
        DETAIL,
        BATCH,
        generation_case(),
        recipes_case(),
        regression_case(),
        SERVICE,
        gpu_case(),
    )
}
"""In the order in which they are listed."""


def find_case(name: str) -> Case:
    """The benchmark of that name.

    Raises:
        SettingsError: there is none.
    """
    if name not in CASES:
        raise SettingsError(f"There is no benchmark {name!r}. Choose of: {', '.join(CASES)}.")
    return CASES[name]
