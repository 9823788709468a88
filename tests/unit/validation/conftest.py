"""An adapter trained for a moment, and validated once for all tests of this room."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from made_once import made_once
from training_ground import Ground
from validation_work import make_trained, validate_here

from reelops.validation.stage import ValidationResult

pytest.importorskip("pyarrow", reason='pyarrow comes with pip install "reelops[data]"')


@pytest.fixture(scope="session")
def trained(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Read only."""
    torch.set_num_threads(1)
    return made_once(tmp_path_factory, "trained", lambda folder: make_trained(folder, small_model))


@pytest.fixture(scope="session")
def validated(trained: Ground, tmp_path_factory: pytest.TempPathFactory) -> ValidationResult:
    """What validation finds there; its outputs are written."""
    return made_once(tmp_path_factory, "validated", lambda _: validate_here(trained))


@pytest.fixture
def ground(trained: Ground, validated: ValidationResult, tmp_path: Path) -> Ground:
    """One to change, with everything that is kept; the clips in it are those of `validated`."""
    shutil.copytree(trained.folder, tmp_path / "project", symlinks=True)
    return Ground(tmp_path / "project")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Sums over threads differ by their number; these tests compare to the bit."""
    torch.set_num_threads(1)
