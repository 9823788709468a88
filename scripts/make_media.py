"""Writes the files of data/media that are no plain copies: python scripts/make_media.py FOLDER_OF_ORIGINALS

The folder holds car-detection.mp4 and one-by-one-person-detection.mp4 of intel-iot-devkit/sample-videos.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from reelops.video.decode import read_frames

VIDEO = Path(__file__).resolve().parents[1] / "data" / "media" / "video"
TICKS = 1001  # a frame of 10000/1001 a second, in a clock of 10000


def cut_cars(source: Path, path: Path, start: Fraction, stop: Fraction) -> None:
    """Whole groups of pictures with their sound, copied as they are; `start` and `stop` are times of key frames."""
    with av.open(str(source)) as given, av.open(str(path), "w", options={"fflags": "+bitexact"}) as taken:
        streams = {one.index: taken.add_stream_from_template(one) for one in given.streams}
        for packet in given.demux():
            if packet.pts is None or not start <= packet.pts * packet.time_base < stop:
                continue
            begin = int(start / packet.time_base)
            packet.pts, packet.dts = packet.pts - begin, packet.dts - begin
            packet.stream = streams[packet.stream.index]
            taken.mux(packet)


def film_portrait(source: Path, path: Path, frames: range, left: int, width: int) -> None:
    """An upright part of the picture at 10000/1001 frames per second, of which an edit list hides the very first."""
    with av.open(str(path), "w", options={"fflags": "+bitexact", "avoid_negative_ts": "disabled"}) as container:
        options = {"preset": "slow", "crf": "24", "bf": "0", "threads": "4"}
        stream = container.add_stream("libx264", rate=Fraction(10_000, TICKS), options=options)
        stream.width, stream.height, stream.pix_fmt = width, 432, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10_000)
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        for number, frame in enumerate(_upright(source, frames, left, width)):
            frame.pts, frame.time_base = (number - 1) * TICKS, Fraction(1, 10_000)
            frame.duration = TICKS
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _upright(source: Path, frames: range, left: int, width: int) -> Iterator[av.VideoFrame]:
    for shown in itertools.islice(read_frames(source), frames.start, frames.stop):
        yield av.VideoFrame.from_ndarray(shown.frame_HWC[:, left : left + width].copy(), format="rgb24")


if __name__ == "__main__":
    originals = Path(sys.argv[1])
    cars, person = originals / "car-detection.mp4", originals / "one-by-one-person-detection.mp4"
    cut_cars(cars, VIDEO / "intel-cars-cut.mp4", Fraction(72, 5), Fraction(24))
    film_portrait(person, VIDEO / "intel-person-upright.mp4", range(60, 144), left=320, width=288)
