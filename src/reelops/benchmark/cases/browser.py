"""What a browser needs to open a page: seconds and memory, beyond an empty page."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
_PATIENCE_SECONDS = 120
_LOOK_EVERY_SECONDS = 0.02
_MB = 1e6


def measure_opening(page: Path, scratch: Path, rounds: int) -> dict[str, Any] | None:
    """What a page costs beyond an empty one, by the quickest of so many starts; None where there is no browser."""
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        return None
    empty = scratch / "empty.html"
    empty.write_text("<!DOCTYPE html><title>Empty</title>")
    bare, full = ([_open(program, each) for _ in range(rounds)] for each in (empty, page))
    seconds = min(one.wall for one in full), min(one.wall for one in bare)
    memory = [max((one.peak_mb or 0.0) for one in runs) for runs in (full, bare)]
    return {
        "program": _version(program),
        "seconds": seconds[0],
        "seconds_beyond_an_empty_page": seconds[0] - seconds[1],
        "peak_mb": memory[0] or None,
        "peak_mb_beyond_an_empty_page": memory[0] - memory[1] if memory[0] else None,
    }


@dataclass(frozen=True)
class _Opened:
    """Seconds from a browser's start until it has drawn a page, and the most memory its processes had together."""

    wall: float
    peak_mb: float | None


def _open(program: str, page: Path) -> _Opened:
    """Draws a page into a picture, which is done once its scripts have run, and ends."""
    with tempfile.TemporaryDirectory(prefix="reelops-browser-", ignore_cleanup_errors=True) as home:
        picture = Path(home) / "page.png"
        command = [program, *_QUIET, f"--user-data-dir={home}", f"--screenshot={picture}", page.as_uri()]
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
        most = 0.0
        try:
            while process.poll() is None and time.perf_counter() < started + _PATIENCE_SECONDS:
                most = max(most, _memory_mb(process.pid))
                time.sleep(_LOOK_EVERY_SECONDS)
        finally:
            process.kill()
            process.wait()
        return _Opened(time.perf_counter() - started, most or None)


def _memory_mb(process: int) -> float:
    """Proportional set sizes of a process and of all that descend from it: what is shared counts in parts."""
    total = 0
    with suppress(psutil.Error):  # it has just ended
        root = psutil.Process(process)
        for each in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):
                total += getattr(each.memory_full_info(), "pss", 0)  # Linux alone knows it
    return total / _MB


def _version(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30)  # noqa: S603 - our own
    return done.stdout.strip()
