"""What OpenCV's Dual TV-L1 measures in hours: the values that ours are compared with, made once and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2

from reelops.benchmark.cases.optical_flow import (
    FPS,
    GOLDEN_ROWS,
    NUM_FRAMES,
    OnStep,
    clip_frames,
    key_of,
    magnitudes,
    opencv_flow,
    photograph,
    sequence_key,
)
from reelops.benchmark.known_flow import MOTIONS, SEQUENCES, end_point_error, moved_pair
from reelops.optical_flow.working_size import STATED_ROWS, at_rows
from reelops.system.digest import sha256_of
from reelops.system.files import write_text_atomically


def make_golden(clips: Sequence[Path], pictures: Sequence[Path], path: Path, on_step: OnStep = lambda _: None) -> None:
    """Measures with OpenCV what the benchmark compares with, and adds it to `path` as each clip and picture is done.

    What is there already is not measured again, so it can be stopped and started. About five minutes a clip and half
    a minute a motion and picture, on two cores.
    """
    golden = read_golden(path)
    golden["how"] = {
        "engine": f"cv2.optflow.DualTVL1OpticalFlow.create() of OpenCV {cv2.__version__}, its defaults",
        "clips": f"luma of the first {NUM_FRAMES} frames at {FPS} a second, {GOLDEN_ROWS} rows by cv2.INTER_AREA; "
        "mean magnitude of each neighbouring pair's flow, in pixels at 480 rows; keyed by the file's sha256",
        "known_motion": f"mean end-point error at {STATED_ROWS} rows of reelops.benchmark.known_flow.MOTIONS",
        "known_sequences": f"mean magnitude at {GOLDEN_ROWS} rows of each step of "
        "reelops.benchmark.known_flow.SEQUENCES, in pixels at 480 rows",
        "command": "reelops benchmark golden",
    }
    _write(golden, path)
    for clip in clips:
        if (digest := sha256_of(clip)) in golden.setdefault("clips", {}):
            continue
        on_step(f"OpenCV on all of {clip.name}")
        pictures_HW = [at_rows(gray, GOLDEN_ROWS) for gray in clip_frames(clip)]
        found = magnitudes(opencv_flow(*pair) for pair in pairwise(pictures_HW))
        golden["clips"][digest] = {"name": clip.name, "magnitudes": [round(value, 5) for value in found]}
        _write(golden, path)
    for picture in pictures:
        for motion in MOTIONS:
            if (key := key_of(picture, motion)) in golden.setdefault("known_motion", {}):
                continue
            on_step(f"OpenCV on {picture.name}, {motion.name}")
            pair = moved_pair(photograph(picture), motion)
            golden["known_motion"][key] = round(end_point_error(opencv_flow(*pair), motion), 5)
            _write(golden, path)
    for sequence in SEQUENCES:
        if (key := sequence_key(sequence, pictures)) in golden.setdefault("known_sequences", {}):
            continue
        on_step(f"OpenCV where {sequence.name}")
        pairs = sequence.pairs(photograph(pictures[0]), photograph(pictures[-1]))
        small = ([at_rows(gray, GOLDEN_ROWS) for gray in pair] for pair in pairs)
        golden["known_sequences"][key] = [round(value, 5) for value in magnitudes(opencv_flow(*pair) for pair in small)]
        _write(golden, path)


def read_golden(path: Path) -> dict[str, Any]:
    """What `make_golden` wrote so far."""
    golden: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return golden


def _write(golden: dict[str, Any], path: Path) -> None:
    write_text_atomically(path, json.dumps(golden, indent=1) + "\n")
