"""The embedded model's clips at 720x480, as its own evaluation measures them: all moves over all held-out pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.cases.detail.footage import LARGE, enlarged
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least
from reelops.camera.moves import CameraMove
from reelops.clip import order_of
from reelops.cogvideox.profiles import find_profile
from reelops.detail.carry import carry_detail
from reelops.metrics.camera.camera_move import measure_camera
from reelops.metrics.light.sharpness import sharpness
from reelops.metrics.reference.content_kept import content_kept_in
from reelops.metrics.reference.psnr import psnr
from reelops.optical_flow.working_size import luma
from reelops.pretraining.params import PretrainParams, held_out_pictures
from reelops.production.producer import build_producer
from reelops.progress import RunContext
from reelops.system.device_lock import hold_accelerator
from reelops.video.picture import fit_pixels, read_pixels

PROFILE = "tiny"
_FIGURES = {
    "content_kept": "content kept, dB",
    "first_frame": "first frame against the picture, dB",
    "sharpness": "sharpness of the last frame beside the picture's",
}


def measure_embedded(bench: Bench, context: RunContext) -> Figures:
    """The prompts and seeds of `reelops pretrain --evaluate-only`; the same clips bare, enlarged by bicubic."""
    pictures = held_out_pictures(bench.config.block("pretrain", PretrainParams), bench.config.root)
    producer, moves = build_producer(bench.config), list(CameraMove)
    profile = find_profile(PROFILE, bench.config)
    sampling: dict[str, Any] = {"profile": PROFILE, "steps": profile.steps, "guidance": profile.guidance}
    rows: list[dict[str, Any]] = []
    for row, picture in enumerate(pictures):
        for column, move in enumerate(moves):
            context.progress(
                "embedded", len(rows), len(pictures) * len(moves), "clips", f"{picture.name}, {move.words}"
            )
            order = order_of(picture=picture, prompt=move.words, seed=100 * row + column, **sampling)
            with hold_accelerator(context):
                small_THWC = producer.frames(order).read_frames()
            rows.append({"picture": picture.name, "asked": move.value, **_compared(small_THWC, picture)})
    ways = ("bare", "detailed")
    return {
        "clips": rows,
        **{way: {name: _mean(row[way][name] for row in rows) for name in _FIGURES} for way in ways},
        "moves_followed": {way: fmean(row[way]["measured"] == row["asked"] for row in rows) for way in ways},
        "share": fmean(row["share"] for row in rows),
    }


def _compared(small_THWC: np.ndarray, picture: Path) -> dict[str, Any]:
    picture_HWC = fit_pixels(read_pixels(picture), *LARGE)
    found = list(carry_detail(small_THWC, picture_HWC, LARGE))
    return {
        "bare": _figures([enlarged(frame, LARGE) for frame in small_THWC], picture_HWC),
        "detailed": _figures([one.frame_HWC for one in found], picture_HWC),
        "share": fmean(one.share for one in found),
        "last_share": found[-1].share,
    }


def _figures(frames: Sequence[np.ndarray], picture_HWC: np.ndarray) -> dict[str, Any]:
    motion = measure_camera(frames)
    return {
        "measured": motion.move.value,
        "first_frame": psnr(frames[0], picture_HWC),
        "content_kept": content_kept_in(frames[-1], picture_HWC, motion),
        "sharpness": sharpness(luma(frames[-1])) / sharpness(luma(picture_HWC)),
    }


def _mean(values: Iterable[float | None]) -> float:
    return fmean(value for value in values if value is not None)


def _tables(found: Figures) -> Iterator[Table]:
    rows = [
        {"what": what, **{way: found[way][name] for way in ("bare", "detailed")}} for name, what in _FIGURES.items()
    ]
    rows.append({"what": "moves followed", **found["moves_followed"]})
    columns = {"Mean over the clips": "what", "Enlarged": "bare", "With detail": "detailed"}
    yield Table.of(f"The embedded model's clips at 720x480 ({len(found['clips'])})", rows, columns)
    clips = [
        {
            "picture": row["picture"],
            "asked": row["asked"],
            **{f"{way} {name}": row[way][name] for way in ("bare", "detailed") for name in _FIGURES},
            "share": row["last_share"],
        }
        for row in found["clips"]
    ]
    titles = {
        "Picture": "picture",
        "Move": "asked",
        "Content kept, enlarged": "bare content_kept",
        "with detail": "detailed content_kept",
        "First frame with detail": "detailed first_frame",
        "Sharpness with detail": "detailed sharpness",
        "Share of detail at the end": "share",
    }
    yield Table.of("Each of them", clips, titles)


def _targets(found: Figures) -> Iterator[Target]:
    detailed = found["detailed"]
    yield at_least("content kept, dB", detailed["content_kept"], 25.0)
    yield at_least("first frame against the picture, dB", detailed["first_frame"], 35.0)
    yield at_least("share of moves that are followed", found["moves_followed"]["detailed"], 0.98)
    yield at_least("sharpness of the last frame beside the picture's", detailed["sharpness"], 0.7)


EMBEDDED = Part(
    "embedded",
    "the embedded model's clips at 720x480, enlarged and with detail, by the measures of its own evaluation",
    420,
    measure_embedded,
    _tables,
    _targets,
)
