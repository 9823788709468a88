"""Whatever a parser raises becomes one line that names the file."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from reelops.errors import Cancelled, MachineError, PictureError, VideoError
from reelops.foreign import printable, reading_foreign

FILE = Path("clips/one.gif")


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (ValueError("bad palette"), "bad palette"),
        (IndexError("index out of range"), "IndexError index out of range"),
        (RecursionError("maximum recursion depth exceeded"), "maximum recursion depth exceeded"),
        (AttributeError(), "AttributeError"),
        (struct.error("unpack requires 4 bytes"), "unpack requires 4 bytes"),
        (UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid continuation byte"), "codec can't decode"),
        (ValueError("a lone \ud83d surrogate\nand a second line"), r"a lone \\ud83d surrogate and a second line"),
        (AssertionError(), "AssertionError"),
    ],
)
def test_whatever_a_parser_raises_names_the_file(problem: Exception, told: str) -> None:
    with (
        pytest.raises(PictureError, match=rf"^{re.escape(str(FILE))} is damaged: .*{told}.*; download it again\.$"),
        reading_foreign(FILE, PictureError, "is damaged", "download it again"),
    ):
        raise problem


@pytest.mark.parametrize("number", [errno.ENFILE, errno.EIO, errno.ENOSPC])
def test_a_machine_fault_is_not_told_of_the_file(number: int) -> None:
    with pytest.raises(MachineError, match="on this machine"), reading_foreign(FILE, PictureError, "is damaged"):
        raise OSError(number, "no")


@pytest.mark.parametrize("problem", [MemoryError(), OSError(errno.ENOMEM, "no")])
def test_no_memory_is_the_machines(problem: Exception) -> None:
    with (
        pytest.raises(MachineError, match=r"machine ran out of memory reading clips/one\.gif"),
        reading_foreign(FILE, PictureError, "is damaged"),
    ):
        raise problem


@pytest.mark.parametrize(
    "passed", [VideoError("told already"), Cancelled("stopped"), KeyboardInterrupt(), SystemExit(3)]
)
def test_what_was_raised_on_purpose_passes(passed: BaseException) -> None:
    with pytest.raises(type(passed)) as raised, reading_foreign(FILE, PictureError, "is damaged"):
        raise passed
    assert raised.value is passed


def test_words_of_strangers_are_shown_in_one_line() -> None:
    assert printable("caf\u00e9") == "caf\u00e9"
    assert printable("a\nb\x1b[2J\udce9\u2028") == r"a\nb\x1b[2J\udce9\u2028"


def test_a_file_whose_name_is_no_text_is_named_in_text() -> None:
    with pytest.raises(PictureError) as caught, reading_foreign(Path("caf\udce9.gif"), PictureError, "is damaged"):
        raise ValueError("\x1b[31m")
    assert str(caught.value).isprintable() and r"caf\udce9.gif" in str(caught.value)
