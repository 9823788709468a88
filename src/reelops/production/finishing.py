"""The step `detail`: generated frames at the finished clip's size, with the picture's own detail."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reelops.clip import ClipOrder
from reelops.errors import InputError
from reelops.generators.contract import Generation
from reelops.generators.finish import Finish
from reelops.production.steps import require_whole, save_frames
from reelops.production.take import Footage
from reelops.progress import RunContext
from reelops.system.digest import sha256_of
from reelops.system.write_errors import machine_error_on_write
from reelops.tracking.lineage import whole_percent

if TYPE_CHECKING:
    from reelops.detail.settings import DetailSettings

# The picture is read this many times larger than the clip, where it is: what comes nearer shows more of it.
_OVERSAMPLE = 2.0


def is_finished(footage: Footage) -> bool:
    """Whether there is nothing to do to the frames."""
    return footage.finish is None or not footage.finish.changes_frames_of(footage.format)


def finish(footage: Footage, order: ClipOrder, folder: Path, settings: DetailSettings, context: RunContext) -> Footage:
    """The finished footage, left in `folder`, which has the generated one as its `bare`; one frame at a time is held.

    Raises:
        MachineError: the frames on disk are not those that were generated, or the folder cannot be written to.
        InputError: the picture is not the one of the generation any more.
        Cancelled: somebody asked to stop.
    """
    from reelops.production.continuing import with_seams_measured

    began = time.perf_counter()
    wanted = footage.finish
    assert wanted is not None, "there is something to do"
    require_whole(footage)
    clip = replace(footage.format, width=wanted.width, height=wanted.height)
    frames, picture = folder / "finished.npy", folder / "finished-picture.npy"
    original_HWC = _picture(order, (wanted.width, wanted.height), footage.facts["picture_sha256"])
    shares: list[float] = []
    save_frames(_finished(footage, original_HWC, wanted, settings, shares, context), clip, frames)
    with machine_error_on_write(folder):
        np.save(picture, _at(original_HWC, wanted), allow_pickle=False)
    finished = replace(
        footage,
        frames=frames,
        frames_sha256=sha256_of(frames),
        picture=picture,
        format=clip,
        facts={**footage.facts, **_facts(footage, wanted, shares)},
        seconds={**footage.seconds, "detail": time.perf_counter() - began},
        bare=footage,
    )
    return with_seams_measured(finished)


def _finished(
    footage: Footage,
    picture_HWC: np.ndarray,
    wanted: Finish,
    settings: DetailSettings,
    shares: list[float],
    context: RunContext,
) -> Iterator[np.ndarray]:
    """The finished frames; `shares` gets the share of the picture's detail in each of them."""
    import cv2

    from reelops.detail.carry import carry_detail

    size = (wanted.width, wanted.height)
    total = footage.format.num_frames

    def told() -> Iterator[np.ndarray]:
        for number, frame_HWC in enumerate(footage.read_frames()):
            context.raise_if_stopped(f"Stopped as asked after detail of {number} frames; nothing was written.")
            context.progress("detail", number, total, "frames")
            yield np.asarray(frame_HWC)
        context.progress("detail", total, total, "frames")

    if not wanted.detail:
        yield from (cv2.resize(frame_HWC, size, interpolation=cv2.INTER_CUBIC) for frame_HWC in told())
        return
    for detailed in carry_detail(told(), picture_HWC, size, settings):
        shares.append(detailed.share)
        yield detailed.frame_HWC


def last_frame(
    frames: Iterator[np.ndarray], order: ClipOrder, clip: Generation, settings: DetailSettings
) -> np.ndarray:
    """The last of a clip's frames as it was generated, with the picture's own detail: what the clip goes on from keeps
    what was lost on the way.

    Raises:
        InputError: as `finish`.
    """
    from reelops.detail.carry import carry_detail

    if clip.finish is None or not clip.finish.detail:
        return deque(frames, maxlen=1)[0]
    size = (clip.format.width, clip.format.height)
    picture_HWC = _picture(order, size, clip.facts.picture_sha256)
    *_, last = carry_detail(frames, picture_HWC, size, settings)
    return last.frame_HWC


def _picture(order: ClipOrder, size: tuple[int, int], sha256: object) -> np.ndarray:
    """The picture framed as a clip of this size frames it, as much larger as it helps."""
    from reelops.video.picture import probe_picture, read_picture

    found = probe_picture(order.picture)
    sides = (found.width / size[0], found.height / size[1])
    larger = min(_OVERSAMPLE, max(1.0, min(sides) if order.fit == "crop" else max(sides)))
    picture = read_picture(order.picture, round(size[0] * larger), round(size[1] * larger), order.fit)
    if picture.sha256 != sha256:
        raise InputError(f"{order.picture} was changed while its clip was made. Order the clip again.")
    return picture.rgb_HWC


def _at(picture_HWC: np.ndarray, wanted: Finish) -> np.ndarray:
    from reelops.video.picture import fit_pixels

    return fit_pixels(picture_HWC, wanted.width, wanted.height)


def _facts(footage: Footage, wanted: Finish, shares: list[float]) -> dict[str, Any]:
    facts = {
        "generated_width": footage.format.width,
        "generated_height": footage.format.height,
        "detail_carried": wanted.detail,
    }
    if not wanted.detail:
        return facts
    share, last = float(np.mean(shares)), shares[-1]
    where = f"{whole_percent(share)} of the pixels, {whole_percent(last)} in the last frame"
    note = f"the picture's own detail is carried to {where}"
    return {
        **facts,
        "detail_share": round(share, 4),
        "detail_share_last_frame": round(last, 4),
        "notes": [*footage.facts.get("notes", ()), note],
    }
