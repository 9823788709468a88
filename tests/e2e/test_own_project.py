"""Data of one's own in a folder of one's own: everything lands there, and the checkout stays as git has it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import published
import yaml
from publisher import SMALL_WINDOW
from studio import Studio
from training_ground import LATENTS, TRAIN, small_profile


def status_of(repository: Path) -> str:
    return subprocess.run(
        ["git", "status", "--porcelain"], cwd=repository, capture_output=True, text=True, check=False
    ).stdout


def test_from_own_clips_to_an_own_adapter_nothing_of_the_checkout_changes(studio: Studio, repository: Path) -> None:
    project = studio.folder / "mine"
    for number in range(4):
        clip = published.draw_video(project / "footage" / f"clip{number}.mp4", seed=number)
        clip.with_suffix(".txt").write_text(f"Soft shapes drift past, number {number}.\n")
    blocks = {
        "dataset": {"sources": [{"kind": "folder", "path": "footage"}]},
        "metadata": SMALL_WINDOW,
        "profiles": {"small": small_profile(studio.model)},
        "latents": LATENTS,
        "train": {**TRAIN, "name": "mine", "steps": 2, "held_out": {"every": 0}},
    }
    (project / "params.yaml").write_text(yaml.safe_dump(blocks))
    before = status_of(repository)

    # In the checkout, as somebody does who calls what is installed there.
    environment = {"REELOPS_PARAMS_FILE": str(project / "params.yaml")}
    for command in (["fetch"], ["metadata", "--no-data-docs"], ["latents"], ["train", "--no-track"]):
        done = studio.run("reelops.cli", *command, **environment)
        assert done.returncode == 0, (command, done.stdout + done.stderr)

    assert status_of(repository) == before
    assert (project / "models/adapters/mine").is_dir()
    for report in ("fetch/metrics.json", "data/index.html", "latents/metrics.json", "train/metrics.json"):
        assert (project / "reports" / report).is_file()
