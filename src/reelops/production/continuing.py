"""Clips of another length than a model makes: longer ones go on from their last frame, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from reelops.clip import ClipOrder
from reelops.generators.contract import Generation
from reelops.metrics.reference.psnr import psnr
from reelops.production.take import Footage
from reelops.system.write_errors import machine_error_on_write

Generate = Callable[[ClipOrder], Generation]
_MADE_OF = "the clip is made of"
_AROUND = 8  # frames on either side of a seam
LastFrame = Callable[[Iterator[np.ndarray]], np.ndarray]
"""From all frames so far, the picture that the next piece starts from, at their size."""


@dataclass
class _Pieces:
    """What is known once the frames have been read."""

    files: list[Path] = field(default_factory=list)
    seams: list[dict[str, float]] = field(default_factory=list)

    def frames(self) -> Iterator[np.ndarray]:
        """All frames so far, each once."""
        pieces = (np.load(file, mmap_mode="r", allow_pickle=False) for file in self.files)
        return chain.from_iterable(piece[min(1, number) :] for number, piece in enumerate(pieces))


def at_length(
    first: Generation, order: ClipOrder, generate: Generate, folder: Path, last_frame: LastFrame
) -> Generation:
    """A generation as long as its finish says, of whose frames one piece at a time is in memory.

    Its facts and seconds are complete once the frames have been read.

    Args:
        first: of the order.
        generate: makes a piece that goes on.
        folder: for pieces on their way.
        last_frame: prepares the picture that the next piece starts from.
    """
    assert first.finish is not None, "it says how long"
    wanted, own, pieces = first.finish.num_frames, dict(first.facts.own), _Pieces()
    seconds, peak_bytes = dict(first.seconds), dict(first.peak_memory_bytes)

    def frames() -> Iterator[np.ndarray]:
        piece, done = first, 0
        while True:
            piece_THWC = piece.read_frames()
            if pieces.files:
                before_HWC = np.load(pieces.files[-1], mmap_mode="r", allow_pickle=False)[-1]
                repeated = psnr(piece_THWC[0], np.asarray(before_HWC))
                pieces.seams.append({"frame": done - 1, "psnr": round(repeated, 2)})
            new_THWC = piece_THWC[min(1, done) :][: wanted - done]
            yield from new_THWC
            done += len(new_THWC)
            if done == wanted:
                break
            number = len(pieces.files)
            with machine_error_on_write(folder):
                pieces.files.append(folder / f"piece-{number}.npy")
                np.save(pieces.files[-1], piece_THWC, allow_pickle=False)
            last_HWC, picture = last_frame(pieces.frames()), folder / f"piece-{number}.png"
            with machine_error_on_write(folder):
                Image.fromarray(last_HWC).save(picture)
            piece = generate(_next_order(order, first, picture, number + 1))
            _add(seconds, piece.seconds)
            for kind, used in piece.peak_memory_bytes.items():
                peak_bytes[kind] = max(used, peak_bytes.get(kind, 0))
        own["num_frames"] = wanted
        if pieces.seams:
            own["seams"] = pieces.seams

    return replace(
        first,
        frames=frames(),
        format=replace(first.format, num_frames=wanted),
        facts=replace(first.facts, own=own),
        seconds=seconds,
        peak_memory_bytes=peak_bytes,
    )


def with_seams_measured(footage: Footage) -> Footage:
    """The footage with the step over each of its seams among its facts, and a note on them.

    A seam is where one piece ends and the next goes on: `frame` is the number of the last frame before it, `psnr` that
    of the next piece's first frame, which is left out, against the frame that it repeats, in dB, and `step` the mean
    absolute change of pixels over it in those over the usual pair of frames around; 1 is no seam at all.
    """
    seams = footage.facts.get("seams", ())
    if not seams:
        return footage
    frames_THWC = footage.read_frames()
    measured = [{**seam, "step": round(_step(frames_THWC, int(seam["frame"])), 2)} for seam in seams]
    rate = footage.format.fps
    told = ", ".join(f"at {float((seam['frame'] + 0.5) / rate):.1f} s {seam['step']:g}" for seam in measured)
    note = f"{_MADE_OF} {len(seams) + 1} pieces; the step over a seam, where a usual one is 1: {told}"
    notes = [*(one for one in footage.facts["notes"] if not one.startswith(_MADE_OF)), note]
    return replace(footage, facts={**footage.facts, "seams": measured, "notes": notes})


def _step(frames_THWC: np.ndarray, before: int) -> float:
    near = range(max(0, before - _AROUND), min(len(frames_THWC) - 1, before + _AROUND + 1))
    changes = {at: _change(frames_THWC[at], frames_THWC[at + 1]) for at in near}
    over = changes.pop(before)
    return over / max(float(np.median(list(changes.values()))), 1e-3) if changes else 1.0


def _next_order(order: ClipOrder, first: Generation, picture: Path, number: int) -> ClipOrder:
    return order.but(
        picture=picture,
        seconds=None,
        size=None,
        detail="off",
        width=first.format.width,
        height=first.format.height,
        num_frames=first.format.num_frames,
        seed=(order.seed + number) % 2**63,
    )


def _change(one_HWC: np.ndarray, other_HWC: np.ndarray) -> float:
    return float(np.abs(one_HWC.astype(np.int16) - other_HWC).mean())


def _add(seconds: dict[str, float], more: Mapping[str, float]) -> None:
    for stage, value in more.items():
        seconds[stage] = seconds.get(stage, 0.0) + value
