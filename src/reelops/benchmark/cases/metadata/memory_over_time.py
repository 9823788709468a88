"""Memory while clips are looked at: flat lines, or not."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import psutil

from reelops.progress import Event, Progress

_SAMPLES = 60
_SAMPLE_SECONDS = 0.5


class MemoryOverTime:
    """Memory of this process and of the largest of its children, every half second while the block runs.

    Of what other processes share too, libraries above all, each counts all (resident set).
    """

    def __init__(self) -> None:
        self._done = 0
        self._began = time.monotonic()
        self._seen: list[tuple[float, int, float, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-over-time", daemon=True)

    def on_event(self, event: Event) -> None:
        """Hears from the stage how many clips are done."""
        if isinstance(event, Progress):
            self._done = round(event.done)

    @property
    def worker_peak_mb(self) -> float | None:
        """The most that one child had; None where there was none."""
        return max((worker for *_, worker in self._seen if worker), default=None)

    def samples(self) -> list[dict[str, float]]:
        """At most sixty, evenly spread."""
        names = ("seconds", "clips", "main_mb", "worker_mb")
        numbers = sorted({round(place) for place in np.linspace(0, len(self._seen) - 1, _SAMPLES).tolist()})
        return [dict(zip(names, self._seen[number], strict=True)) for number in numbers] if self._seen else []

    def __enter__(self) -> MemoryOverTime:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(_SAMPLE_SECONDS):
            workers = [_resident_mb(child) for child in process.children()]
            seconds = round(time.monotonic() - self._began, 1)
            self._seen.append((seconds, self._done, _resident_mb(process), max(workers, default=0.0)))


def _resident_mb(process: psutil.Process) -> float:
    try:
        return round(float(process.memory_info().rss) / 1e6, 1)
    except psutil.Error:  # it has just ended
        return 0.0


def own_peak_mb() -> float:
    """Of this process alone: what `getrusage` says begins with the memory of whoever started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000
