"""The model of natural clips: which numbers are odd, how much each kind of oddness counts, and how odd good clips are.

A number is odd by how far it lies outside the range that good clips have, in widths of that range: half of it as it is,
half as it is for clips that move as wildly, since much is odd in a quiet scene that is not in a gallop. The oddities of
a kind are added up, and the kinds are weighed, by weights of at least nought that were learnt on faults (`reelops
naturalness`). Their sum is held against those of good clips that the model had not seen: the share of them that is at
least as odd is a p-value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reelops.errors import SettingsError
from reelops.foreign import json_object, reading_foreign
from reelops.metrics.naturalness.kinds import KINDS, kind_of
from reelops.settings import shipped_folder
from reelops.system.digest import sha256_of

MODEL_FILE = Path("models/naturalness/model.json")

# Beyond this many widths a number says no more.
FARTHEST = 3.0

GIVEN = "conf_mean"
"""The number by which wild clips are told from quiet ones: the share of the picture whose flow is confirmed."""
_FARTHEST_GIVEN = 3.0


@dataclass(frozen=True)
class Odd:
    """One kind of oddness that speaks against a clip.

    Attributes:
        kind: one of `KINDS`.
        number: the one of its numbers that is furthest off.
    """

    kind: str
    number: str


@dataclass(frozen=True, eq=False)
class Given:
    """What is left of N numbers of good clips once `GIVEN` is known.

    Attributes:
        centre, spread: of `GIVEN` among good clips.
        slope_N: by how much a number changes with a spread of it.
        low_N, high_N, width_N: as of `Ranges`, of what is left.
    """

    centre: float
    spread: float
    slope_N: np.ndarray
    low_N: np.ndarray
    high_N: np.ndarray
    width_N: np.ndarray

    def left(self, values_BN: np.ndarray, given_B: np.ndarray) -> np.ndarray:
        """Values without what `GIVEN` explains of them."""
        off_B = np.clip((given_B - self.centre) / self.spread, -_FARTHEST_GIVEN, _FARTHEST_GIVEN)
        left: np.ndarray = values_BN - np.nan_to_num(off_B)[:, None] * self.slope_N
        return left


@dataclass(frozen=True, eq=False)
class Ranges:
    """What N numbers of good clips are.

    Attributes:
        names: of the numbers.
        low_N, high_N: between them good clips lie.
        width_N: by which oddness is measured, above 0.
        given: the same for clips that move as wildly; None where `GIVEN` is not among the numbers.
    """

    names: tuple[str, ...]
    low_N: np.ndarray
    high_N: np.ndarray
    width_N: np.ndarray
    given: Given | None = None

    def odd(self, values_BN: np.ndarray) -> np.ndarray:
        """How far values lie outside, in widths, (B, N) within [0, 3]; not at all where there is none (NaN)."""
        outside = _outside(values_BN, self.low_N, self.high_N, self.width_N)
        if self.given is None:
            return outside
        left_BN = self.given.left(values_BN, values_BN[:, self.names.index(GIVEN)])
        among_alike = _outside(left_BN, self.given.low_N, self.given.high_N, self.given.width_N)
        halves: np.ndarray = (outside + among_alike) / 2
        return halves


def _outside(values_BN: np.ndarray, low_N: np.ndarray, high_N: np.ndarray, width_N: np.ndarray) -> np.ndarray:
    outside = np.maximum(low_N - values_BN, values_BN - high_N) / width_N
    clipped: np.ndarray = np.clip(np.nan_to_num(outside, nan=0.0, posinf=FARTHEST), 0, FARTHEST)
    return clipped


def by_kind(odd_BN: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The sums of each kind: (B, K), in the order of `KINDS`."""
    kinds = np.array([kind_of(name) for name in names])
    return np.stack([odd_BN[:, kinds == kind].sum(axis=1) for kind in KINDS], axis=1)


@dataclass(frozen=True, eq=False)
class Model:
    """What good clips measure, and what counts against others.

    Attributes:
        ranges: of good clips.
        weight_K: of the sum of each of `KINDS`; from 0.
        good_G, share_G: sums of good clips that were not learnt from, ascending, and what share of them is at least as
            odd, (0, 1].
    """

    ranges: Ranges
    weight_K: np.ndarray
    good_G: np.ndarray
    share_G: np.ndarray

    def oddness(self, numbers: Mapping[str, float]) -> tuple[float, tuple[Odd, ...]]:
        """The weighed sum, from 0, and the kinds it is made of, most first. Numbers that are missing say nothing."""
        names = self.ranges.names
        odd_1N = self.ranges.odd(np.array([[numbers.get(name, np.nan) for name in names]]))
        parts = by_kind(odd_1N, names)[0] * self.weight_K
        order = [KINDS[place] for place in np.argsort(-parts, kind="stable") if parts[place] > 0]
        farthest = sorted(zip(-odd_1N[0], names, strict=True))
        worst = {kind: next(name for _, name in farthest if kind_of(name) == kind) for kind in order}
        return float(parts.sum()), tuple(Odd(kind, worst[kind]) for kind in order)

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
        """The model as a file holds it."""
        ranges, given = self.ranges, self.ranges.given
        facts = {
            "numbers (low, high, width)": _rows(ranges.names, ranges.low_N, ranges.high_N, ranges.width_N),
            "given": None
            if given is None
            else {
                "centre and spread": _short([given.centre, given.spread]),
                "slope, low, high, width": _rows(ranges.names, given.slope_N, given.low_N, given.high_N, given.width_N),
            },
            "weights": dict(zip(KINDS, _short(self.weight_K), strict=True)),
            "good clips (oddness, share as odd)": [
                _short(pair) for pair in zip(self.good_G, self.share_G, strict=True)
            ],
        }
        return json.dumps(facts, indent=1) + "\n"

    @classmethod
    def read(cls, path: Path) -> Model:
        """A model that `to_json` wrote.

        Raises:
            SettingsError: the file is missing or damaged.
        """
        if not path.is_file():
            raise SettingsError(f"There is no {path}, the model of natural clips. Install ReelOps again.")
        with reading_foreign(path, SettingsError, "is damaged; install ReelOps again"):
            numbers, given, weights, good = json_object(path.read_text(encoding="utf-8")).values()
            low, high, width = np.array(list(numbers.values()), dtype=np.float64).reshape(-1, 3).T
            pairs = np.array(good, dtype=np.float64).reshape(-1, 2)
            weight_K = np.array([weights[kind] for kind in KINDS], dtype=np.float64)
            if not (set(map(kind_of, numbers)) and len(pairs) and (width > 0).all()):
                raise ValueError("it has no numbers, no good clips, or ranges without a width")
            ranges = Ranges(tuple(numbers), low, high, width, _given(given, numbers))
            return cls(ranges, weight_K, *pairs.T)


def _given(facts: Mapping[str, Any] | None, numbers: Mapping[str, Any]) -> Given | None:
    if facts is None:
        return None
    (centre, spread), rows = facts.values()
    table = np.array([rows[name] for name in numbers], dtype=np.float64).reshape(-1, 4)
    return Given(float(centre), float(spread), *table.T)


def _rows(names: Sequence[str], *columns: np.ndarray) -> dict[str, list[float]]:
    return {name: _short(row) for name, row in zip(names, zip(*columns, strict=True), strict=True)}


def _short(values: Sequence[float] | np.ndarray) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


@cache
def shipped_model() -> Model:
    """The model that comes with ReelOps.

    Raises:
        SettingsError: its file is missing or damaged.
    """
    return Model.read(shipped_folder() / MODEL_FILE)


@cache
def shipped_digest() -> str:
    """sha256 of its file: what scores that are kept depend on.

    Raises:
        SettingsError: see `shipped_model`.
    """
    shipped_model()
    return sha256_of(shipped_folder() / MODEL_FILE)
