"""Mutants of videos, on everything that opens one: sixteen kinds of container and codec, made here."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random

import av
import numpy as np

from reelops.dataset.metadata.diagnosis import diagnose
from reelops.errors import VideoError
from reelops.video.decode import read_frames, read_luma
from reelops.video.encode import encode
from reelops.video.probe import probe_with_timeline
from reelops.video.provenance import read_provenance
from tests.fuzz.fuzzer import Fuzzer, Mutant
from tests.fuzz.mutation import chosen_mutation, edge_number, spoilt

_SIZE = (64, 48)
_FRAMES = 6
# x264 gives other bytes now and then where it weighs macroblocks with AVX-512, see `reelops.video.encode`.
_STEADY = {"x264-params": "mbtree=0"}
_KINDS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "mp4": (".mp4", "mp4", "libx264", {"bf": "2", **_STEADY}),
    "fragments": (".mp4", "mp4", "libx264", {"bf": "0", **_STEADY}),
    "mov": (".mov", "mov", "mpeg4", {"bf": "1"}),
    "mkv": (".mkv", "matroska", "libx264", {"bf": "2", **_STEADY}),
    "webm": (".webm", "webm", "libvpx", {"deadline": "realtime", "cpu-used": "8"}),
    "avi": (".avi", "avi", "libx264", {"bf": "2", **_STEADY}),
    "divx": (".avi", "avi", "mpeg4", {"bf": "1"}),
    "mjpeg": (".avi", "avi", "mjpeg", {"strict": "unofficial"}),
    "ts": (".ts", "mpegts", "mpeg2video", {"bf": "2"}),
    "ps": (".mpg", "mpeg", "mpeg1video", {}),
    "flv": (".flv", "flv", "flv1", {}),
    "wmv": (".wmv", "asf", "wmv2", {}),
    "ogv": (".ogv", "ogg", "libvpx", {"deadline": "realtime", "cpu-used": "8"}),
    "nut": (".nut", "nut", "mpeg4", {}),
    "gif": (".gif", "gif", "gif", {}),
    "bare": (".264", "h264", "libx264", {"bf": "1", **_STEADY}),
}
"""Name: ending, container, codec, options of the encoder."""
# Names of boxes and chunks that say how many there are of something, or how large it is.
_TABLES = tuple(
    b"ftyp moov mvhd tkhd elst mdhd stsd avc1 avcC stts ctts stss stsc stsz stco mdat moof tfhd trun".split()
)
_CHUNKS = tuple(b"RIFF avih strh strf movi idx1 LIST JUNK 00dc 01wb".split())
_MARKS = (*_TABLES, *_CHUNKS, b"\x1a\x45\xdf\xa3", b"\x16\x54\xae\x6b", b"\x2a\xd7\xb1", b"\x1f\x43\xb6\x75", b"\xe0")
_COMMENT = '{"reelops":{"prompt":"a cat","picture":"cat.jpg","seed":7}}'


def mutant(random: Random) -> Mutant:
    """A video whose bytes, or the numbers at the head of one of its boxes, are damaged."""
    made = samples()
    suffix, data = made[random.choice(sorted(made))]
    if random.random() < 0.5:
        return Mutant(_respelt(data, random), suffix)
    return Mutant(chosen_mutation(data, [other for _, other in made.values()], random), suffix)


def try_one(path: Path) -> None:
    """All that ReelOps does with a stranger's video, as far as the first of it that refuses it."""
    diagnose(path)
    read_provenance(path)
    info, timeline = probe_with_timeline(path)
    reasons: list[str] = []
    for _ in islice(read_frames(path, on_damage=reasons.append), 3 * _FRAMES):
        pass
    for _ in islice(read_luma(info, timeline, 32, Fraction(8), on_damage=reasons.append), 3 * _FRAMES):
        pass
    for _ in islice(read_frames(path, start=info.duration / 2, on_damage=reasons.append), 1):
        pass
    if info.audio:
        still = np.zeros((_SIZE[1], _SIZE[0], 3), np.uint8)
        encode([still] * 2, path.with_name("sound.mp4"), Fraction(8), "fast", audio=path)


@cache
def samples() -> dict[str, tuple[str, bytes]]:
    """Ending and bytes of a sound video of each kind, by name."""
    return {name: (kind[0], _video(name, *kind[1:])) for name, kind in _KINDS.items()}


def _video(name: str, container_format: str, codec: str, options: dict[str, str]) -> bytes:
    written = io.BytesIO()
    movflags = {"movflags": "empty_moov+frag_keyframe+default_base_moof"} if name == "fragments" else {}
    with av.open(written, "w", format=container_format, options={"fflags": "+bitexact", **movflags}) as container:
        container.metadata["comment"] = _COMMENT
        rate = 25 if container_format == "mpeg" else 8
        stream = container.add_stream(codec, rate=rate, options={**options, "threads": "1"})
        stream.width, stream.height = _SIZE
        stream.pix_fmt = {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        sound = container.add_stream("aac", rate=8000, layout="mono") if name in ("mp4", "mkv") else None
        for number in range(_FRAMES):
            frame_HWC = np.full((_SIZE[1], _SIZE[0], 3), 40, np.uint8)
            frame_HWC[:, number * 6 : number * 6 + 12] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")))
        container.mux(stream.encode(None))
        if sound is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
            silence.sample_rate = 8000
            container.mux(sound.encode(silence))
            container.mux(sound.encode(None))
    return written.getvalue()


def _respelt(data: bytes, random: Random) -> bytes:
    """Numbers at the edges of what fits, just before or soon after the name of a box or chunk."""
    places = [at for mark in _MARKS for at in _all(data, mark)]
    if not places:
        return spoilt(data, random)
    spoiled = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        place = random.choice(places) + random.choice((-4, 4, 8, 12, 16, 20, 24, 28, 32, 36))
        size = random.choice((1, 2, 4, 4, 8))
        if 0 <= place <= len(spoiled) - size:
            spoiled[place : place + size] = edge_number(random, size, random.choice(("big", "little")))
    return bytes(spoiled)


def _all(data: bytes, mark: bytes) -> list[int]:
    places, at = [], data.find(mark)
    while at >= 0 and len(places) < 50:
        places.append(at)
        at = data.find(mark, at + 1)
    return places


FUZZERS = (Fuzzer("videos", 5000, 60, mutant, try_one, (VideoError,), libraries=("av",)),)
