"""Makes small videos of many encoders in many containers, plain ones and odd ones, for `media_report.py`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from tests.unit.video.bar_media import SIZE as BAR_SIZE
from tests.unit.video.bar_media import empty_picture, mpeg4_packets, packed, write_bar
from tests.unit.video.field_media import SIDE, field_packets
from tests.unit.video.media import numbered_frames, write_turned

RATE, COUNT, SIZE = 25, 24, (352, 288)  # a size that even H.261 takes
OPEN_GOP = "open-gop=1:keyint=8:min-keyint=8:bframes=2:b-adapt=0:scenecut=0"


@dataclass(frozen=True)
class Encoder:
    """One of FFmpeg's encoders: its pixels, its options and the endings of files that it is tried in."""

    name: str
    pixels: str
    endings: str
    options: Mapping[str, str] = field(default_factory=dict)


ENCODERS = (
    Encoder("libx264", "yuv420p", "mp4 mov mkv avi ts flv nut mpg h264 3gp"),
    Encoder("libx264", "yuv444p", "mp4 mkv nut", {"qp": "12"}),
    Encoder("libx264", "yuv422p10le", "mp4 mkv ts nut", {"qp": "12"}),
    Encoder("libx265", "yuv420p", "mp4 mov mkv ts hevc nut", {"x265-params": "log-level=none"}),
    Encoder("libx265", "yuv420p10le", "mp4 mkv ts nut", {"x265-params": "log-level=none"}),
    Encoder("libvpx", "yuv420p", "webm mkv avi ivf nut", {"b": "400000"}),
    Encoder("libvpx-vp9", "yuv420p", "webm mkv mp4 ivf nut", {"b": "400000"}),
    Encoder("libsvtav1", "yuv420p", "mp4 mkv webm ivf obu", {"preset": "12"}),
    Encoder("mpeg4", "yuv420p", "avi mp4 mov mkv nut ts 3gp", {"b": "2000000"}),
    Encoder("msmpeg4", "yuv420p", "avi asf mkv nut", {"b": "2000000"}),
    Encoder("msmpeg4v2", "yuv420p", "avi asf mkv", {"b": "2000000"}),
    Encoder("mpeg1video", "yuv420p", "mpg mkv ts avi mov m1v", {"b": "2000000"}),
    Encoder("mpeg2video", "yuv420p", "mpg ts vob mkv avi mov mxf m2v", {"b": "2000000"}),
    Encoder("wmv1", "yuv420p", "asf wmv avi mkv", {"b": "2000000"}),
    Encoder("wmv2", "yuv420p", "asf wmv avi mkv", {"b": "2000000"}),
    Encoder("flv", "yuv420p", "flv avi mkv", {"b": "2000000"}),
    Encoder("h261", "yuv420p", "avi mkv", {"b": "1000000"}),
    Encoder("h263p", "yuv420p", "avi mkv mov nut", {"b": "2000000"}),
    Encoder("rv20", "yuv420p", "rm mkv", {"b": "2000000"}),
    Encoder("mjpeg", "yuvj420p", "avi mov mkv mp4 nut"),
    Encoder("mjpeg", "yuvj444p", "avi mov mkv"),
    Encoder("prores_ks", "yuv422p10le", "mov mkv mxf nut"),
    Encoder("ffv1", "yuv422p10le", "mkv avi nut mov"),
    Encoder("ffv1", "gray", "mkv avi nut"),
    Encoder("ffvhuff", "yuv420p", "avi mkv nut"),
    Encoder("huffyuv", "yuv422p", "avi mkv"),
    Encoder("utvideo", "yuv420p", "avi mkv"),
    Encoder("magicyuv", "yuv444p", "avi mkv"),
    Encoder("jpeg2000", "yuv420p", "mov mkv mp4 mxf"),
    Encoder("snow", "yuv420p", "avi mkv nut", {"b": "2000000"}),
    Encoder("svq1", "yuv410p", "mov mkv"),
    Encoder("cinepak", "rgb24", "avi mov mkv"),
    Encoder("cfhd", "yuv422p10le", "mov mkv avi"),
    Encoder("vc2", "yuv420p", "mov mkv"),
    Encoder("qtrle", "rgb24", "mov mkv"),
    Encoder("png", "rgb24", "mov mkv avi"),
    Encoder("rawvideo", "yuv420p", "avi mov mkv nut y4m"),
    Encoder("v210", "yuv422p10le", "mov avi mkv"),
    Encoder("gif", "rgb8", "gif"),
)
_FORMATS = {"y4m": "yuv4mpegpipe", "m1v": "mpeg1video", "m2v": "mpeg2video"}


@dataclass(frozen=True)
class Made:
    """A file, the encoder and the oddity that it is of."""

    path: Path
    encoder: str
    oddity: str


def make_all(folder: Path) -> Iterator[Made]:
    """Every file; a container that does not take an encoder's packets is passed over."""
    for encoder in ENCODERS:
        for ending in encoder.endings.split():
            name = f"{encoder.name}-{encoder.pixels}.{ending}"
            yield from write(folder / name, encoder, "none", packets_of(encoder))
    yield from _odd(folder)


def _odd(folder: Path) -> Iterator[Made]:
    x264, x265 = ENCODERS[0], Encoder("libx265", "yuv420p", "", {"x265-params": f"{OPEN_GOP}:log-level=none"})
    mpeg2 = next(one for one in ENCODERS if one.name == "mpeg2video")
    open_gop = Encoder("libx264", "yuv420p", "", {"x264-params": OPEN_GOP})
    for encoder in (open_gop, x265, Encoder("mpeg2video", "yuv420p", "", {**mpeg2.options, "bf": "2", "g": "8"})):
        for ending in ("ts", "mkv", "mp4", "mpg"):
            packets = packets_of(encoder)
            keys = [at for at, packet in enumerate(packets) if packet.is_keyframe]
            yield from write(folder / f"cut-{encoder.name}.{ending}", encoder, "cut in an open GOP", packets[keys[1] :])
    uneven = list(itertools.accumulate(1 + number % 3 for number in range(COUNT)))
    no_b = Encoder("libx264", "yuv420p", "", {"bf": "0"})
    for ending in ("mp4", "mkv", "mov", "ts", "flv", "nut"):
        for title, encoder in (("uneven times", no_b), ("uneven times, B-frames", x264)):
            name = f"{title.replace(' ', '-').replace(',', '')}.{ending}"
            yield from write(folder / name, encoder, title, packets_of(encoder, uneven))
        later = [number + 50 for number in range(COUNT)]
        yield from write(folder / f"late.{ending}", x264, "begins at two seconds", packets_of(x264, later))
        odd = packets_of(Encoder("libx264", "yuv444p", ""), size=(99, 61))
        yield from write(folder / f"odd-size.{ending}", x264, "odd size", odd, (99, 61))
        packets = packets_of(no_b)
        packets[-1].duration = 36_000 * RATE
        yield from write(folder / f"endless.{ending}", no_b, "the last frame lasts ten hours", packets)
        shapes = packets_of(no_b) + packets_of(no_b, range(COUNT, 2 * COUNT), (176, 144))
        yield from write(folder / f"shapes.{ending}", no_b, "changes its size", shapes)
    yield from write(folder / "uneven-times.avi", no_b, "places of AVI without a picture", packets_of(no_b, uneven))
    yield from _joined(folder, x264, x265, mpeg2)
    yield from not_one_picture_a_packet(folder)
    yield from high_dynamic_range(folder)
    for ending, degrees in (("mp4", 90), ("mov", 270), ("mkv", 180)):
        path = folder / f"turned-{degrees}.{ending}"
        write_turned(path, numbered_frames(COUNT), degrees, mirror=ending == "mov")
        yield Made(path, "libx264", f"turned by {degrees} degrees{', mirrored' if ending == 'mov' else ''}")


def _joined(folder: Path, x264: Encoder, x265: Encoder, mpeg2: Encoder) -> Iterator[Made]:
    for encoder, ending in ((x264, "ts"), (mpeg2, "ts"), (mpeg2, "vob"), (mpeg2, "mpg"), (x265, "ts")):
        for made in write(folder / f"part-{encoder.name}.{ending}", encoder, "", packets_of(encoder)):
            both = made.path.with_name(f"joined-{made.path.name[5:]}")
            both.write_bytes(made.path.read_bytes() * 2)
            made.path.unlink()
            yield Made(both, encoder.name, "two recordings joined")


def not_one_picture_a_packet(folder: Path) -> Iterator[Made]:
    """Packets that hold half a picture, none, two, or one that is not shown."""
    fields, mpeg4 = (Encoder(name, "yuv420p", "") for name in ("libx264", "mpeg4"))
    for ending in ("ts", "mkv", "mp4", "mov", "h264"):
        packets = field_packets(COUNT // 2)
        yield from write(folder / f"fields.{ending}", fields, "H.264 in fields", _timed(packets), (SIDE, SIDE))
    stays = [empty_picture(slot) if slot in (4, 5, 9) else one for slot, (_, one) in enumerate(mpeg4_packets(COUNT, 0))]
    for ending in ("avi", "mp4", "mkv", "mov", "nut"):
        packets = _timed([av.Packet(content) for content in stays])
        yield from write(folder / f"stays.{ending}", mpeg4, "MPEG-4 pictures that stay (N-VOPs)", packets, BAR_SIZE)
    packets = _timed([av.Packet(content) for content in packed(mpeg4_packets(COUNT, 1))])
    yield from write(folder / "packed.avi", mpeg4, "B-frames packed by DivX", packets, BAR_SIZE)
    for codec, ending in (("libvpx", "webm"), ("libvpx", "mkv")):
        path = folder / f"hidden-{codec}.{ending}"
        write_bar(path, codec, {}, range(COUNT), hidden=7)
        yield Made(path, codec, "a picture that is only leant on")


def _timed(packets: list[av.Packet]) -> list[av.Packet]:
    for slot, packet in enumerate(packets):
        packet.pts = packet.dts = slot
        packet.is_keyframe = slot == 0
    return packets


def high_dynamic_range(folder: Path) -> Iterator[Made]:
    for name, transfer in (("HLG", 18), ("PQ", 16)):
        colours = f"colorprim=9:transfer={transfer}:colormatrix=9:range=limited"
        encoder = Encoder("libx265", "yuv420p10le", "", {"x265-params": f"log-level=none:{colours}"})
        for ending in ("mp4", "mov", "mkv", "ts"):
            yield from write(folder / f"{name.lower()}.{ending}", encoder, f"HDR ({name})", packets_of(encoder))


def packets_of(
    encoder: Encoder, ticks: range | list[int] | None = None, size: tuple[int, int] = SIZE
) -> list[av.Packet]:
    """The packets of a moving picture, at these ticks of 1/25 s."""
    context = av.CodecContext.create(encoder.name, "w")
    context.width, context.height, context.pix_fmt = *size, encoder.pixels
    context.framerate, context.time_base, context.options = Fraction(RATE), Fraction(1, RATE), dict(encoder.options)
    context.thread_count = 1
    packets = []
    for number, tick in enumerate(ticks or range(COUNT)):
        frame = av.VideoFrame.from_ndarray(picture(number, size), format="rgb24").reformat(format=encoder.pixels)
        frame.pts, frame.time_base = tick, Fraction(1, RATE)
        packets += context.encode(frame)
    packets += context.encode(None)
    return packets


def picture(number: int, size: tuple[int, int]) -> np.ndarray:
    """RGB: soft colours that wander, so that each frame is unlike its neighbours."""
    y, x = np.mgrid[: size[1], : size[0]]
    waves = [128 + 90 * np.sin((x * across + y * down) / 24 + number / 3) for across, down in ((1, 0), (1, 1), (0, 1))]
    return np.stack(waves, axis=-1).astype(np.uint8)


def write(
    path: Path, encoder: Encoder, oddity: str, packets: list[av.Packet], size: tuple[int, int] = SIZE
) -> Iterator[Made]:
    """The file, or nothing where the container does not take these packets."""
    try:
        with av.open(str(path), "w", format=_FORMATS.get(path.suffix[1:])) as container:
            stream = container.add_stream(encoder.name, rate=RATE, options=dict(encoder.options))
            stream.width, stream.height, stream.pix_fmt = *size, encoder.pixels
            for packet in packets:
                packet.stream, packet.time_base = stream, Fraction(1, RATE)
                container.mux(packet)
    except (FFmpegError, ValueError):
        path.unlink(missing_ok=True)
        return
    yield Made(path, encoder.name, oddity)
