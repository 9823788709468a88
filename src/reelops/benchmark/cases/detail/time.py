"""How long carrying detail takes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import cv2
import numpy as np

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.cases.detail.footage import NUM_FRAMES
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_most
from reelops.benchmark.timing import quickest
from reelops.camera.moves import CameraMove, film, path_of
from reelops.detail.carry import carry_detail
from reelops.progress import RunContext
from reelops.video.picture import fit_pixels, read_pixels

_ROUNDS = 3
_SMALL = (240, 160)
_LIMITS = {(720, 480): (2.5, 1.5), (1620, 1080): (7.0, None)}


def measure_time(bench: Bench, context: RunContext) -> Figures:
    """49 frames of a zoom over the first photograph at 240x160, sharp and blurred, brought to two sizes: the quickest
    of three rounds."""
    picture = read_pixels(bench.files("pictures")[0])
    times = np.linspace(0, 1, NUM_FRAMES)
    rows = []
    cases = [(size, soft) for size in _LIMITS for soft in (False, True)]
    for number, (size, soft) in enumerate(cases):
        context.progress("time", number, len(cases), "ways", f"{size[0]}x{size[1]}")
        framed = fit_pixels(picture, *size)
        frames = film(framed, (0, 0, *size), path_of(CameraMove.ZOOM_IN), _SMALL, times)
        clip = [cv2.GaussianBlur(frame, (0, 0), 2.0) for frame in frames] if soft else list(frames)

        def carry(clip: list[np.ndarray] = clip, framed: np.ndarray = framed, size: tuple[int, int] = size) -> int:
            return sum(1 for _ in islice(carry_detail(clip, framed, size), NUM_FRAMES))

        _, took = quickest(carry, _ROUNDS)
        rows.append({"size": f"{size[0]}x{size[1]}", "clip": "blurred" if soft else "sharp", **took.to_json()})
    return {"ways": rows}


def _tables(found: Figures) -> Iterator[Table]:
    columns = {"Size": "size", "Clip": "clip", "Seconds": "wall", "Processor seconds": "cpu"}
    yield Table.of("49 frames of 240x160 with detail", found["ways"], columns)


def _targets(found: Figures) -> Iterator[Target]:
    for (width, height), (limit, aim) in _LIMITS.items():
        seconds = max(row["wall"] for row in found["ways"] if row["size"] == f"{width}x{height}")
        yield at_most(f"seconds of 49 frames at {width}x{height}", seconds, limit, aim)


TIME = Part(
    "time",
    "seconds of 49 frames at 720x480 and at 1620x1080",
    40,
    measure_time,
    _tables,
    _targets,
    ("pictures",),
)
