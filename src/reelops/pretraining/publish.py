"""A trained candidate becomes the published model, with its figures and its card, if it is better."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reelops.pretraining.bundle import PARTS, replacing_parts
from reelops.pretraining.evaluate import BOUNDS, shortfalls

# How much each figure counts when two evaluations are compared: decibels as they are, accuracy in tenths.
_WEIGHTS = {"vae_psnr": 1.0, "first_frame_psnr": 1.0, "content_kept": 1.0, "move_accuracy": 10.0}


def is_better(candidate: dict[str, Any], published: dict[str, Any] | None) -> bool:
    """Fewer shortfalls win; with as many, the larger weighted sum of figures does."""
    if published is None:
        return True
    rank = [
        (-len(shortfalls(figures)), sum(weight * _known(figures[key]) for key, weight in _WEIGHTS.items()))
        for figures in (candidate, published)
    ]
    return rank[0] > rank[1]


def _known(figure: float | None) -> float:
    """The figure; where none of the clips could be measured, one that is worse than any."""
    return -math.inf if figure is None else figure


def publish(candidate: Path, model: Path, beside: Mapping[str, str] = MappingProxyType({})) -> None:
    """Puts the candidate in the published model's place, all of its parts in one step.

    Args:
        beside: more texts of the same training, by name: its facts and its card.

    Raises:
        MachineError: the disk is full, or the place cannot be written to; the published model stays.
    """
    with replacing_parts(model) as fresh:
        for part in PARTS:
            if (candidate / part).is_dir():
                shutil.copytree(candidate / part, fresh / part)
            else:
                shutil.copy2(candidate / part, fresh / part)
        for name, text in beside.items():
            (fresh / name).write_text(text, encoding="utf-8")


def card_of(figures: dict[str, Any], training: Mapping[str, Any]) -> str:
    """The text of card.md, from what was measured."""
    rows = "\n".join(
        f"| {label} | {figures[key]} {unit} | {BOUNDS[key]} |"
        for label, key, unit in (
            ("VAE reconstruction of camera moves, mean PSNR", "vae_psnr", "dB"),
            ("first frame against the given picture, PSNR", "first_frame_psnr", "dB"),
            ("last frame against the picture as the camera should show it, PSNR", "content_kept", "dB"),
            ("clips that show the camera move asked for", "move_accuracy", ""),
            ("seconds per clip", "seconds_per_clip", "s"),
            ("peak memory of the process", "peak_memory_gb", "GB"),
            ("all weights", "weights_mb", "MB"),
        )
    )
    shapes = "\n".join(
        f"| {shape['shape']} | {shape['size']} | {shape['clips']} | {shape['first_frame_psnr']} dB "
        f"| {shape['content_kept']} dB | {shape['move_accuracy']} |"
        for shape in figures["shapes"]
    )
    minutes = ", ".join(f"{phase} {round(seconds / 60)}" for phase, seconds in training["seconds"].items())
    return _CARD.format(
        rows=rows,
        shapes=shapes,
        clips=figures["clips"],
        pictures=", ".join(figures["pictures"]),
        machine=figures["machine"],
        minutes=minutes,
        sources="\n".join(f"- {source}" for source in training["sources"]),
        parameters=", ".join(f"{part} {count / 1e6:.2f} M" for part, count in training["parameters"].items()),
    )


_CARD = """---
license: apache-2.0
library_name: diffusers
pipeline_tag: image-to-video
tags: [cogvideox, image-to-video, camera-moves]
---

# tiny-i2v: the embedded image-to-video model of ReelOps

A CogVideoX image-to-video diffusion model, made small: the classes of diffusers (`CogVideoXImageToVideoPipeline`,
`CogVideoXTransformer3DModel`, `AutoencoderKLCogVideoX`, `T5EncoderModel`) at a size that two CPU cores carry. It turns
one picture and a sentence into 49 frames of 240x160 at 8 frames per second.

```python
from diffusers import CogVideoXImageToVideoPipeline

pipeline = CogVideoXImageToVideoPipeline.from_pretrained("models/tiny-i2v")
```

## What it is for

To run the whole of ReelOps (data, training, generation, scoring, gates, service) with real learning and real motion on
any laptop, and in tests.

## What it is not

It knows seven camera moves over a still scene: zoom in, zoom out, pan left, pan right, tilt up, tilt down, static,
each slow, normal or fast. Nothing in its clips moves by itself: no person walks, no water flows. What a move uncovers
beyond the picture's edge is made up and blurred. It reads English prompts about camera moves and ignores the rest; a
prompt that names no move gets a slow zoom in. It is no smaller CogVideoX-5B, and nothing it makes is fit to be
broadcast.

## Figures

On pictures it never saw ({pictures}); {clips} clips, one for each picture and move, at the profile's default steps;
{machine}. `reelops pretrain --evaluate-only` measures them again and writes `reports/pretrain/metrics.json`.

| what | measured | wanted |
|---|---|---|
{rows}

It was trained at 240x160 only. In other shapes its positions are stretched over the clip; the same figures there, of
few clips, each picture cropped to the shape:

| shape | generated at | clips | first frame | content kept | moves followed |
|---|---|---|---|---|---|
{shapes}

Parameters: {parameters}. Weights are safetensors, the text encoder's in float32, the others in
bfloat16.

## Training data

{sources}

Every clip is filmed by `reelops.camera.moves` over one of these pictures: random places, scales, mirror images,
exposures and colour balances, with captions that name the move (`reelops.pretraining.captions`). The VAE also saw
short pieces of the videos.

## Training

Minutes of wall time on two CPU cores: {minutes}. `reelops pretrain` trains it from the beginning and
resumes where it was stopped; `reelops pretrain --further` continues from these weights. Most of the training files are
not distributed here: put photographs into `data/pretraining/photos/` and videos into `data/pretraining/video/`, or name
other places in `pretrain.yaml`.

## Licence

Apache-2.0, as the code. The licences of the training pictures and videos allow this use; they are named above.
"""
