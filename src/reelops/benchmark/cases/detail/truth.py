"""Real clips made small but for their first frame, and rebuilt: beside the true frames, and beside bicubic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.cases.detail.footage import enlarged, reduced, true_frames
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least, at_most
from reelops.detail.carry import carry_detail
from reelops.metrics.continuity.warping_error import warping_error
from reelops.metrics.light.flicker import flicker, light_step
from reelops.metrics.reference.gradient_similarity import gmsd
from reelops.metrics.reference.psnr import psnr
from reelops.metrics.reference.structural_similarity import ssim
from reelops.metrics.view import Step, View
from reelops.optical_flow.engines import Dis
from reelops.optical_flow.working_size import luma
from reelops.progress import RunContext

# A clip of which so much is still seen moves as a whole, or its camera does; in others most of the picture is gone.
_STILL_SEEN = 0.1


def measure_truth(bench: Bench, context: RunContext) -> Figures:
    """49 frames at 8 a second of every good clip; the first frame is the picture, and does not count."""
    paths = bench.files("good_clips")
    rows = []
    for number, path in enumerate(paths):
        context.progress("truth", number, len(paths), "clips", f"rebuilding {path.name}")
        rows.append(_row(path))
    gains = [row["gain"] for row in rows]
    seen = [row["gain"] for row in rows if row["share"] >= _STILL_SEEN]
    return {
        "clips": rows,
        "least_gain": min(gains),
        "mean_gain": fmean(gains),
        "still_seen": len(seen),
        "mean_gain_still_seen": fmean(seen) if seen else None,
        "least_ssim_gain": min(row["ssim"] - row["ssim_bicubic"] for row in rows),
        "most_gmsd_lost": max(row["gmsd"] - row["gmsd_bicubic"] for row in rows),
        "most_warping_error": _worst(rows, "warping_error"),
        "most_flicker": _worst(rows, "flicker"),
    }


def _row(path: Path) -> dict[str, Any]:
    truth = true_frames(path)
    size = truth.shape[2], truth.shape[1]
    small = [reduced(frame) for frame in truth]
    found = list(carry_detail(small, truth[0], size))
    ours, bicubic = [one.frame_HWC for one in found], [enlarged(frame, size) for frame in small]
    by_ours, by_bicubic = (
        [psnr(one, true) for one, true in zip(frames[1:], truth[1:], strict=True)] for frames in (ours, bicubic)
    )
    row: dict[str, Any] = {
        "clip": path.name,
        "frames": len(truth),
        "psnr": fmean(by_ours),
        "psnr_bicubic": fmean(by_bicubic),
        "gain": fmean(by_ours) - fmean(by_bicubic),
        "least_frame_gain": min(one - other for one, other in zip(by_ours, by_bicubic, strict=True)),
        "share": fmean(one.share for one in found[1:]),
    }
    for name, measure in (("ssim", ssim), ("gmsd", gmsd)):
        for suffix, frames in (("", ours), ("_bicubic", bicubic)):
            compared = zip(frames[1::8], truth[1::8], strict=True)
            row[name + suffix] = fmean(measure(luma(one), luma(true)) for one, true in compared)
    for suffix, shown in (("", ours), ("_true", list(truth))):
        row["warping_error" + suffix], row["flicker" + suffix] = _continuity(shown)
    return row


def _continuity(frames: Sequence[np.ndarray]) -> tuple[float, float]:
    """Warping error and flicker, as scoring measures them."""
    engine, before = Dis(), View(frames[0])
    errors, lights = [], []
    for frame in frames[1:]:
        after = View(frame)
        step = Step(before, after, engine)
        error = warping_error(before.colour_HWC, after.colour_HWC, step.flow_HW2, step.confirmed_HW)
        errors += [] if error is None else [error]
        lights.append(light_step(before.gray_HW, step.pulled))
        before = after
    return fmean(errors) if errors else 0.0, flicker(lights) or 0.0


def _worst(rows: Sequence[dict[str, Any]], name: str) -> float:
    """The highest of a figure beside the true clip's; what is next to nothing in both does not count."""
    floor = {"warping_error": 1e-5, "flicker": 1e-3}[name]
    return max(float((row[name] + floor) / (row[f"{name}_true"] + floor)) for row in rows)


def _tables(found: Figures) -> Iterator[Table]:
    columns = {
        "Clip": "clip",
        "Bicubic, dB": "psnr_bicubic",
        "With detail, dB": "psnr",
        "Gain, dB": "gain",
        "Least of a frame, dB": "least_frame_gain",
        "Share of detail": "share",
        "SSIM bicubic": "ssim_bicubic",
        "SSIM": "ssim",
        "GMSD bicubic": "gmsd_bicubic",
        "GMSD": "gmsd",
    }
    yield Table.of("Real clips at 240x160, rebuilt at 720x480 from their first frame", found["clips"], columns)
    steady = {
        "Clip": "clip",
        "Warping error": "warping_error",
        "of the true clip": "warping_error_true",
        "Flicker": "flicker",
        "of the true one": "flicker_true",
    }
    yield Table.of("Steadiness of the rebuilt clips", found["clips"], steady)


def _targets(found: Figures) -> Iterator[Target]:
    yield at_least("least gain of a clip over bicubic, dB", found["least_gain"], -0.1)
    yield at_least("mean gain over bicubic, dB", found["mean_gain"], 0.5)
    yield at_least(
        "mean gain where the picture is still seen (share 0.1 and more), dB",
        found["mean_gain_still_seen"],
        3.0,
        aim=5.0,
    )
    yield at_least("least gain of SSIM of a clip", found["least_ssim_gain"], -0.002)
    yield at_most("most that GMSD of a clip grows", found["most_gmsd_lost"], 0.002)
    yield at_most("highest warping error beside the true clip's", found["most_warping_error"], 1.1)
    yield at_most("highest flicker beside the true clip's", found["most_flicker"], 1.1)


TRUTH = Part(
    "truth",
    "real clips made small but for their first frame, rebuilt with its detail and by bicubic, beside the true frames",
    120,
    measure_truth,
    _tables,
    _targets,
    ("good_clips",),
)
