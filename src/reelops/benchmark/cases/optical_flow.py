"""Dual TV-L1 of ours against OpenCV's: time, agreement, error on known motion, and the score that rests on it.

Both sides run in one process on the same pictures. What takes OpenCV hours, its score of whole clips at 240 rows and
its error on known motion at 480, is measured once and kept: see `golden_flow`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reelops.benchmark.known_flow import MOTIONS, KnownMotion, KnownSequence, end_point_error, moved_pair
from reelops.metrics.motion.temporal_consistency import consistency_of
from reelops.optical_flow.engines import mean_magnitude
from reelops.optical_flow.tvl1.engine import TvL1
from reelops.optical_flow.tvl1.parameters import opencv_parameters
from reelops.optical_flow.working_size import SMALLEST_ROWS, STATED_ROWS, WORKING_ROWS, at_rows, luma
from reelops.system.digest import sha256_of
from reelops.video.decode import read_frames

OnStep = Callable[[str], None]
Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]

FPS, NUM_FRAMES = Fraction(8), 49
GOLDEN_ROWS = 240
EQUAL_ROWS = 240
OPENCV_ROWS = (120, 240)
SIZES = (SMALLEST_ROWS, 240, 360, 480)


@dataclass(frozen=True)
class Timed:
    """Seconds of one call: on the wall, and summed over all cores."""

    wall: float
    cpu: float


def opencv_flow(previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray:
    """OpenCV's Dual TV-L1 exactly as `DualTVL1OpticalFlow_create()` makes it, on all cores."""
    flow: np.ndarray = cv2.optflow.DualTVL1OpticalFlow.create().calc(previous_HW, next_HW, None)
    return flow


def timed(flow: Callable[..., np.ndarray], *frames_HW: np.ndarray, repeats: int = 1) -> tuple[np.ndarray, Timed]:
    """What `flow` makes of frames, and the quickest of `repeats` calls."""
    best = Timed(np.inf, np.inf)
    found = np.empty(0)
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        found = flow(*frames_HW)
        took = Timed(time.perf_counter() - wall, time.process_time() - cpu)
        best = min(best, took, key=lambda each: each.wall)
    return found, best


def clip_frames(path: Path) -> list[np.ndarray]:
    """Luma (H, W) of a clip's first 49 frames at 8 a second."""
    return [luma(timed.frame_HWC) for timed in islice(read_frames(path, fps=FPS), NUM_FRAMES)]


def num_steps(timed_clips: Sequence[Path], clips: Sequence[Path]) -> int:
    """How often `benchmark_flow` tells what it does."""
    return len({*timed_clips, *clips}) + len(timed_clips) + 3 * len(clips) + len(MOTIONS)


def benchmark_flow(
    timed_clips: Sequence[Path],
    clips: Sequence[Path],
    pictures: Sequence[Path],
    scale: float,
    golden: Mapping[str, Any],
    on_step: OnStep = lambda _: None,
) -> dict[str, Any]:
    """All figures as plain JSON values.

    Args:
        timed_clips: real clips at whose own size OpenCV is timed, on the two frames in the middle; up to half a minute
            each.
        clips: real clips for everything else; their first 49 frames at 8 frames a second count.
        pictures: photographs to move in known ways.
        scale: the variance that brings temporal consistency down to 1/e.
        golden: what `make_golden` wrote, or {}.
        on_step: told what is done now.
    """
    ours = TvL1()
    ours.flow(*np.zeros((2, 32, 32), np.uint8))  # compiled, or read from the cache, before any clock runs
    frames = {}
    for path in dict.fromkeys((*timed_clips, *clips)):
        on_step(f"reading {path.name}")
        frames[path] = clip_frames(path)
    middle = {path: shown[len(shown) // 2 :][:2] for path, shown in frames.items()}
    frames = {path: frames[path] for path in clips}
    report: dict[str, Any] = {}
    report["time"] = _time({path: middle[path] for path in timed_clips}, ours, on_step)
    report["equal_parameters"] = _equal_parameters({path: middle[path] for path in clips}, on_step)
    report["known_motion"] = _known_motion(pictures, ours, golden, on_step)
    report["working_size"] = _working_size(frames, ours, on_step)
    report["score"] = _score(frames, ours, scale, golden, on_step)
    return report


def _time(pairs: Mapping[Path, Sequence[np.ndarray]], ours: TvL1, on_step: OnStep) -> list[dict[str, Any]]:
    """The same pairs at their own size: OpenCV's defaults, ours at that size, and ours as temporal consistency asks."""
    rows = []
    for path, (previous, following) in pairs.items():
        on_step(f"OpenCV at {previous.shape[1]}x{previous.shape[0]} on {path.name}")
        _, theirs = timed(opencv_flow, previous, following)
        _, full = timed(ours.flow, previous, following, repeats=3)
        _, working = timed(_at_working_size(ours), previous, following, repeats=3)
        batch, both = timed(lambda a, b: np.stack(list(ours.flows([a, b] * 12))), previous, following)
        rows.append(
            {
                "clip": path.name,
                "size": f"{previous.shape[1]}x{previous.shape[0]}",
                "opencv": vars(theirs),
                "ours_same_size": vars(full),
                "ours_same_size_all_cores_a_pair": {"wall": both.wall / len(batch), "cpu": both.cpu / len(batch)},
                f"ours_at_{WORKING_ROWS}_rows": vars(working),
                "times_faster_same_size": theirs.wall / full.wall,
                "times_less_cpu_same_size": theirs.cpu / full.cpu,
                "times_faster_same_size_all_cores": theirs.wall / (both.wall / len(batch)),
                f"times_faster_at_{WORKING_ROWS}_rows": theirs.wall / working.wall,
                f"times_less_cpu_at_{WORKING_ROWS}_rows": theirs.cpu / working.cpu,
            }
        )
    return rows


def _at_working_size(engine: TvL1) -> Flow:
    def flow(previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray:
        return engine.flow(at_rows(previous_HW, WORKING_ROWS), at_rows(next_HW, WORKING_ROWS))

    return flow


def _equal_parameters(pairs: dict[Path, list[np.ndarray]], on_step: OnStep) -> list[dict[str, Any]]:
    """OpenCV's parameters on both sides, at one size."""
    same = TvL1(opencv_parameters())
    rows = []
    for path, pair in pairs.items():
        on_step(f"equal parameters, {path.name}")
        previous, following = (at_rows(gray, EQUAL_ROWS) for gray in pair)
        expected, theirs = timed(opencv_flow, previous, following)
        found, own = timed(same.flow, previous, following)
        distance = np.linalg.norm(found - expected, axis=2)
        rows.append(
            {
                "clip": path.name,
                "size": f"{previous.shape[1]}x{previous.shape[0]}",
                "opencv": vars(theirs),
                "ours": vars(own),
                "times_faster": theirs.wall / own.wall,
                "times_less_cpu": theirs.cpu / own.cpu,
                "median_distance": float(np.median(distance)),
                "mean_distance": float(distance.mean()),
            }
        )
    return rows


def _known_motion(
    pictures: Sequence[Path], ours: TvL1, golden: Mapping[str, Any], on_step: OnStep
) -> dict[str, dict[str, float | None]]:
    """Mean end-point error by motion, in pixels at 480 rows, and over all motions."""
    table: dict[str, dict[str, float | None]] = {}
    kept = golden.get("known_motion", {})
    for motion in MOTIONS:
        on_step(f"known motion, {motion.name}")
        pairs = [moved_pair(photograph(path), motion) for path in pictures]
        row: dict[str, float | None] = {
            f"ours_{rows}": _error(ours.flow, pairs, motion, rows) for rows in (WORKING_ROWS, STATED_ROWS)
        }
        row |= {f"opencv_{rows}": _error(opencv_flow, pairs, motion, rows) for rows in OPENCV_ROWS}
        known = [kept.get(key_of(path, motion)) for path in pictures]
        row[f"opencv_{STATED_ROWS}"] = None if None in known else float(np.mean(known))
        table[motion.name] = row
    columns = next(iter(table.values()))
    table["all"] = {
        name: None
        if any(row[name] is None for row in table.values())
        else float(np.mean([row[name] for row in table.values()]))
        for name in columns
    }
    return table


def _error(flow: Flow, pairs: Sequence[tuple[np.ndarray, np.ndarray]], motion: KnownMotion, rows: int) -> float:
    return float(np.mean([end_point_error(flow(at_rows(a, rows), at_rows(b, rows)), motion) for a, b in pairs]))


def photograph(path: Path) -> np.ndarray:
    """Luma of a picture file, landscape: the upper part of a portrait."""
    from PIL import Image

    with Image.open(path) as image:
        gray = luma(np.asarray(image.convert("RGB")))
    return np.ascontiguousarray(gray[: gray.shape[1] * 2 // 3]) if gray.shape[0] > gray.shape[1] else gray


def _working_size(frames: dict[Path, list[np.ndarray]], ours: TvL1, on_step: OnStep) -> list[dict[str, Any]]:
    """A clip's mean motion at several working sizes, over every second pair."""
    rows = []
    for path, shown in frames.items():
        on_step(f"working sizes, {path.name}")
        pairs = list(pairwise(shown))[::2]
        motion = {size: float(np.mean([_magnitude(ours, pair, size) for pair in pairs])) for size in SIZES}
        spread = (max(motion.values()) - min(motion.values())) / max(float(np.mean(list(motion.values()))), 1e-9)
        rows.append({"clip": path.name, "motion": motion, "spread": spread})
    return rows


def _magnitude(ours: TvL1, pair: Sequence[np.ndarray], rows: int) -> float:
    return mean_magnitude(ours.flow(*(at_rows(gray, rows) for gray in pair)))


def _score(
    frames: dict[Path, list[np.ndarray]], ours: TvL1, scale: float, golden: Mapping[str, Any], on_step: OnStep
) -> dict[str, Any]:
    """Temporal consistency by our flow, and beside it by OpenCV's where there is a golden value."""
    rows = []
    for path, shown in frames.items():
        on_step(f"score, {path.name}")
        kept = golden.get("clips", {}).get(sha256_of(path))
        by_ours = consistency_of(magnitudes(ours.flows(at_rows(gray, WORKING_ROWS) for gray in shown)), scale)
        by_theirs = consistency_of(kept["magnitudes"], scale) if kept else None
        rows.append({"clip": path.name, "ours": by_ours, "opencv": by_theirs})
    both = np.array([[row["ours"], row["opencv"]] for row in rows if row["opencv"] is not None], dtype=float)
    return {
        "clips": rows,
        "scale": scale,
        "compared": len(both),
        "rank_correlation": rank_correlation(*both.T) if len(both) > 2 else None,
        "mean_absolute_difference": float(np.abs(both[:, 0] - both[:, 1]).mean()) if len(both) else None,
    }


def magnitudes(flows: Iterable[np.ndarray]) -> list[float]:
    """`mean_magnitude` of each."""
    return [mean_magnitude(flow) for flow in flows]


def key_of(picture: Path, motion: KnownMotion) -> str:
    """Where golden values keep the error on a picture in known motion."""
    return f"{picture.name}, {motion.name}"


def sequence_key(sequence: KnownSequence, pictures: Sequence[Path]) -> str:
    """Where golden values keep what was measured on a sequence made of the first picture and the last."""
    return f"{pictures[0].name}, {pictures[-1].name}, {sequence.name}"


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's, for values without ties."""
    ranks = [np.argsort(np.argsort(values)) for values in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
