"""What the embedded model can do, measured on pictures it never saw: the figures of its card."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reelops.camera.filming import film_somewhere
from reelops.camera.moves import CameraMove, path_of
from reelops.clip import ClipOrder, order_of
from reelops.cogvideox.clip_format import nearest_shape
from reelops.cogvideox.profiles import Profile
from reelops.gate.bound import Bound
from reelops.generators.contract import Generation
from reelops.metrics.camera.camera_move import measure_camera
from reelops.metrics.reference.content_kept import content_kept
from reelops.metrics.reference.psnr import psnr
from reelops.pretraining.vae import CLIP_FRAMES, reconstruct
from reelops.progress import QUIET, RunContext
from reelops.video.picture import read_pixels

BOUNDS = {
    "vae_psnr": Bound.at_least(25.0),
    "first_frame_psnr": Bound.at_least(21.0),
    "content_kept": Bound.at_least(17.0),
    "move_accuracy": Bound.at_least(0.85),
    "seconds_per_clip": Bound.at_most(60.0),
    "peak_memory_gb": Bound.at_most(3.0),
    "weights_mb": Bound.at_most(25.0),
}
"""What the embedded model must reach before it ships, by figure."""

SHAPES = ((2, 3), (4, 3), (3, 4), (16, 9), (9, 16), (1, 1))
"""Width by height of the shapes that it is measured in beside its own."""
SHAPE_FIGURES = ("clips", "first_frame_psnr", "content_kept", "move_accuracy")

Generate = Callable[[ClipOrder], Generation]


@dataclass(frozen=True)
class ClipResult:
    """One generated clip against what was asked.

    Attributes:
        first_frame_psnr: first frame against the given picture, dB.
        content_kept: last frame against the given picture warped by the measured camera transform, dB; None where
            the two show no common part.
    """

    picture: str
    asked: str
    measured: str
    zoom: float
    shift_x: float
    shift_y: float
    first_frame_psnr: float
    content_kept: float | None
    seconds: float
    peak_memory_gb: float


def evaluate_clip(generate: Generate, order: ClipOrder, move: CameraMove) -> tuple[ClipResult, np.ndarray]:
    """Generates the clip, whose prompt asks for `move`, and measures it; its frames (T, H, W, 3) come with it."""
    generated = generate(order)
    frames_THWC = generated.read_frames()
    motion = measure_camera(frames_THWC)
    seconds = sum(value for stage, value in generated.seconds.items() if stage != "load")
    result = ClipResult(
        picture=order.picture.name,
        asked=move.value,
        measured=motion.move.value,
        zoom=round(motion.zoom, 4),
        shift_x=round(motion.shift_x, 4),
        shift_y=round(motion.shift_y, 4),
        first_frame_psnr=round(psnr(frames_THWC[0], generated.picture_HWC), 2),
        content_kept=_rounded(content_kept(frames_THWC, generated.picture_HWC)),
        seconds=round(seconds, 2),
        peak_memory_gb=round(max(generated.peak_memory_bytes.values()) / 1e9, 3),
    )
    return result, frames_THWC


def _bare_order(picture: Path, move: CameraMove, seed: int, profile: Profile, width: int, height: int) -> ClipOrder:
    """For a clip of exactly this size, which is measured as it is generated."""
    return order_of(
        picture=picture, prompt=move.words, profile=profile.name, seed=seed, width=width, height=height, detail="off"
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 2)


def evaluate_generation(
    generate: Generate,
    pictures: list[Path],
    profile: Profile,
    context: RunContext = QUIET,
    moves: tuple[CameraMove, ...] = tuple(CameraMove),
) -> dict[str, Any]:
    """Every move for every picture, in the profile's own size and as it is generated: the bare clip.

    Args:
        profile: as all orders have it.
    """
    context.progress("make", 0, len(pictures) * len(moves), "clips")
    results = []
    thumbnails: dict[tuple[str, str], np.ndarray] = {}
    for row, picture in enumerate(pictures):
        for column, move in enumerate(moves):
            order = _bare_order(picture, move, 100 * row + column, profile, profile.width, profile.height)
            result, frames_THWC = evaluate_clip(generate, order, move)
            results.append(result)
            thumbnails[picture.name, move.value] = cv2.resize(
                frames_THWC[-1], (60, 40), interpolation=cv2.INTER_AREA
            ).astype(float)
            context.progress("make", len(results), len(pictures) * len(moves), "clips")
    return {
        "clips": len(results),
        "pictures": [picture.name for picture in pictures],
        **_means(results),
        "content_kept_clips": sum(result.content_kept is not None for result in results),
        "change_with_prompt": _least_difference(thumbnails, same=0),
        "change_with_picture": _least_difference(thumbnails, same=1),
        "seconds_per_clip": round(statistics.fmean(result.seconds for result in results), 2),
        "peak_memory_gb": max(result.peak_memory_gb for result in results),
        "results": [asdict(result) for result in results],
    }


def evaluate_shapes(
    generate: Generate,
    pictures: list[Path],
    profile: Profile,
    context: RunContext = QUIET,
    shapes: Sequence[tuple[int, int]] = SHAPES,
) -> list[dict[str, Any]]:
    """Every move once in each of several shapes, over pictures that take turns, cropped to the shape."""
    architecture = profile.known_architecture()
    assert architecture is not None, "the embedded model is here"
    total = len(shapes) * len(CameraMove)
    rows: list[dict[str, Any]] = []
    for number, (across, down) in enumerate(shapes):
        width, height = nearest_shape(across / down, architecture, profile.width, profile.height)
        results = []
        for turn, move in enumerate(CameraMove):
            context.progress("shapes", number * len(CameraMove) + turn, total, "clips")
            picture = pictures[(number + turn) % len(pictures)]
            order = _bare_order(picture, move, turn, profile, width, height)
            results.append(evaluate_clip(generate, order, move)[0])
        rows.append(
            {"shape": f"{across}:{down}", "size": f"{width}x{height}", "clips": total // len(shapes), **_means(results)}
        )
    context.progress("shapes", total, total, "clips")
    return rows


def _means(results: Sequence[ClipResult]) -> dict[str, float | None]:
    """Of what could be measured; None where no clip's camera left a part of its picture in sight."""
    kept = [result.content_kept for result in results if result.content_kept is not None]
    return {
        "first_frame_psnr": round(statistics.fmean(result.first_frame_psnr for result in results), 2),
        "content_kept": round(statistics.fmean(kept), 2) if kept else None,
        "move_accuracy": round(statistics.fmean(result.asked == result.measured for result in results), 4),
    }


def _least_difference(last_frames: dict[tuple[str, str], np.ndarray], same: int) -> float:
    """The smallest mean absolute difference (0 to 255) between last frames of clips that share key `same` only."""
    keys = list(last_frames)
    differences = [
        float(np.abs(last_frames[first] - last_frames[second]).mean())
        for index, first in enumerate(keys)
        for second in keys[index + 1 :]
        if first[same] == second[same]
    ]
    return round(min(differences), 2) if differences else math.nan


def evaluate_vae(vae: Any, pictures: list[Path], size: tuple[int, int]) -> dict[str, float]:
    """Reconstruction of camera moves filmed over the pictures at normal speed, dB.

    `vae_psnr` is the mean over clips; `vae_psnr_pooled` is that of the mean squared error over all clips.
    """
    times = np.arange(CLIP_FRAMES) / (CLIP_FRAMES - 1)
    values, errors = [], []
    for row, path in enumerate(pictures):
        picture = read_pixels(path)
        for column, move in enumerate(CameraMove):
            rng = np.random.default_rng((11, row, column))
            clip = film_somewhere(picture, path_of(move), size, times, rng)
            error = float(((reconstruct(vae, clip).astype(np.float64) - clip) ** 2).mean())
            errors.append(error)
            values.append(10 * math.log10(255**2 / error))
    return {
        "vae_psnr": round(statistics.fmean(values), 2),
        "vae_psnr_pooled": round(10 * math.log10(255**2 / statistics.fmean(errors)), 2),
        "vae_psnr_lowest": round(min(values), 2),
    }


def shortfalls(figures: dict[str, Any]) -> list[str]:
    """What keeps the model from shipping, one sentence a figure; empty when everything is reached."""
    return [
        f"{name} is {figures[name]}, {bound} wanted" for name, bound in BOUNDS.items() if not bound.holds(figures[name])
    ]
