"""What OpenCV's Dual TV-L1 measures in hours: the values that ours are compared with, made once and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import reelops.benchmark
from reelops.benchmark.cases.flow.footage import FPS, NUM_FRAMES, clip_frames, magnitudes, photograph
from reelops.benchmark.known_flow import MOTIONS, SEQUENCES, KnownMotion, KnownSequence, end_point_error, moved_pair
from reelops.optical_flow.working_size import STATED_ROWS, at_rows
from reelops.progress import QUIET, RunContext
from reelops.system.digest import sha256_of
from reelops.system.files import write_text_atomically

GOLDEN_FILE = Path(reelops.benchmark.__file__).parent / "golden/tvl1_opencv.json"
ROWS = 240
"""Height at which OpenCV measures whole clips."""


def opencv_flow(previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray:
    """OpenCV's Dual TV-L1 exactly as `DualTVL1OpticalFlow_create()` makes it, on all cores."""
    flow: np.ndarray = cv2.optflow.DualTVL1OpticalFlow.create().calc(previous_HW, next_HW, None)
    return flow


@dataclass(frozen=True)
class GoldenValues:
    """What OpenCV measured; None where it was not asked.

    Attributes:
        clips: by a clip's sha256, its name and the mean magnitude of each neighbouring pair's flow.
        known_motion: by picture and motion, the mean end-point error.
        known_sequences: by pictures and sequence, the mean magnitude of each step.
    """

    clips: dict[str, dict[str, Any]]
    known_motion: dict[str, float]
    known_sequences: dict[str, list[float]]

    def motion_of(self, clip: Path) -> list[float] | None:
        """Mean magnitude of each neighbouring pair's flow, in pixels at 480 rows."""
        found = self.clips.get(sha256_of(clip))
        return list(found["magnitudes"]) if found else None

    def error_on(self, picture: Path, motion: KnownMotion) -> float | None:
        """Mean end-point error at 480 rows on a photograph in known motion."""
        return self.known_motion.get(_motion_key(picture, motion))

    def steps_of(self, sequence: KnownSequence, pictures: Sequence[Path]) -> list[float] | None:
        """Mean magnitude of each step, of a sequence made of the first picture and the last."""
        return self.known_sequences.get(_sequence_key(sequence, pictures))

    def write(self, path: Path) -> None:
        """Puts them under `path` in one step, with how they were measured."""
        values = {"how": _how(), **vars(self)}
        write_text_atomically(path, json.dumps(values, indent=1) + "\n")


def read_golden(path: Path = GOLDEN_FILE) -> GoldenValues:
    """What `measure_golden` wrote so far."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return GoldenValues(*(dict(kept.get(name, {})) for name in ("clips", "known_motion", "known_sequences")))


def measure_golden(
    clips: Sequence[Path], pictures: Sequence[Path], path: Path = GOLDEN_FILE, context: RunContext = QUIET
) -> None:
    """Measures with OpenCV what the benchmark compares with, and adds it to `path` as each clip and picture is done.

    What is there already is not measured again, so it can be stopped and started. About five minutes per clip and half
    a minute a motion and picture, on two cores.

    Raises:
        Cancelled: somebody asked it to stop.
    """
    golden = read_golden(path)
    known = [(picture, motion) for picture in pictures for motion in MOTIONS]
    total, done = 10 * len(clips) + len(known) + len(SEQUENCES), 0

    def begin(what: str, share: int) -> None:
        nonlocal done
        context.raise_if_stopped("Stopped as asked. What was measured before is kept.")
        context.progress("golden", done, total, detail=what)
        done += share

    for clip in clips:
        begin(f"OpenCV on all of {clip.name}", 10)
        if golden.motion_of(clip) is None:
            golden.clips[sha256_of(clip)] = {"name": clip.name, "magnitudes": _clip_motion(clip)}
            golden.write(path)
    for picture, motion in known:
        begin(f"OpenCV on {picture.name}, {motion.name}", 1)
        if golden.error_on(picture, motion) is None:
            pair = moved_pair(photograph(picture), motion)
            golden.known_motion[_motion_key(picture, motion)] = round(end_point_error(opencv_flow(*pair), motion), 5)
            golden.write(path)
    for sequence in SEQUENCES:
        begin(f"OpenCV where {sequence.name}", 1)
        if golden.steps_of(sequence, pictures) is None:
            golden.known_sequences[_sequence_key(sequence, pictures)] = _sequence_motion(sequence, pictures)
            golden.write(path)


def _clip_motion(clip: Path) -> list[float]:
    frames = [at_rows(gray, ROWS) for gray in clip_frames(clip)]
    return [round(value, 5) for value in magnitudes(opencv_flow(*pair) for pair in pairwise(frames))]


def _sequence_motion(sequence: KnownSequence, pictures: Sequence[Path]) -> list[float]:
    pairs = sequence.pairs(photograph(pictures[0]), photograph(pictures[-1]))
    small = ([at_rows(gray, ROWS) for gray in pair] for pair in pairs)
    return [round(value, 5) for value in magnitudes(opencv_flow(*pair) for pair in small)]


def _motion_key(picture: Path, motion: KnownMotion) -> str:
    return f"{picture.name}, {motion.name}"


def _sequence_key(sequence: KnownSequence, pictures: Sequence[Path]) -> str:
    return f"{pictures[0].name}, {pictures[-1].name}, {sequence.name}"


def _how() -> dict[str, str]:
    return {
        "engine": f"cv2.optflow.DualTVL1OpticalFlow.create() of OpenCV {cv2.__version__}, its defaults",
        "clips": f"luma of the first {NUM_FRAMES} frames at {FPS} a second, {ROWS} rows by cv2.INTER_AREA; "
        "mean magnitude of each neighbouring pair's flow, in pixels at 480 rows; keyed by the file's sha256",
        "known_motion": f"mean end-point error at {STATED_ROWS} rows of reelops.benchmark.known_flow.MOTIONS",
        "known_sequences": f"mean magnitude at {ROWS} rows of each step of "
        "reelops.benchmark.known_flow.SEQUENCES, in pixels at 480 rows",
        "command": "reelops benchmark golden",
    }
