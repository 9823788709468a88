"""The steps of the production line, each a plain call over files and digests.

Between generating and encoding the frames lie in a scratch folder as they are: an encoder that fails can run again
without another generation, and nothing large travels between steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reelops.clip import Clip, ClipFormat, ClipOrder, Quality
from reelops.errors import MachineError
from reelops.generators.contract import Generation
from reelops.production.output_names import contact_sheet_of
from reelops.production.take import Encoded, Footage, Scored
from reelops.progress import RunContext
from reelops.system.digest import sha256_of
from reelops.system.files import write_atomically
from reelops.system.write_errors import machine_error_on_write
from reelops.tracking.lineage import provenance, trace_lineage, whole_percent

if TYPE_CHECKING:
    from reelops.gate.verdict import Verdict
    from reelops.metrics.place import Place
    from reelops.metrics.scores import Scores
    from reelops.metrics.settings import ScoreSettings


class Encoder:
    """Writes frames as the files that people get."""

    def clip(
        self, frames_THWC: np.ndarray, output: Path, fps: Fraction, quality: Quality, metadata: Mapping[str, Any]
    ) -> Clip:
        """An MP4 under its final name; see `reelops.video.encode.encode`."""
        from reelops.video.encode import encode

        return encode(frames_THWC, output, fps, quality, metadata)

    def contact_sheet(
        self,
        frames_THWC: np.ndarray,
        output: Path,
        fps: Fraction,
        prompt: str,
        ending: str,
        worst: Place | None = None,
    ) -> None:
        """A JPEG of frames spread over the clip, under its prompt and what stands behind that, whatever its length.

        Args:
            worst: the frame that the worst reason against the clip points to, shown marked among them.
        """
        from reelops.video.contact_sheet import Mark, contact_sheet

        mark = None if worst is None or worst.frame is None else Mark(worst.frame, worst.box, worst.heat)
        sheet = contact_sheet(frames_THWC, fps, title=prompt, title_ending=ending, mark=mark)
        with write_atomically(output) as partial:
            sheet.save(partial, format="JPEG", quality=90)


@dataclass(frozen=True)
class Scorer:
    """Measures a finished clip as a viewer gets it, read back from its file."""

    settings: ScoreSettings

    def score(self, clip: Path, picture_HWC: np.ndarray, prompt: str, on_frame: Callable[[int], None]) -> Scores:
        """See `reelops.metrics.suite.score_clip`."""
        from reelops.metrics.suite import score_clip

        return score_clip(clip, picture_HWC, prompt, self.settings, on_frame)


def save_footage(generation: Generation, folder: Path, project: Path | None = None) -> Footage:
    """Frames as they come, left in `folder`; no more than one of them is held in memory here.

    Args:
        project: see `trace_lineage`.

    Raises:
        MachineError: the folder cannot be written to, or the disk is full.
    """
    frames, picture = folder / "frames.npy", folder / "picture.npy"
    save_frames(generation.frames, generation.format, frames)
    with machine_error_on_write(folder):
        np.save(picture, generation.picture_HWC, allow_pickle=False)
    facts = generation.facts.to_json()
    return Footage(
        frames=frames,
        frames_sha256=sha256_of(frames),
        picture=picture,
        format=generation.format,
        lineage=trace_lineage(facts, project),
        seconds=dict(generation.seconds),
        peak_memory_bytes=dict(generation.peak_memory_bytes),
        facts=facts,
        finish=generation.finish,
    )


def save_frames(frames: Iterable[np.ndarray], clip: ClipFormat, path: Path) -> None:
    """An .npy file of RGB uint8 frames, T H W C, as they come.

    Raises:
        MachineError: it cannot be written, or the disk is full.
    """
    shape = (clip.num_frames, clip.height, clip.width, 3)
    written = 0
    with path.open("wb") as file:
        np.lib.format.write_array_header_2_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for frame_HWC in frames:
            assert frame_HWC.shape == shape[1:] and frame_HWC.dtype == np.uint8, "a generator keeps to its own format"
            # Around writing alone: what the system says to the generator, which runs in this loop, is another matter.
            with machine_error_on_write(path):
                file.write(np.ascontiguousarray(frame_HWC).data)
                file.flush()
            written += 1
    assert written == clip.num_frames, "a generator makes as many frames as it says"


def encode(encoder: Encoder, footage: Footage, order: ClipOrder, output: Path) -> Encoded:
    """The clip and its contact sheet under their final names, with a note on what the sheet could not write.

    Raises:
        MachineError: the frames on disk are not those that were generated, or the output cannot be written.
    """
    from reelops.video.lettering import undrawable_note

    started = time.perf_counter()
    clip = encode_clip(encoder, footage, order, output)
    sheet = contact_sheet_of(output)
    ending = _ending(footage, order)
    encoder.contact_sheet(footage.read_frames(), sheet, footage.format.fps, order.prompt, ending)
    unwritten = undrawable_note(order.prompt, "The contact sheet")
    return Encoded(replace(clip, notes=(*clip.notes, *unwritten)), sheet, time.perf_counter() - started)


def mark_contact_sheet(encoder: Encoder, footage: Footage, order: ClipOrder, sheet: Path, verdict: Verdict) -> None:
    """The contact sheet once more, with the place that the verdict rests on; as it is where that names none."""
    places = (reason.place for reason in verdict.reasons)
    worst = next((place for place in places if place is not None and place.frame is not None), None)
    if worst is not None:
        ending = _ending(footage, order)
        encoder.contact_sheet(footage.read_frames(), sheet, footage.format.fps, order.prompt, ending, worst)


def _ending(footage: Footage, order: ClipOrder) -> str:
    """What a sheet says of its clip beside the prompt."""
    share = footage.facts.get("detail_share")
    detail = "" if share is None else f", the picture's detail on {whole_percent(share)} of the pixels"
    return f"(seed {order.seed}{detail})"


def encode_clip(encoder: Encoder, footage: Footage, order: ClipOrder, output: Path) -> Clip:
    """The clip alone."""
    require_whole(footage)
    metadata = provenance(order, footage.facts, footage.lineage)
    return encoder.clip(footage.read_frames(), output, footage.format.fps, order.quality, metadata)


def require_whole(footage: Footage) -> None:
    """Fails where the frames on disk are not those that were written there.

    Raises:
        MachineError
    """
    if sha256_of(footage.frames) != footage.frames_sha256:
        raise MachineError(f"{footage.frames} is not what was generated; check the disk and run the order again.")


def score(scorer: Scorer, clip: Clip, footage: Footage, order: ClipOrder, context: RunContext) -> Scored:
    """Scores of the clip against its picture and prompt."""
    started = time.perf_counter()
    total = clip.format.num_frames
    scores = scorer.score(
        clip.path,
        footage.read_picture(),
        order.prompt,
        lambda done: context.progress("score", done, total, "frames"),
    )
    return Scored(scores, time.perf_counter() - started)


def score_bare(
    encoder: Encoder, scorer: Scorer, bare: Footage, order: ClipOrder, scratch: Path, context: RunContext
) -> Scored:
    """Scores of a clip as it was generated, encoded as it would be if nothing were done to it; and all seconds."""
    started = time.perf_counter()
    clip = encode_clip(encoder, bare, order, scratch / "bare.mp4")
    return Scored(score(scorer, clip, bare, order, context).scores, time.perf_counter() - started)
