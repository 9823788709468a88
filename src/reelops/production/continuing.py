"""Clips of another length than a model makes: longer ones go on from their last frame, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reelops.clip import ClipOrder
from reelops.generators.contract import Generation
from reelops.metrics.reference.psnr import psnr
from reelops.system.write_errors import machine_error_on_write

Generate = Callable[[ClipOrder], Generation]
LastFrame = Callable[[Iterator[np.ndarray]], np.ndarray]
"""From all frames so far, the picture that the next piece starts from, at their size."""


@dataclass(frozen=True)
class Seam:
    """Where one piece ends and the next one goes on.

    Attributes:
        frame: number of the last frame before it, from 0.
        psnr: of the next piece's first frame, which is left out, against the frame that it repeats, dB.
        step: mean absolute change of pixels over the seam, in those over a usual pair of frames beside it; 1 is no
            seam at all.
    """

    frame: int
    psnr: float
    step: float

    def to_json(self) -> dict[str, float]:
        return {"frame": self.frame, "psnr": round(self.psnr, 2), "step": round(self.step, 2)}


@dataclass
class _Pieces:
    """What is known once the frames have been read."""

    files: list[Path] = field(default_factory=list)
    seams: list[Seam] = field(default_factory=list)

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
                _note_seam(pieces, piece_THWC, done - 1)
            new_THWC = piece_THWC[min(1, done) :][: wanted - done]
            yield from new_THWC
            done += len(new_THWC)
            if done == wanted:
                break
            number = len(pieces.files)
            with machine_error_on_write(folder):
                pieces.files.append(folder / f"piece-{number}.npy")
                np.save(pieces.files[-1], piece_THWC, allow_pickle=False)
                picture = folder / f"piece-{number}.png"
                Image.fromarray(last_frame(pieces.frames())).save(picture)
            piece = generate(_next_order(order, first, picture, number + 1))
            _add(seconds, piece.seconds)
            for kind, used in piece.peak_memory_bytes.items():
                peak_bytes[kind] = max(used, peak_bytes.get(kind, 0))
        own["num_frames"] = wanted
        if pieces.seams:
            own["seams"] = [seam.to_json() for seam in pieces.seams]

    return replace(
        first,
        frames=frames(),
        format=replace(first.format, num_frames=wanted),
        facts=replace(first.facts, own=own),
        seconds=seconds,
        peak_memory_bytes=peak_bytes,
    )


def notes_on_seams(facts: Mapping[str, Any], fps: Fraction) -> Sequence[str]:
    """What the user should know of a clip's seams; nothing where it has none."""
    seams = facts.get("seams", ())
    if not seams:
        return ()
    told = ", ".join(f"at {float((seam['frame'] + 0.5) / fps):.1f} s {seam['step']:g}" for seam in seams)
    return (f"made of {len(seams) + 1} pieces; the step over a seam, where a usual one is 1: {told}",)


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


def _note_seam(pieces: _Pieces, next_THWC: np.ndarray, frame: int) -> None:
    before_THWC = np.load(pieces.files[-1], mmap_mode="r", allow_pickle=False)
    usual = [_change(piece[at], piece[at + 1]) for piece in (before_THWC, next_THWC) for at in range(1, len(piece) - 1)]
    step = _change(before_THWC[-1], next_THWC[1]) / max(float(np.median(usual)), 1e-3)
    pieces.seams.append(Seam(frame, psnr(next_THWC[0], np.asarray(before_THWC[-1])), step))


def _change(one_HWC: np.ndarray, other_HWC: np.ndarray) -> float:
    return float(np.abs(one_HWC.astype(np.int16) - other_HWC).mean())


def _add(seconds: dict[str, float], more: Mapping[str, float]) -> None:
    for stage, value in more.items():
        seconds[stage] = seconds.get(stage, 0.0) + value
