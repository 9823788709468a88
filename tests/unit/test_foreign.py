"""Whatever a parser raises becomes one line that names the file."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from reelops.errors import Cancelled, MachineError, PictureError, VideoError
from reelops.foreign import reading_foreign

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


@pytest.mark.parametrize("number", [errno.ENFILE, errno.EIO, errno.ENOMEM, errno.ENOSPC])
def test_a_machine_fault_is_not_told_of_the_file(number: int) -> None:
    with pytest.raises(MachineError, match="on this machine"), reading_foreign(FILE, PictureError, "is damaged"):
        raise OSError(number, "no")


def test_no_memory_is_the_machines() -> None:
    with pytest.raises(MachineError, match="MemoryError"), reading_foreign(FILE, PictureError, "is damaged"):
        raise MemoryError


@pytest.mark.parametrize(
    "passed", [VideoError("told already"), Cancelled("stopped"), KeyboardInterrupt(), SystemExit(3)]
)
def test_what_was_raised_on_purpose_passes(passed: BaseException) -> None:
    with pytest.raises(type(passed)) as raised, reading_foreign(FILE, PictureError, "is damaged"):
        raise passed
    assert raised.value is passed
