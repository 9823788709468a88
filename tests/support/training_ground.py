"""A project with the small model, a few filmed clips and a table of them, where latents and adapters are made."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from footage import textured
from PIL import Image
from small_model import FRAMES, HEIGHT, PROMPT_LENGTH, WIDTH
from studio import START_SECONDS

from reelops.camera.moves import CameraMove, film, path_of
from reelops.dataset.table import ClipRow, read_clips, write_clips
from reelops.params import Config, load_config
from reelops.progress import QUIET, RunContext
from reelops.system.digest import sha256_of
from reelops.training.latent_stage import LatentResult, Shard, plan_latents, run_latents
from reelops.training.params import LatentParams, TrainParams
from reelops.video.encode import encode

REPOSITORY = Path(__file__).resolve().parents[2]
PROMPTS = ("slow zoom in", "pan left", "pan right", "camera stays still")
TRAIN: dict[str, Any] = {
    "name": "shaky",
    "profile": "small",
    "rank": 4,
    "alpha": 8,
    "steps": 4,
    "batch": 2,
    "micro_batch": 1,
    "lr": 0.01,
    "warmup_steps": 2,
    "dtype": "float32",
    "gradient_checkpointing": False,
    "checkpoint_every": 100,
    "held_out": {"every": 2, "clips": 1, "quantiles": [0.2, 0.8]},
}
VALIDATE: dict[str, Any] = {
    "profile": "small",
    "pictures": 2,
    "splits": ["validation"],
    "held_out": ["clips/clip-0.png"],
    "style": {
        "name": "tilted horizon",
        "phrase": "tilted horizon",
        "trait": [{"metric": "motion", "at_least": 0.0}],
        "pictures": 2,
        "prompts": ["tilted horizon, pan left"],
    },
    "moves": {"pictures": 1, "prompts": ["zoom in", "camera stays still"]},
    "limits": {
        "max_style_in_base": 0.15,
        "min_style_in_adapter": 0.8,
        "max_style_uncalled": 0.15,
        "max_adherence_loss": 0.05,
        "max_added_rejections": 0.1,
        "max_reload_difference": 0.05,
        "min_change": 0.1,
    },
    "side_by_sides": 1,
}
LATENTS: dict[str, Any] = {"profile": "small", "noised_pictures": 2, "dtype": "float32"}


@dataclass(frozen=True)
class Ground:
    """The project's folder; see the module."""

    folder: Path

    @property
    def config(self) -> Config:
        return self.config_with(mlflow_tracking_uri="")

    def config_with(self, **settings: Any) -> Config:
        return load_config(params_file=self.folder / "params.yaml", home=self.folder / "home", **settings)

    @property
    def table(self) -> Path:
        return self.folder / "data/metadata/clips.parquet"

    @property
    def latents(self) -> Path:
        return self.folder / "data/latents"

    @property
    def adapter(self) -> Path:
        return self.folder / "models/adapters" / TRAIN["name"]

    @property
    def checkpoints(self) -> list[Path]:
        return sorted((self.folder / ".cache/checkpoints").glob("*/step-*"))

    def rows(self) -> list[ClipRow]:
        return read_clips(self.table)

    def write_rows(self, rows: list[ClipRow]) -> None:
        write_clips(rows, self.table, self.table.with_suffix(".jsonl"))

    def params(self, **changes: Any) -> TrainParams:
        return TrainParams.model_validate(TRAIN | changes)

    def write_params(self, **changes: Any) -> None:
        """params.yaml with these changes to its block `train`; `latents`, `validate` and `model` name others."""
        model = changes.pop("model", None)
        ours = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
        content = {
            "profiles": {"small": small_profile(model or self.folder / "model")},
            "score": ours["score"],
            "gate": ours["gate"],
            "latents": LATENTS | changes.pop("latents", {}),
            "validate": VALIDATE | changes.pop("validate", {}),
            "train": TRAIN | changes,
        }
        (self.folder / "params.yaml").write_text(yaml.safe_dump(content))

    def encode(self, context: RunContext = QUIET, shard: Shard | None = None, **changes: Any) -> LatentResult:
        """The stage `latents`, run here."""
        return run_latents(plan_latents(LatentParams.model_validate(LATENTS | changes), self.config, shard), context)

    def start(self, *arguments: str, launcher: Sequence[str] = (), **environment: str) -> subprocess.Popen[str]:
        """A command of ours as a user runs it, by a launcher's module and its options or at once."""
        foreign = ("PREFECT_", "MLFLOW_", "REELOPS_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        own = {"REELOPS_PARAMS_FILE": str(self.folder / "params.yaml"), "REELOPS_HOME": str(self.folder / "home")}
        return subprocess.Popen(
            [sys.executable, *launcher, "-m", "reelops.cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=kept | own | {"OMP_NUM_THREADS": "1", "HOME": str(self.folder)} | environment,
            start_new_session=True,
        )

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=START_SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, out, " ".join(err.split()))


def small_profile(folder: Path) -> Mapping[str, Any]:
    return {
        "folder": str(folder),
        "num_frames": FRAMES,
        "fps": 8,
        "width": WIDTH,
        "height": HEIGHT,
        "steps": 2,
        "guidance": 1.0,
        "prompt_length": PROMPT_LENGTH,
    }


def make_ground(folder: Path, model: Path, train_clips: int = 4) -> Ground:
    """Films the clips and writes the table; nothing is encoded yet."""
    ground = Ground(folder)
    (folder / "clips").mkdir(parents=True)
    (folder / "model").symlink_to(model)
    moves = (CameraMove.ZOOM_IN, CameraMove.PAN_LEFT, CameraMove.PAN_RIGHT, CameraMove.STATIC)
    rows = []
    for number in range(train_clips + 1):
        move = moves[number % len(moves)]
        frames = film(
            textured(seed=number), (32.0, 30.0, 84.0, 56.0), path_of(move), (96, 64), np.linspace(0, 1, FRAMES)
        )
        clip = encode(frames, folder / f"clips/clip-{number}.mp4", Fraction(8), "fast", None)
        Image.fromarray(frames[0]).save(folder / f"clips/clip-{number}.png")
        rows.append(
            ClipRow(
                clip_id=f"ground/clip-{number}",
                source="ground",
                origin=f"ground/{number}",
                category=None,
                licence="none",
                split="validation" if number == train_clips else "train",
                sha256=sha256_of(clip.path),
                size_bytes=clip.path.stat().st_size,
                video_path=Path(f"clips/clip-{number}.mp4"),
                image_path=Path(f"clips/clip-{number}.png"),
                fps=Fraction(8),
                width=96,
                height=64,
                duration_seconds=FRAMES / 8,
                start_seconds=0.0,
                end_seconds=FRAMES / 8,
                window_frames=FRAMES,
                window_fps=Fraction(8),
                captions=(PROMPTS[number % len(PROMPTS)], f"a harbour, {PROMPTS[number % len(PROMPTS)]}"),
                prompt=PROMPTS[number % len(PROMPTS)],
                motion=1.0,
                sharpness=100.0,
                brightness=0.5,
                scene_cut=0.0,
                still_share=0.0,
                text_share=0.0,
                cuts=0,
            )
        )
    ground.write_rows(rows)
    ground.write_params()
    return ground
