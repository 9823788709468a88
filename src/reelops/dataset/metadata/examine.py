"""One clip, in a worker process: its digest, its measurement, and the picture that it starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from PIL import Image

from reelops.dataset.entry import Segment
from reelops.dataset.metadata.measure import Measured, measure
from reelops.dataset.metadata.params import MetadataParams
from reelops.dataset.metadata.store import MeasureKey, MeasureStore
from reelops.dataset.table import IMAGES
from reelops.foreign import refuse_machine_fault
from reelops.system.digest import sha256_of
from reelops.system.files import write_atomically
from reelops.system.worker_pool import ReportProgress
from reelops.video.decode import read_frames

# Of zlib's nine levels the one that takes a third of the usual one's time for a few percent more bytes.
_PNG_LEVEL = 3


@dataclass(frozen=True)
class Job:
    """A clip to look at.

    Attributes:
        sha256: of the file, where it is known already.
        settings: digest of what `params` says of measuring.
        root: the project's folder.
    """

    path: Path
    segment: Segment | None
    sha256: str | None
    params: MetadataParams
    settings: str
    store: MeasureStore
    root: Path

    def key(self, sha256: str) -> MeasureKey:
        return MeasureKey(sha256, self.segment, self.settings)


@dataclass(frozen=True)
class Examined:
    """A clip that was looked at.

    Attributes:
        sha256: None where the file cannot be read at all.
        image_path: from the project's folder; None where the clip gives none.
    """

    sha256: str | None
    size_bytes: int
    measured: Measured
    image_path: Path | None


def examine(job: Job, _report: ReportProgress) -> Examined:
    """Measures a clip and writes its picture, unless both was done before.

    Raises:
        MachineError: this machine cannot read or write now; nothing of it is kept.
    """
    try:
        sha256 = job.sha256 or sha256_of(job.path)
        size_bytes = job.path.stat().st_size
    except OSError as error:
        refuse_machine_fault(job.path, error)
        return Examined(None, 0, _measure(job, ""), None)
    key = job.key(sha256)
    measured = job.store.read(key)
    image = image_path(sha256, measured) if measured else None
    if measured is None or not _is_there(image, measured, job, sha256_of):
        measured = measured or _measure(job, sha256)
        image = image_path(sha256, measured)
        if image:
            write_image(job.path, Fraction(str(measured.start_seconds)), job.root / image)
            measured = replace(measured, picture_sha256=sha256_of(job.root / image))
        if measured.certain:
            job.store.write(key, measured)
    return Examined(sha256, size_bytes, measured, image)


def known_already(job: Job, digest: Callable[[Path], str]) -> Examined | None:
    """What `examine` would say, where that takes no work; None where there is some.

    Args:
        digest: sha256 of a picture's file.
    """
    if job.sha256 is None or (measured := job.store.read(job.key(job.sha256))) is None:
        return None
    image = image_path(job.sha256, measured)
    if not _is_there(image, measured, job, digest):
        return None
    return Examined(job.sha256, job.path.stat().st_size, measured, image)


def _is_there(image: Path | None, measured: Measured, job: Job, digest: Callable[[Path], str]) -> bool:
    """Whether the clip has the picture that was written when it was measured; other code may have written another."""
    if image is None:
        return True
    path = job.root / image
    return path.is_file() and digest(path) == measured.picture_sha256


def image_path(sha256: str, measured: Measured) -> Path | None:
    """Where the picture of a clip goes: named by video and moment, so that no other picture has the name."""
    if measured.reason:
        return None
    milliseconds = round(measured.start_seconds * 1000)
    return IMAGES / sha256[:2] / f"{sha256[:16]}-{milliseconds:08d}.png"


def write_image(video: Path, moment: Fraction, path: Path) -> None:
    """Writes the picture that a video shows at a moment, at its full size, as PNG."""
    shown = next(read_frames(video, start=moment, fps=Fraction(1)))
    with write_atomically(path) as partial:
        Image.fromarray(shown.frame_HWC).save(partial, "PNG", compress_level=_PNG_LEVEL)


def _measure(job: Job, sha256: str) -> Measured:
    part = f"{job.segment.start}-{job.segment.end}" if job.segment else "whole"
    return measure(job.path, job.segment, job.params.window, job.params.limits, f"{job.params.seed}/{sha256}/{part}")
