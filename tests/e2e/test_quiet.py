"""Nothing is reported to anyone, and nothing listens on a port: every process of a run tells what its sockets do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_project import params_of_small_clips

from reelops.errors import DONE, REJECTED

# Python's own audit events; `site` imports this module in every process that Python starts, workers included.
HOOK = """
import os, sys

def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.bind", "socket.getaddrinfo"):
        place = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        if not isinstance(place, (str, bytes)) or event == "socket.getaddrinfo":  # a name in the file system is local
            line = f"{event} {place} {' '.join(sys.argv)[:80]}\\n"
            file = os.open(os.environ["SOCKETS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.write(file, line.encode())
            os.close(file)

sys.addaudithook(note)
"""


@pytest.fixture
def quiet(tmp_path: Path, repository: Path, small_model: Path):
    """Runs a command with nothing of this environment that silences a library; gives what sockets did meanwhile."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK)
    told = ("DO_NOT_TRACK", "MLFLOW_", "PREFECT_", "GX_", "DVC_", "HF_", "DISABLE_TELEMETRY", "PYTEST", "REELOPS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(told)}
    environment = kept | {
        "PYTHONPATH": str(tmp_path / "hook"),
        "SOCKETS": str(tmp_path / "sockets"),
        "REELOPS_HOME": str(tmp_path / "home"),
        "REELOPS_PARAMS_FILE": str(params_of_small_clips(repository, tmp_path, small_model)),
        "HOME": str(tmp_path),
    }

    def run(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=environment, cwd=repository, capture_output=True, text=True, timeout=300)
        assert done.returncode in (DONE, REJECTED), done.stderr
        noted = (tmp_path / "sockets").read_text() if (tmp_path / "sockets").exists() else ""
        # urllib3 asks in this way whether there is IPv6; it listens to nothing.
        return "".join(line for line in noted.splitlines(True) if not line.startswith("socket.bind ('::1', 0) "))

    return run


def test_the_hook_sees_a_socket(quiet) -> None:
    code = "import socket\nsocket.socket().connect_ex(('127.0.0.1', 9))\nsocket.socket().bind(('127.0.0.1', 0))"
    noted = quiet("-c", code)
    assert "socket.connect ('127.0.0.1', 9)" in noted and "socket.bind ('127.0.0.1', 0)" in noted


@pytest.mark.slow
def test_a_clip_is_made_tracked_and_scored_without_a_word_to_anyone(quiet, tmp_path: Path) -> None:
    clip = str(tmp_path / "clip.mp4")
    order = ("data/samples/coffee.jpg", "pan left", "--steps", "2", "-o", clip)
    assert quiet("-m", "reelops.cli", "generate", *order) == ""
    assert (tmp_path / "home" / "mlflow.db").exists() or list((tmp_path / "home").rglob("*.db")), "it was tracked"
    assert quiet("-m", "reelops.cli", "score", clip, "--html", str(tmp_path / "page.html")) == ""
    pytest.importorskip("great_expectations")
    assert quiet("-m", "reelops.cli", "score", clip, "--data-docs", str(tmp_path / "docs")) == ""
