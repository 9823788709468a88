"""Which base an adapter says it was trained on, and what that forbids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reelops.cogvideox.adapter_base import Base, require_base, stated_base
from reelops.errors import WeightsError

FILE = Path("mine.safetensors")
TINY = Base("tiny-i2v", "sha256:aaaa")
HUB = Base("zai-org/CogVideoX-5b-I2V", "0123abc")


def peft(**facts: object) -> dict[str, str]:
    return {"lora_adapter_metadata": json.dumps({f"transformer.{key}": value for key, value in facts.items()})}


@pytest.mark.parametrize(
    ("header", "base"),
    [
        ({"reelops": json.dumps({"base": "tiny-i2v", "base_revision": "sha256:aaaa"})}, TINY),
        ({"reelops": json.dumps({"base": "tiny-i2v"})}, Base("tiny-i2v")),
        (peft(base_model_name_or_path="zai-org/CogVideoX-2b"), Base("zai-org/CogVideoX-2b")),
        ({"base_model": "zai-org/CogVideoX-2b"}, Base("zai-org/CogVideoX-2b")),
        (peft(base_model_name_or_path=None, r=4), Base()),
        ({}, Base()),
        ({"reelops": "no JSON"}, Base()),
        ({"reelops": "[" * 100_000}, Base()),
        ({"reelops": "[1]", "base_model": "  "}, Base()),
        ({"reelops": json.dumps({"base": 7, "base_revision": ["x"]})}, Base()),
    ],
)
def test_a_header_says_what_the_adapter_was_trained_on_or_nothing(header: dict[str, str], base: Base) -> None:
    assert stated_base(header) == base


@pytest.mark.parametrize(
    ("stated", "loaded"),
    [
        (Base(), TINY),
        (TINY, TINY),
        (Base("other name", "sha256:aaaa"), TINY),
        (Base("THUDM/CogVideoX-5b-I2V"), HUB),
        (Base("/data/models/cogvideox-5b-i2v/"), HUB),
        (Base("/cache/models--zai-org--CogVideoX-5b-I2V/snapshots/0123abc"), HUB),
        (Base("/weights/CogVideoX-5b-I2V/transformer"), HUB),
        (Base("zai-org/CogVideoX-5b-I2V@main"), HUB),
    ],
)
def test_an_adapter_of_this_base_or_of_no_stated_one_is_applied_without_a_word(stated: Base, loaded: Base) -> None:
    assert require_base(FILE, stated, loaded, other_base=False) == ()


@pytest.mark.parametrize(
    ("stated", "loaded"),
    [
        (Base("tiny-i2v", "sha256:bbbb"), TINY),
        (Base(None, "sha256:bbbb"), TINY),
        (Base("zai-org/CogVideoX-2b"), HUB),
        (Base("zai-org/CogVideoX-5b-I2V"), TINY),
        (Base("tiny-i2v", "sha256:aaaa"), HUB),
    ],
)
def test_an_adapter_of_another_base_is_refused_unless_somebody_asks_for_it(stated: Base, loaded: Base) -> None:
    with pytest.raises(WeightsError, match=r"was trained on .*, and this base is .*--other-base"):
        require_base(FILE, stated, loaded, other_base=False)
    (note,) = require_base(FILE, stated, loaded, other_base=True)
    assert "applied to another base" in note and str(loaded) in note
