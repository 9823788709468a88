"""Small videos and pictures made for tests, some of them broken in a known way."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.bitstream import BitStreamFilterContext


def noise_frames(count: int, width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def numbered_frames(count: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Frame i is of one grey, 4 i + 16, so that a decoded frame tells its own number; 60 at most."""
    greys = (np.arange(count) * 4 + 16).astype(np.uint8)
    return np.broadcast_to(greys[:, None, None, None], (count, height, width, 3)).copy()


def number_in(frame_HWC: np.ndarray) -> int:
    return round((float(frame_HWC.mean()) - 16) / 4)


def write_with_times(path: Path, frames_THWC: np.ndarray, ticks: Sequence[int], time_base: Fraction) -> None:
    """A video whose frames start at the given ticks."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(30), options={"qp": "0", "bf": "0"})
        stream.height, stream.width = frames_THWC.shape[1:3]
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", time_base
        for tick, frame_HWC in zip(ticks, frames_THWC, strict=True):
            frame = av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")
            frame.pts, frame.time_base = tick, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def with_pause(source: Path, path: Path, number: int, seconds: int) -> Path:
    """The packets of a video, its frames from `number` on shown so many seconds later; it must have no B-frames."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        packets = [packet for packet in old.demux(video=0) if packet.pts is not None]
        later = round(seconds / packets[0].time_base)
        for place, packet in enumerate(packets):
            if place >= number:
                packet.pts, packet.dts = packet.pts + later, packet.dts + later
            packet.stream = stream
            new.mux(packet)
    return path


def write_unannounced_key_frames(path: Path, frames_THWC: np.ndarray, gap: int) -> None:
    """A video at 10 a second with a key frame every `gap` frames, but for the first none that says that one can begin
    there: frames shown before it lean on it, and its recovery point is left out."""
    options = {"x264-params": f"open-gop=1:keyint={gap}:min-keyint={gap}:scenecut=0:bframes=2:b-adapt=0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10), options=options)
        stream.height, stream.width = frames_THWC.shape[1:3]
        stream.pix_fmt = "yuv420p"
        without_recovery_points = BitStreamFilterContext("filter_units=remove_types=6", stream)
        frames = (av.VideoFrame.from_ndarray(frame_HWC, format="rgb24") for frame_HWC in frames_THWC)
        for frame in (*frames, None):
            for packet in stream.encode(frame):
                container.mux(without_recovery_points.filter(packet))


def write_turned(path: Path, frames_THWC: np.ndarray, degrees: int, mirror: bool = False) -> None:
    """A video whose display matrix asks to be turned counter-clockwise, after a left-to-right mirroring."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10), options={"crf": "5"})
        stream.height, stream.width = frames_THWC.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.set_display_rotation(degrees, hflip=mirror)
        for frame_HWC in frames_THWC:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")))
        container.mux(stream.encode(None))


def write_sound(path: Path, codec: str = "pcm_s16le", seconds: float = 1.0) -> None:
    """A sine of 440 Hz, 48 kHz stereo."""
    rate = 48000
    wave = (np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate) * 12000).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None], format="s16", layout="stereo")
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_without_frames(path: Path) -> None:
    """An MP4 whose index announces a video track in which there is nothing: a recording stopped before it began."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "empty_moov+frag_keyframe"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(noise_frames(1)[0])))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moof") - 4])


def write_png16(path: Path, values: np.ndarray) -> None:
    """A PNG of 16 bits a channel: grey (H, W), or colour (H, W, 3 or 4)."""
    channels = 1 if values.ndim == 2 else values.shape[2]
    write_raw_png(path, values.shape[1], values.shape[0], 16, {1: 0, 3: 2, 4: 6}[channels], values.astype(">u2"))


def write_raw_png(path: Path, width: int, height: int, bits: int, kind: int, rows: np.ndarray | bytes) -> None:
    data = rows if isinstance(rows, bytes) else b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks))


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
