"""The processor: what it is called, what it can do, and how much of it is ours."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Processor:
    """Its name, and the instructions that it has beyond the common ones, as Linux calls them."""

    name: str
    features: frozenset[str] = frozenset()


@cache
def inspect_processor() -> Processor:
    """This machine's."""
    lines = _described()
    features = lines.get("flags") or lines.get("Features") or ""  # on x86 and on Arm
    name = lines.get("model name") or platform.processor() or platform.machine()
    return Processor(name, frozenset(features.split()))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _described() -> dict[str, str]:
    """What Linux says of the first core; nothing elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    lines: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        lines.setdefault(key.strip(), value.strip())
    return lines
