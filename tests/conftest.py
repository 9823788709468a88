"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["small_model", "servers"]

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real clips and pictures beside the repository; tests that use them skip where they are absent."""
    folder = Path(os.environ.get("REELOPS_TEST_MEDIA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real test media at {folder}; set REELOPS_TEST_MEDIA to a folder that has them")
    return folder
