"""benchmark.yaml, which names what benchmarks are run on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from reelops.benchmark.regression.limits import RegressionLimits
from reelops.params import Config, ParamsBlock, find_files

ClipKind = Literal["clips", "pictures", "product_clips", "good_clips", "data_clips"]
"""A key of it."""


class BenchmarkParams(ParamsBlock):
    """What benchmarks are run on.

    Attributes:
        clips: what flows are compared on: globs of real clips, relative to the project; stars in file names only.
        pictures: the same of photographs, which are moved in known ways.
        product_clips: clips of the product's format: what scoring costs is measured on them.
        good_clips: what the gate must not turn away, and is shown degraded versions of.
        data_clips: the same of clips that data is measured on, at least as long as a window.
        regression: how much slower or worse is too much.
    """

    clips: list[str]
    pictures: list[str]
    product_clips: list[str]
    good_clips: list[str]
    data_clips: list[str] = Field(default=[])
    regression: RegressionLimits = RegressionLimits()

    def find(self, kind: ClipKind, root: Path) -> list[Path]:
        """Files that match, by name within each glob."""
        return find_files(getattr(self, kind), root, f"{kind} in benchmark.yaml")[0]


def load_benchmark_params(config: Config) -> BenchmarkParams:
    """What benchmark.yaml says.

    Raises:
        SettingsError: it is missing or cannot be used.
    """
    return config.block("benchmark", BenchmarkParams)
