"""params.yaml: a key of an earlier ReelOps is refused with its new name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest
from pydantic import Field

from reelops.errors import SettingsError
from reelops.params import ParamsBlock, load_config


class Inner(ParamsBlock):
    renamed: ClassVar[Mapping[str, str]] = {"fewest": "min_words"}

    min_words: int


class Outer(ParamsBlock):
    renamed: ClassVar[Mapping[str, str]] = {"most_lost": "max_failed_share"}

    inner: Inner
    max_failed_share: float = Field(default=0.5, ge=0, le=1)


def _read(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    return load_config(params_file=tmp_path / "params.yaml").block("outer", Outer)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("outer: {inner: {fewest: 3}}", r"outer\.inner\.fewest is now min_words\. Rename it\.$"),
        ("outer: {most_lost: 0.1}", r"outer\.most_lost is now max_failed_share\. Rename it\.$"),
        ("outer: {max_failed_share: 7, inner: {fewest: 3}}", r"outer\.inner\.fewest is now min_words.* 1 more"),
        ("outer: {inner: {min_word: 3, min_words: 3}}", r"outer\.inner\.min_word is 3: extra inputs"),
    ],
)
def test_a_key_that_was_renamed_is_refused_with_its_new_name(tmp_path, text, message):
    with pytest.raises(SettingsError, match=message):
        _read(tmp_path, text)


def test_new_keys_are_read(tmp_path):
    assert _read(tmp_path, "outer: {inner: {min_words: 3}}").inner.min_words == 3
