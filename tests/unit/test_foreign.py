"""Whatever a parser raises becomes one line that names the file."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from scarcity import no_more_open_files

from reelops.cogvideox.adapter_file import read_adapter
from reelops.errors import Cancelled, MachineError, PictureError, ReelOpsError, VideoError, WeightsError
from reelops.foreign import printable, reading_foreign, refuse_machine_fault
from reelops.video.picture import probe_picture
from reelops.video.probe import probe

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


def test_weights_that_cannot_be_opened_now_are_not_missing(tmp_path: Path) -> None:
    """safetensors says "No such file" of a file that is there and cannot be opened."""
    file = tmp_path / "lora.safetensors"
    save_file({"a": np.zeros(3)}, file)
    with safe_open(file, "np") as tensors:
        assert tensors.keys()
    with (
        pytest.raises(MachineError, match="Nothing is known of the file"),
        no_more_open_files(),
        reading_foreign(file, WeightsError, "is no whole safetensors file"),
        safe_open(file, "np"),
    ):
        pass
    with (
        pytest.raises(WeightsError, match="is no whole safetensors file: No such file"),
        reading_foreign(tmp_path / "absent", WeightsError, "is no whole safetensors file"),
        safe_open(tmp_path / "absent", "np"),
    ):
        pass


def test_an_error_is_taken_for_a_fact_only_where_no_fault_of_the_machine_caused_it() -> None:
    refuse_machine_fault(FILE, VideoError("it is cut short"))
    refuse_machine_fault(FILE, FileNotFoundError(errno.ENOENT, "gone"))
    own = MachineError("cannot write clips: the disk is full")
    with pytest.raises(MachineError) as told:
        refuse_machine_fault(FILE, own)
    assert told.value is own
    wrapped = VideoError("clips/one.gif is not a video")
    wrapped.__cause__ = OSError(errno.EIO, "Input/output error")
    with pytest.raises(MachineError, match=r"cannot read clips/one\.gif on this machine now: Input/output error"):
        refuse_machine_fault(FILE, wrapped)


def test_a_pointer_of_git_lfs_is_told_whichever_parser_meets_it(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    for name, read in (("clip.mp4", probe), ("lora.safetensors", read_adapter), ("photo.jpg", probe_picture)):
        path = tmp_path / name
        path.write_bytes(pointer)
        with pytest.raises(ReelOpsError, match=rf"{name} is a Git LFS pointer.*`git lfs pull`\.$"):
            read(path)
