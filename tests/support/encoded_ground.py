"""A project with encoded clips, made once; what changes it takes a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from made_once import made_once
from training_ground import Ground, make_ground

pytest.importorskip("pyarrow", reason='pyarrow comes with pip install "reelops[data]"')


@pytest.fixture(scope="session")
def encoded(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Read only."""

    def make(folder: Path) -> Ground:
        ground = make_ground(folder, small_model)
        report = ground.encode()
        assert (report.encoded, report.quarantined) == (5, ())
        return ground

    return made_once(tmp_path_factory, "encoded", make)


@pytest.fixture
def ground(encoded: Ground, tmp_path: Path) -> Ground:
    """One to change."""
    shutil.copytree(encoded.folder, tmp_path / "project", symlinks=True)
    return Ground(tmp_path / "project")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Sums over threads differ by their number; these tests compare to the bit."""
    torch.set_num_threads(1)
