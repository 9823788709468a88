"""A project with our params.yaml, whose benchmark.yaml names two small clips, and the bench that parts work on."""

from __future__ import annotations

from pathlib import Path

import pytest
from footage import filmed, write_clip

from reelops.benchmark.case import Bench
from reelops.params import load_config


def make_project(folder: Path, repository: Path) -> Path:
    for seed in range(2):
        write_clip(folder / "clips" / f"{seed}.mp4", filmed(num_frames=5, seed=seed))
    (folder / "params.yaml").write_text((repository / "params.yaml").read_text())
    globs = "".join(f"{name}: [clips/*]\n" for name in ("clips", "pictures", "product_clips"))
    (folder / "benchmark.yaml").write_text(f"{globs}good_clips: [clips/0.mp4]\n")
    return folder


@pytest.fixture
def project(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REELOPS_PARAMS_FILE", str(tmp_path / "params.yaml"))
    return make_project(tmp_path, repository)


@pytest.fixture
def bench(project: Path) -> Bench:
    """Both clips; scratch within the project."""
    (project / "scratch").mkdir()
    return Bench(load_config(params_file=project / "params.yaml", home=project / "home"), project / "scratch")
