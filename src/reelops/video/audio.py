"""Carrying one sound track into a new file: copied where the container can hold it, else mono or stereo AAC."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from reelops.errors import VideoError
from reelops.foreign import reason_of
from reelops.video.limits import check_seconds
from reelops.video.source import frames_in, open_container, packets_of, reading_video

# What every player takes from an MP4; the rest (PCM, Vorbis, ...) becomes AAC.
COPIED_CODECS = frozenset({"aac", "mp3", "ac3", "eac3", "alac"})
_AAC_BITS_PER_CHANNEL = 96_000
_AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000})
_AAC_FRAME_SAMPLES = 1024


class AudioTrack:
    """A source's sound, written beside pictures as their time goes on, so that nothing piles up in memory."""

    def __init__(self, path: Path, source: Any, stream: Any, offset: Fraction) -> None:
        self._path, self._source, self._offset = path, source, offset
        self._stream = stream
        self.copied = stream.codec.canonical_name in COPIED_CODECS
        self._packets: Iterator[tuple[Fraction, Any]] = iter(())
        self._waiting: tuple[Fraction, Any] | None = None
        self._output: Any = None
        self._track: Any = None

    def begin(self, output: Any) -> None:
        """Adds the track to an open output container; its pictures' track comes first."""
        self._output = output
        if self.copied:
            self._track = output.add_stream_from_template(self._stream)
            self._packets = self._copied_packets()
        else:
            channels = min(2, self._stream.layout.nb_channels)
            rate = self._stream.rate if self._stream.rate in _AAC_RATES else 48000
            self._track = output.add_stream("aac", rate=rate, layout=("mono", "stereo")[channels - 1])
            self._track.bit_rate = _AAC_BITS_PER_CHANNEL * channels
            self._packets = self._encoded_packets()
        self._waiting = next(self._packets, None)

    def write_until(self, time: Fraction) -> None:
        """Writes what sounds up to `time`, in seconds."""
        while self._waiting and self._waiting[0] <= time:
            self._write(self._waiting[1])

    def finish(self, end: Fraction | None) -> None:
        """Writes the rest, or what starts before `end`."""
        while self._waiting and (end is None or self._waiting[0] < end):
            self._write(self._waiting[1])

    def _write(self, packet: Any) -> None:
        try:
            self._output.mux(packet)
        except ValueError as error:  # PyAV's InvalidDataError and ArgumentError; a full disk is another kind
            raise VideoError(f"{self._path} has sound that cannot be carried along: {reason_of(error)}.") from error
        self._waiting = next(self._packets, None)

    def _copied_packets(self) -> Iterator[tuple[Fraction, Any]]:
        time_base = self._stream.time_base
        shift = round(self._offset / time_base)
        for packet in packets_of(self._path, self._source, self._stream):
            if packet.dts is None or packet.pts is None:
                continue
            packet.pts -= shift
            packet.dts -= shift
            time = packet.pts * time_base
            packet.stream = self._track
            yield time, packet

    def _encoded_packets(self) -> Iterator[tuple[Fraction, Any]]:
        track = self._track
        resampler = av.AudioResampler("fltp", track.layout, track.rate, frame_size=_AAC_FRAME_SAMPLES)
        position: int | None = None
        for source_frame in itertools.chain(self._decoded(), [None]):
            if source_frame is not None and position is None:
                position = round((self._start_of(source_frame) - self._offset) * track.rate)
            for frame in resampler.resample(source_frame):
                frame.pts, frame.time_base = position, Fraction(1, track.rate)
                position = (position or 0) + frame.samples
                yield from self._timed(track.encode(frame))
        yield from self._timed(track.encode(None))

    def _decoded(self) -> Iterator[Any]:
        for packet in packets_of(self._path, self._source, self._stream):
            yield from frames_in(self._path, packet)

    @staticmethod
    def _start_of(frame: Any) -> Fraction:
        return Fraction(0) if frame.pts is None else frame.pts * frame.time_base

    def _timed(self, packets: list[Any]) -> Iterator[tuple[Fraction, Any]]:
        for packet in packets:
            yield (packet.pts or 0) * packet.time_base, packet


@contextlib.contextmanager
def open_audio(path: Path, offset: Fraction = Fraction(0)) -> Iterator[AudioTrack]:
    """The first sound track of a sound or video file.

    Args:
        path: any file with sound.
        offset: seconds in the source that become time 0.

    Raises:
        VideoError: the file cannot be read, has no sound, or lasts for longer than it may.
        MachineError: this machine cannot read it now.
    """
    if not path.is_file():
        raise VideoError(f"{path} does not exist or is no file; give a sound or video file.")
    with reading_video(path, "cannot be read as sound"):
        source = open_container(path)
    with source:
        if not source.streams.audio or source.streams.audio[0].codec_context is None:
            raise VideoError(f"{path} has no sound track; give a file with sound, or none.")
        stream = source.streams.audio[0]
        check_seconds(path, (stream.duration or 0) * (stream.time_base or Fraction(0)))
        yield AudioTrack(path, source, stream, offset)
