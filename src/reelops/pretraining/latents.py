"""Clips as latents: filmed, encoded once, drawn many times."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reelops.camera.filming import film_somewhere
from reelops.camera.moves import CameraMove, CameraPath, CameraSpeed, path_of
from reelops.camera.words import UNNAMED_MOVE
from reelops.pretraining.captions import caption
from reelops.pretraining.checkpoint import reading_phase
from reelops.pretraining.vae import CLIP_FRAMES, to_tensor
from reelops.progress import QUIET, RunContext
from reelops.system.files import write_atomically

MOVES = tuple(CameraMove)
SPEEDS = tuple(CameraSpeed)

# How much more often than others a slow zoom is drawn. Near the frame's middle it moves by less than a latent pixel, so
# it is the hardest of the moves to tell from none; and it is what a prompt gets that names no move.
SLOW_ZOOM_ODDS = 3.0


@dataclass(frozen=True)
class Batch:
    """Clips (B, F, C, H, W) and their pictures (B, C, H, W), with a caption and a camera path each.

    A path is None where the caption is empty: nothing says it then.
    """

    clips: Tensor
    pictures: Tensor
    captions: list[str]
    paths: list[CameraPath | None]


@dataclass
class LatentPool:
    """Encoded clips: latents (n, F, C, H, W) float16, pictures (n, C, H, W) float16, move and speed indices (n,)."""

    clips: np.ndarray
    pictures: np.ndarray
    moves: np.ndarray
    speeds: np.ndarray

    def odds(self) -> np.ndarray:
        """The probability (n,) of each clip to be drawn."""
        zooms = [MOVES.index(move) for move in (CameraMove.ZOOM_IN, CameraMove.ZOOM_OUT)]
        slow_zoom = np.isin(self.moves, zooms) & (self.speeds == SPEEDS.index(CameraSpeed.SLOW))
        weights = np.where(slow_zoom, SLOW_ZOOM_ODDS, 1.0)
        odds: np.ndarray = weights / weights.sum()
        return odds

    def draw(self, count: int, rng: np.random.Generator, text_dropout: float) -> Batch:
        """Random clips by their `odds`, with a fresh caption each; empty ones with probability `text_dropout`."""
        chosen = rng.choice(len(self.clips), size=count, p=self.odds())
        captions = ["" if rng.random() < text_dropout else self._caption(int(index), rng) for index in chosen]
        return Batch(
            clips=torch.from_numpy(self.clips[chosen]).float(),
            pictures=torch.from_numpy(self.pictures[chosen]).float(),
            captions=captions,
            paths=[self._path(int(index)) if words else None for index, words in zip(chosen, captions, strict=True)],
        )

    def _path(self, index: int) -> CameraPath:
        return path_of(MOVES[self.moves[index]], SPEEDS[self.speeds[index]])

    def _caption(self, index: int, rng: np.random.Generator) -> str:
        move, speed = MOVES[self.moves[index]], SPEEDS[self.speeds[index]]
        if (move, speed) == UNNAMED_MOVE and rng.random() < 0.5:
            return caption(None, speed, rng)
        return caption(move, speed, rng)


@torch.no_grad()
def encode(vae: Any, clip_THWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latents (F, C, H, W) of a clip and (C, H, W) of its first frame alone, scaled as the transformer gets them."""
    scale = vae.config.scaling_factor
    with torch.autocast("cpu", torch.bfloat16):
        whole = vae.encode(to_tensor(clip_THWC[None])).latent_dist.mean
        first = vae.encode(to_tensor(clip_THWC[None, :1])).latent_dist.mean
    clip = (whole.float() * scale)[0].transpose(0, 1)
    return clip.half().numpy(), (first.float() * scale)[0, :, 0].half().numpy()


def film_latents(
    vae: Any,
    pictures: list[np.ndarray],
    size: tuple[int, int],
    count: int,
    folder: Path,
    seed: int,
    context: RunContext = QUIET,
    shard: int = 50,
) -> LatentPool:
    """Films and encodes `count` clips in shards under `folder`; shards already there are kept.

    Raises:
        SettingsError: one of them is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    times = np.arange(CLIP_FRAMES) / (CLIP_FRAMES - 1)
    shards = []
    for number in range((count + shard - 1) // shard):
        context.raise_if_stopped("Stopped as asked; encoded clips are kept, and the same command resumes from there.")
        path = folder / f"shard-{number:05d}.npz"
        if not path.exists():
            rng = np.random.default_rng((seed, 7, number))
            rows = [_one(vae, pictures, size, times, rng) for _ in range(shard)]
            clips, firsts, moves, speeds = (np.stack(column) for column in zip(*rows, strict=True))
            with write_atomically(path) as partial, partial.open("wb") as file:
                np.savez(file, clips=clips, pictures=firsts, moves=moves, speeds=speeds)
        with reading_phase(path):
            shards.append(_read(path))
        context.progress("latents", min(count, (number + 1) * shard), count, "clips")
    return LatentPool(**{key: np.concatenate([part[key] for part in shards]) for key in shards[0]})


def _read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return {field.name: arrays[field.name] for field in fields(LatentPool)}


def _one(
    vae: Any, pictures: list[np.ndarray], size: tuple[int, int], times: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int, int]:
    move = int(rng.choice(len(MOVES)))
    speed = int(rng.choice(3, p=(0.3, 0.5, 0.2)))
    if MOVES[move] is CameraMove.STATIC:
        speed = SPEEDS.index(CameraSpeed.NORMAL)
    picture = pictures[rng.integers(len(pictures))]
    clip, first = encode(vae, film_somewhere(picture, path_of(MOVES[move], SPEEDS[speed]), size, times, rng))
    return clip, first, move, speed
