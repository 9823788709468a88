"""What takes long to make and is only read: one of the processes that tests run in makes it, for all of them."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from filelock import FileLock

Made = TypeVar("Made")


def made_once(temporary: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """What `make` answers, called with a folder that the whole run shares; what it writes there is there for all."""
    base = temporary.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    answer = shared / f"{name}.pickle"
    with FileLock(shared / f"{name}.lock"):
        if not answer.exists():
            made = make(shared / name)
            answer.write_bytes(pickle.dumps(made))
    return pickle.loads(answer.read_bytes())  # noqa: S301 - our own, a moment ago
