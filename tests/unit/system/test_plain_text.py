"""Text that any file takes."""

from __future__ import annotations

import pytest

from reelops.system.plain_text import without_half_letters


@pytest.mark.parametrize(
    ("given", "is_to_be"),
    [
        ("a cat", "a cat"),
        ("caf\u00e9 \U0001f600", "caf\u00e9 \U0001f600"),
        ("a cat \ud83d", "a cat \ufffd"),
        ("\ude00\ud83d\ude00", "\ufffd\U0001f600"),
        ("caf\udce9.mp4", "caf\ufffd.mp4"),
    ],
)
def test_text_becomes_what_utf_8_holds(given: str, is_to_be: str) -> None:
    assert without_half_letters(given) == is_to_be
    assert without_half_letters(given).encode().decode() == is_to_be
