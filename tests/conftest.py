"""Fixtures every test may use."""

from __future__ import annotations

import gc
import signal
from pathlib import Path

import pytest

pytest_plugins = ["postgres", "pretended_gpus", "real_media", "small_model", "servers"]

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """A shell starts what it puts into the background deaf to Ctrl-C, and whatever that starts is deaf, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What is loaded by then stays to the end: who collects garbage need not look through all of it each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY
