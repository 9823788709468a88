"""Values that go to JSON come back as they were, and other text is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from reelops.tables.json_codec import Array, canonical, from_plain, to_plain


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    share: float
    fps: Fraction | None = None
    place: Path | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    colour: Colour
    series: tuple[float | None, ...] = ()
    pair: tuple[int, str] = (0, "")
    by_name: Mapping[str, Inner] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class WithArray:
    matrix: Array


VALUE = Outer(
    Inner(0.1 + 0.2, Fraction(30000, 1001), Path("a") / "b.png"),
    Colour.RED,
    (1e-300, None, 1 / 3),
    (2**63 + 1, "é"),
    {"x": Inner(1.0)},
)


def test_a_value_comes_back_equal_to_the_last_bit_through_text() -> None:
    back = from_plain(Outer, json.loads(json.dumps(to_plain(VALUE))))
    assert back == VALUE
    assert isinstance(back.inner.fps, Fraction) and isinstance(back.inner.place, Path)
    assert isinstance(back.series, tuple) and isinstance(back.by_name["x"], Inner)


def test_plain_values_are_what_earlier_versions_wrote() -> None:
    assert to_plain(VALUE) == {
        "inner": {"share": 0.30000000000000004, "fps": "30000/1001", "place": "a/b.png"},
        "colour": "red",
        "series": [1e-300, None, 0.3333333333333333],
        "pair": [9223372036854775809, "é"],
        "by_name": {"x": {"share": 1.0, "fps": None, "place": None}},
    }


def test_arrays_come_back_with_their_shape_and_bits() -> None:
    matrix = np.random.default_rng(0).normal(size=(2, 3))
    back = from_plain(WithArray, json.loads(json.dumps(to_plain(WithArray(matrix)))))
    assert np.array_equal(back.matrix, matrix) and back.matrix.dtype == matrix.dtype


def test_numpy_scalars_in_number_fields_are_written_as_numbers() -> None:
    assert to_plain(Inner(np.float32(0.5)))["share"] == 0.5  # type: ignore[arg-type] # numpy where Python is declared


def test_a_field_that_is_not_there_takes_its_default() -> None:
    assert from_plain(Inner, {"share": 1}) == Inner(1.0)


@pytest.mark.parametrize("plain", [None, 3, [], {}, {"share": "much"}, {"share": 1.0, "fps": "x"}])
def test_anything_else_is_refused(plain: object) -> None:
    with pytest.raises(ValueError):
        from_plain(Inner, plain)


def test_what_json_cannot_say_has_no_canonical_text() -> None:
    with pytest.raises(ValueError):
        canonical(to_plain(Inner(float("nan"))))
