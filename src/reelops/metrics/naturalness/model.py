"""The model of natural clips: which numbers are odd, how much each oddness counts, and how odd good clips are.

A number is odd by how far it lies outside the range that good clips have, in widths of that range. Oddities are weighed
and added up; the weights, none below nought, were learnt on faults (`reelops naturalness`). The sum is held against
those of good clips that the model had not seen: the share that is at least as odd is a p-value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from reelops.errors import SettingsError
from reelops.foreign import json_object, reading_foreign
from reelops.settings import shipped_folder

MODEL_FILE = Path("models/naturalness/model.json")

# Beyond this many widths a number says no more.
FARTHEST = 3.0


@dataclass(frozen=True)
class Odd:
    """One number that speaks against a clip.

    Attributes:
        name: of the number.
        share: of all that speaks against the clip.
    """

    name: str
    share: float


@dataclass(frozen=True, eq=False)
class Model:
    """What good clips measure, and what counts against others.

    Attributes:
        names: of N numbers.
        low_N, high_N: the range of good clips.
        width_N: of the range, by which oddness is measured; above 0.
        weight_low_N, weight_high_N: how much it counts to lie below, and above; from 0.
        good_G, share_G: sums of good clips that were not learnt from, ascending, and what share of them is at least as
            odd, (0, 1].
    """

    names: tuple[str, ...]
    low_N: np.ndarray
    high_N: np.ndarray
    width_N: np.ndarray
    weight_low_N: np.ndarray
    weight_high_N: np.ndarray
    good_G: np.ndarray
    share_G: np.ndarray

    def oddness(self, numbers: Mapping[str, float]) -> tuple[float, tuple[Odd, ...]]:
        """The weighed sum, from 0, and what it is made of, most first. Numbers that are missing speak for nothing."""
        values = np.array([numbers.get(name, np.nan) for name in self.names])
        parts = weigh(values[None], self)[0]
        total = float(parts.sum())
        order = np.argsort(-parts, kind="stable")
        return total, tuple(Odd(self.names[k], float(parts[k] / total)) for k in order if parts[k] > 0)

    def p_value(self, oddness: float) -> float:
        """The share of good clips that are at least as odd, (0, 1].

        Between the good clips it is interpolated; beyond the oddest it falls off as their upper half does.
        """
        if oddness <= self.good_G[-1]:
            sums, first = np.unique(self.good_G, return_index=True)
            return float(np.interp(oddness, sums, self.share_G[first]))
        upper = self.good_G[len(self.good_G) // 2 :]
        fall = max(float((upper - upper[0]).mean()), 1e-6)
        return float(self.share_G[-1] * np.exp(-(oddness - self.good_G[-1]) / fall))

    def to_json(self) -> str:
        numbers = {
            name: [float(f"{value:.5g}") for value in row]
            for name, *row in zip(
                self.names,
                self.low_N,
                self.high_N,
                self.width_N,
                self.weight_low_N,
                self.weight_high_N,
                strict=True,
            )
        }
        good = [[float(f"{value:.5g}") for value in pair] for pair in zip(self.good_G, self.share_G, strict=True)]
        columns = ["low", "high", "width", "weight below", "weight above"]
        return json.dumps({"columns": columns, "numbers": numbers, "good": good}, indent=1) + "\n"

    @classmethod
    def read(cls, path: Path) -> Model:
        """A model that `to_json` wrote.

        Raises:
            SettingsError: the file is missing or damaged.
        """
        if not path.is_file():
            raise SettingsError(f"There is no {path}, the model of natural clips. Install ReelOps again.")
        with reading_foreign(path, SettingsError, "is damaged; install ReelOps again"):
            told = json_object(path.read_text(encoding="utf-8"))
            table = np.array(list(told["numbers"].values()), dtype=np.float64).reshape(-1, 5)
            good = np.array(told["good"], dtype=np.float64).reshape(-1, 2)
            return cls(tuple(told["numbers"]), *table.T, *good.T)


def weigh(values_BN: np.ndarray, model: Model) -> np.ndarray:
    """What each number of each clip adds, (B, N), from 0."""
    below, above = odd_sides(values_BN, model.low_N, model.high_N, model.width_N)
    parts: np.ndarray = below * model.weight_low_N + above * model.weight_high_N
    return parts


def odd_sides(
    values_BN: np.ndarray, low_N: np.ndarray, high_N: np.ndarray, width_N: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How far values lie below and above their ranges, in widths, [0, 3]; nowhere where there is none."""
    below = np.nan_to_num((low_N - values_BN) / width_N, nan=0.0)
    above = np.nan_to_num((values_BN - high_N) / width_N, nan=0.0)
    return np.clip(below, 0, FARTHEST), np.clip(above, 0, FARTHEST)


@cache
def shipped_model() -> Model:
    """The model that comes with ReelOps."""
    return Model.read(shipped_folder() / MODEL_FILE)
