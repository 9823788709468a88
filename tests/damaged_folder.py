"""A folder of real clips, made small, some of them damaged, or only odd, in ten ways."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from reelops.dataset.table import Reason
from reelops.video.decode import read_frames
from reelops.video.encode import encode
from tests.unit.video.media import write_sound, write_turned, write_with_times

FRAMES = 12
SIZE = (96, 64)
REAL_CLIPS = (
    "cogvideo-example-horse.mp4", "cogvideo-example-kitten.mp4", "cogvideo-example-train_running.mp4",
    "cogvideox-generated-2.mp4", "cotracker-bear.mp4", "cotracker-cat.mp4", "cotracker-teddy.mp4",
)  # fmt: skip


def lay_out(folder: Path, videos: Path, captions: list[str], total: int = 200) -> dict[str, Reason | None]:
    """Writes `total` files, three of each of the ten ways among them, each with a caption.

    Returns:
        By file name why it must be thrown out; None where it must not.
    """
    folder.mkdir(parents=True)
    footage = _footage(videos)
    expected: dict[str, Reason | None] = {}
    for number, (way, reason) in itertools.product(range(3), WAYS.items()):
        path = folder / f"{way.__name__}-{number}.mp4"
        way(path, next(footage))
        expected[path.name] = reason
    for number in range(3):
        path = folder / f"wrong_extension-{number}.mp4"
        expected[path.name] = _wrong_extension(path, next(footage), number)
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
    path.write_bytes(frames.tobytes())
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
    unreadable: Reason.NOT_A_VIDEO if os.geteuid() == 0 else Reason.UNREADABLE,  # root may read everything
    variable_rate: None,
    rotated: None,
    odd_sizes: None,
}
"""The tenth way is a wrong extension."""


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


def _footage(videos: Path) -> Iterator[np.ndarray]:
    """Moving pictures of real clips without end, never the same twice: later rounds begin later, or are mirrored."""
    clips = []
    for name in REAL_CLIPS:
        frames = (one.frame_HWC for one in read_frames(videos / name, size=SIZE, fps=Fraction(8)))
        clips.append(np.stack(list(itertools.islice(frames, 36))))
    for turn in itertools.count():
        for clip in clips:
            usable = len(clip) - FRAMES
            if usable >= 0:
                shown = clip[turn % (usable + 1) :][:FRAMES]
                yield shown[:, :, ::-1] if turn // (usable + 1) % 2 else shown
