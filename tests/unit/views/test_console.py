"""A terminal shows what strangers wrote, and obeys none of it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from rich.table import Table
from rich.text import Text

from reelops.system.plain_text import printable
from reelops.views.console import terminal

EVIL = "a\x1b]0;owned\x07 harbour\x1b[2J\x9b31m \u202etxt.exe\r!"
SPELT = r"a\x1b]0;owned\x07 harbour\x1b[2J\x9b31m \u202etxt.exe\x0d!"


def test_what_a_terminal_would_obey_is_spelt_out() -> None:
    assert printable(EVIL) == SPELT
    assert printable("lines\nand\ttabs, 変焦, é, 🎬") == "lines\nand\ttabs, 変焦, é, 🎬"


@pytest.mark.parametrize("shown", [EVIL, Text(EVIL), "table"])
def test_a_console_keeps_its_own_colours_and_nobody_elses(shown: object) -> None:
    file = io.StringIO()
    console = terminal(file=file, force_terminal=True, color_system="standard", width=200)
    if shown == "table":
        (shown := Table(style="red")).add_column()
        shown.add_row(Text(EVIL, style="green"))
    console.print(shown, style="bold")
    told = file.getvalue()
    assert re.search(r"\x1b\[[0-9;]*1", told), "its own"
    left = re.sub(r"\x1b\[[0-9;]*m", "", told)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", left)
    assert "owned" in left and r"\x1b" in left


def evil_clip(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = json.dumps({"reelops": {"prompt": EVIL}})
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_neither_info_nor_an_error_hands_a_strangers_words_to_the_terminal(tmp_path: Path) -> None:
    clip = evil_clip(tmp_path / "clip.mp4")
    for arguments in ([str(clip)], [str(tmp_path / EVIL)]):
        command = [sys.executable, "-m", "reelops.cli", "info", *arguments]
        told = subprocess.run(command, capture_output=True, timeout=120).stdout.decode()
        told += subprocess.run(command, capture_output=True, timeout=120).stderr.decode()
        assert "owned" in told
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", told)
