"""A folder of real clips, made small, some of them damaged, or only odd, in ten ways; and what is no file at all."""

from __future__ import annotations

import ctypes
import itertools
import os
import stat
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image
from real_media import media

from reelops.dataset.table import Reason
from reelops.video.decode import read_frames
from reelops.video.encode import encode
from tests.unit.video.media import write_sound, write_turned, write_with_times

FRAMES = 12
SIZE = (96, 64)
REAL_CLIPS = (
    "cogvideo-example-horse.mp4", "cogvideo-example-kitten.mp4", "cogvideo-example-train_running.mp4",
    "cogvideox-generated-1.mp4", "cogvideox-generated-2.mp4", "intel-asl-walk.mkv", "intel-person-upright.mp4",
)  # fmt: skip


def lay_out(folder: Path, captions: list[str], total: int = 200) -> dict[str, Reason | None]:
    """Writes `total` files, three of each of the ten ways among them and one of each odd thing that is no file, each
    with a caption.

    Returns:
        By file name why it must be quarantined; None where it must not.
    """
    folder.mkdir(parents=True)
    footage = _footage()
    expected: dict[str, Reason | None] = {}
    for number, (way, reason) in itertools.product(range(3), WAYS.items()):
        path = folder / f"{way.__name__}-{number}.mp4"
        way(path, next(footage))
        expected[path.name] = reason
    for number in range(3):
        path = folder / f"wrong_extension-{number}.mp4"
        expected[path.name] = _wrong_extension(path, next(footage), number)
    for odd, reason in NO_FILES.items():
        path = folder / f"{odd.__name__}.mp4"
        odd(path)
        expected[path.name] = reason
    for number in range(total - len(expected)):
        path = folder / f"good-{number:03d}.mp4"
        encode(next(footage), path, Fraction(8), "fast")
        expected[path.name] = None
    for name, caption in zip(sorted(expected), itertools.cycle(captions)):
        (folder / name).with_suffix(".txt").write_text(caption + "\n")
    return expected


def truncated(path: Path, frames: np.ndarray) -> None:
    whole = encode(frames, path, Fraction(8), "fast").path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 5])


def zero_bytes(path: Path, _frames: np.ndarray) -> None:
    path.touch()


def audio_only(path: Path, _frames: np.ndarray) -> None:
    write_sound(path, "aac")


def one_frame(path: Path, frames: np.ndarray) -> None:
    encode(frames[:1], path, Fraction(8), "fast")


def corrupt_packets(path: Path, frames: np.ndarray) -> None:
    content = bytearray(encode(frames, path, Fraction(8), "high").path.read_bytes())
    begin = content.index(b"mdat") + 2000
    for position in range(begin, len(content) - 200, 23):
        content[position] ^= 0x5A
    path.write_bytes(content)


def unreadable(path: Path, frames: np.ndarray) -> None:
    """A good video that nobody may read, but for root: see `without_roots_rights`."""
    encode(frames, path, Fraction(8), "fast")
    path.chmod(0)


def variable_rate(path: Path, frames: np.ndarray) -> None:
    gaps = [80, 160, 100, 200, 120, 140, 90, 180, 110, 150, 130]
    write_with_times(path, frames, [0, *itertools.accumulate(gaps)], Fraction(1, 1000))


def rotated(path: Path, frames: np.ndarray) -> None:
    write_turned(path, np.ascontiguousarray(frames), 90)


def odd_sizes(path: Path, frames: np.ndarray) -> None:
    encode(np.ascontiguousarray(frames[:, :61, :83]), path, Fraction(8), "lossless")


WAYS: dict[Callable[[Path, np.ndarray], None], Reason | None] = {
    truncated: Reason.TRUNCATED,
    zero_bytes: Reason.EMPTY,
    audio_only: Reason.NO_PICTURES,
    one_frame: Reason.TOO_SHORT,
    corrupt_packets: Reason.DAMAGED,
    unreadable: Reason.UNREADABLE,
    variable_rate: None,
    rotated: None,
    odd_sizes: None,
}
"""The tenth way is a wrong extension."""


def named_pipe(path: Path) -> None:
    os.mkfifo(path)


def socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


def link_to_nothing(path: Path) -> None:
    path.symlink_to("moved-away.mp4")


def links_in_a_circle(path: Path) -> None:
    path.symlink_to(path.name)


NO_FILES: dict[Callable[[Path], None], Reason] = {
    named_pipe: Reason.UNREADABLE,
    socket: Reason.UNREADABLE,
    link_to_nothing: Reason.MISSING,
    links_in_a_circle: Reason.UNREADABLE,
}


def without_roots_rights() -> None:
    """Called in a new process before its program starts: root, too, may then read only what permissions allow."""
    library = ctypes.CDLL(None, use_errno=True)
    for capability in _READING_ANYTHING if os.geteuid() == 0 else ():
        if library.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "root's rights cannot be given up")


# linux/prctl.h; linux/capability.h: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH.
_PR_CAPBSET_DROP, _READING_ANYTHING = 24, (1, 2)


def _wrong_extension(path: Path, frames: np.ndarray, number: int) -> Reason | None:
    """A Matroska video or a picture, both named .mp4."""
    if number:
        Image.fromarray(frames[0]).save(path, "JPEG")
        return Reason.NOT_A_VIDEO
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(8))
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode(None))
    return None


def _footage() -> Iterator[np.ndarray]:
    """Moving pictures of real clips without end, never the same twice: later rounds begin later, or are mirrored."""
    clips = []
    for name in REAL_CLIPS:
        frames = (one.frame_HWC for one in read_frames(media(name), size=SIZE, fps=Fraction(8)))
        clips.append(np.stack(list(itertools.islice(frames, 36))))
    for turn in itertools.count():
        for clip in clips:
            usable = len(clip) - FRAMES
            if usable >= 0:
                shown = clip[turn % (usable + 1) :][:FRAMES]
                yield shown[:, :, ::-1] if turn // (usable + 1) % 2 else shown
