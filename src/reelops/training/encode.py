"""The stage `latents`: a table of clips becomes the cache that training reads.

It goes on where it stopped, encodes only what is new, and can be shared out: `--shard 2/4` encodes every fourth clip,
and a last run without it writes the index.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from reelops.cogvideox.clip_format import choose_format
from reelops.cogvideox.profiles import find_profile
from reelops.cogvideox.weights import Weights, locate_weights, parts_digest
from reelops.errors import Cancelled, DatasetError, ReelOpsError, SettingsError, VideoError
from reelops.params import Config
from reelops.progress import OnProgress, Progress, ShouldStop
from reelops.system.digest import sha256_of
from reelops.system.files import write_text_atomically
from reelops.system.hardware import inspect_machine
from reelops.training.cache import FOLDER, QUARANTINE, CachedClip, Encoding, Index, LatentCache
from reelops.training.clips import TrainingClip, read_training_clips
from reelops.training.params import LatentParams
from reelops.video.decode import read_frames
from reelops.video.picture import fit_pixels, read_picture

METRICS = Path("reports/latents/metrics.json")


@dataclass(frozen=True)
class Quarantined:
    """A clip that could not be encoded, and why."""

    clip_id: str
    reason: str


@dataclass
class EncodingReport:
    """What came of a run of the stage."""

    clips: int = 0
    encoded: int = 0
    kept: int = 0
    captions: int = 0
    removed: int = 0
    size_bytes: int = 0
    seconds: float = 0.0
    quarantined: list[Quarantined] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Encoders:
    """VAE, tokenizer and text encoder of a base, ready to use."""

    vae: Any
    tokenizer: Any
    text_encoder: Any


class LatentStage:
    """One run of the stage.

    Args:
        folder: the cache; None takes the project's.
        shard: (index from 1, count) encodes a part of the clips and writes no index.
    """

    def __init__(
        self,
        params: LatentParams,
        config: Config,
        folder: Path | None = None,
        shard: tuple[int, int] | None = None,
        on_progress: OnProgress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> None:
        if shard is not None and not 1 <= shard[0] <= shard[1]:
            raise SettingsError(f"There is no shard {shard[0]} of {shard[1]}; give for example 1/{max(1, shard[1])}.")
        self._params = params
        self._config = config
        self._shard = shard
        self._tell = on_progress
        self._should_stop = should_stop
        self.cache = LatentCache(folder or config.root / FOLDER)
        self.report = EncodingReport()

    def run(self) -> EncodingReport:
        """Encodes what is not there yet, and writes the index.

        Raises:
            DatasetError: no table, or more clips failed than may.
            WeightsError, MachineError: the encoders cannot be had.
            Cancelled: somebody asked to stop; what was encoded stays.
        """
        began = time.monotonic()
        table = self._config.root / self._params.table
        clips = read_training_clips(table, self._config.root)
        if not clips:
            raise DatasetError(f"{table} has no clips. See why with `reelops metadata`, then make it again.")
        weights = locate_weights(find_profile(self._params.profile, self._config), self._config.cache)
        encoding = describe_encoding(self._params, self._config, weights)
        entries = self._entries(clips, encoding)
        self.report.clips = len(clips)
        self._encode(entries, encoding, weights)
        if self._shard is None:
            self._finish(entries, encoding, sha256_of(table))
        self.report.seconds = time.monotonic() - began
        return self.report

    def _entries(self, clips: Sequence[TrainingClip], encoding: Encoding) -> list[tuple[TrainingClip, CachedClip]]:
        """Every clip that can be read, with its names in the cache; the files are compared with the table first."""
        entries = []
        for clip in clips:
            try:
                entries.append((clip, _entry(clip, encoding)))
            except (ReelOpsError, OSError) as error:
                self._lose(clip, error)
        return entries

    def _encode(self, entries: Sequence[tuple[TrainingClip, CachedClip]], encoding: Encoding, weights: Weights) -> None:
        mine = [entry for number, entry in enumerate(entries) if self._is_mine(number)]
        todo = [(clip, entry) for clip, entry in mine if not self.cache.has("clips", entry.key)]
        wanted = dict.fromkeys(["", *(text for clip, _ in mine for text in clip.captions)])
        captions = [text for text in wanted if not self.cache.has("texts", encoding.text_key(text))]
        self.report.kept, self.report.captions = len(mine) - len(todo), len(captions)
        if not todo and not captions:
            return
        encoders = load_encoders(weights.folder, self._params.dtype)
        self._encode_texts(captions, encoding, encoders)
        for number, (clip, entry) in enumerate(todo):
            self._at("clips", number, len(todo))
            try:
                self._encode_clip(clip, entry, encoding, encoders)
                self.report.encoded += 1
            except (ReelOpsError, OSError) as error:
                if isinstance(error, Cancelled):
                    raise
                self._lose(clip, error)
        self._at("clips", len(todo), len(todo))

    def _is_mine(self, number: int) -> bool:
        return self._shard is None or number % self._shard[1] == self._shard[0] - 1

    def _encode_texts(self, captions: Sequence[str], encoding: Encoding, encoders: Encoders) -> None:
        from reelops.cogvideox.latents import encode_texts

        for number, caption in enumerate(captions):
            self._at("captions", number, len(captions))
            vectors, notes = encode_texts(encoders.tokenizer, encoders.text_encoder, [caption], encoding.prompt_length)
            self.report.notes += notes
            self.cache.write("texts", encoding.text_key(caption), {"vectors": vectors[0]}, encoding.stored_dtype)

    def _encode_clip(self, clip: TrainingClip, entry: CachedClip, encoding: Encoding, encoders: Encoders) -> None:
        from reelops.cogvideox.latents import encode_clip

        frames_THWC, picture_HWC = read_sample(clip, encoding)
        seed = int(entry.key[:8], 16)
        moments = encode_clip(encoders.vae, frames_THWC, picture_HWC, encoding.noised_pictures, seed)
        self.cache.write("clips", entry.key, vars(moments), encoding.stored_dtype)

    def _finish(
        self, entries: Sequence[tuple[TrainingClip, CachedClip]], encoding: Encoding, table_sha256: str
    ) -> None:
        lost = {one.clip_id for one in self.report.quarantined}
        index = Index(
            encoding=encoding,
            table_sha256=table_sha256,
            empty_text=encoding.text_key(""),
            clips=tuple(entry for clip, entry in entries if clip.clip_id not in lost),
        )
        quarantine = {one.clip_id: one.reason for one in self.report.quarantined}
        write_text_atomically(self.cache.folder / QUARANTINE, json.dumps(quarantine, indent=1, sort_keys=True) + "\n")
        if len(lost) > self._params.max_failed_share * self.report.clips:
            first = self.report.quarantined[0]
            raise DatasetError(
                f"{len(lost)} of {self.report.clips} clips could not be encoded, more than latents.max_failed_share "
                f"({self._params.max_failed_share:g}) allows; the first is {first.clip_id}: {first.reason} All reasons "
                f"are in {self.cache.folder / QUARANTINE}."
            )
        self.cache.write_index(index)
        self.report.removed = self.cache.prune(index)
        self.report.size_bytes = sum(path.stat().st_size for path in self.cache.folder.rglob("*.safetensors"))

    def _lose(self, clip: TrainingClip, error: Exception) -> None:
        self.report.quarantined.append(Quarantined(clip.clip_id, str(error)))

    def _at(self, stage: str, done: int, total: int) -> None:
        if self._tell is not None:
            self._tell(Progress(stage, done, total))
        if self._should_stop is not None and self._should_stop():
            raise Cancelled(f"Stopped as asked, {done} of {total} {stage} encoded; the next run goes on from there.")


def describe_encoding(params: LatentParams, config: Config, weights: Weights) -> Encoding:
    """What a cache is encoded with, from configs and digests alone.

    Raises:
        WeightsError, ClipFormatError: the base is none for image-to-video, or does not make the profile's clips.
    """
    from reelops.cogvideox.architecture import read_architecture

    profile = find_profile(params.profile, config)
    architecture = read_architecture(weights.folder).check()
    vae = architecture.configs["vae"]
    factor = float(vae.get("scaling_factor", 1.15258426))  # diffusers' default
    return Encoding(
        base=weights.base,
        vae_revision=parts_digest(weights.folder, ("vae",), config.cache),
        text_revision=parts_digest(weights.folder, ("tokenizer", "text_encoder"), config.cache),
        format=choose_format(profile, architecture),
        video_scale=factor,
        picture_scale=1.0 / factor if vae.get("invert_scale_latents", False) else factor,
        prompt_length=architecture.prompt_length,
        noised_pictures=params.noised_pictures,
        seed=params.seed,
        dtype=params.dtype,
    )


def load_encoders(folder: Path, dtype: str) -> Encoders:
    """The base's VAE and text encoder, without its transformer."""
    import torch
    from diffusers import AutoencoderKLCogVideoX
    from diffusers.utils import logging as diffusers_logging
    from transformers import AutoTokenizer, T5EncoderModel
    from transformers.utils import logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    device, kind = inspect_machine().device, getattr(torch, dtype)
    vae = AutoencoderKLCogVideoX.from_pretrained(folder, subfolder="vae", torch_dtype=kind, use_safetensors=True)
    text = T5EncoderModel.from_pretrained(folder, subfolder="text_encoder", dtype=kind, use_safetensors=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, subfolder="tokenizer")
    return Encoders(vae.to(device).eval(), tokenizer, text.to(device).eval())


def read_sample(clip: TrainingClip, encoding: Encoding) -> tuple[np.ndarray, np.ndarray]:
    """A clip's frames (T, H, W, 3) and its picture (H, W, 3), RGB uint8, both cropped to the model's size alike.

    Frames are taken by their times, so that a clip of any rate keeps its speed.

    Raises:
        VideoError, PictureError: they cannot be read, or the clip is too short.
    """
    shape = encoding.format
    frames = [fit_pixels(frame, shape.width, shape.height) for frame in _window(clip, encoding)]
    if len(frames) < shape.num_frames:
        seconds = float(shape.num_frames / shape.fps)
        raise VideoError(
            f"{clip.video} gives {len(frames)} frames from {float(clip.start):g} s on; {shape.num_frames} at "
            f"{float(shape.fps):g} a second are needed, {seconds:.2f} s."
        )
    picture = read_picture(clip.picture, shape.width, shape.height).rgb_HWC
    return np.stack(frames), picture


def _window(clip: TrainingClip, encoding: Encoding) -> Iterator[np.ndarray]:
    shape = encoding.format
    stop = clip.start + Fraction(shape.num_frames) / shape.fps
    for timed in read_frames(clip.video, fps=shape.fps, start=clip.start, stop=stop):
        yield timed.frame_HWC


def _entry(clip: TrainingClip, encoding: Encoding) -> CachedClip:
    found = sha256_of(clip.video)
    if found != clip.sha256:
        raise DatasetError(
            f"{clip.video} is not the file that the table was made of (sha256 {found[:12]}, not {clip.sha256[:12]}). "
            "Make the table again with `dvc repro metadata`."
        )
    picture = sha256_of(clip.picture)
    return CachedClip(
        clip_id=clip.clip_id,
        split=clip.split,
        key=encoding.clip_key(found, picture, clip.start),
        captions=clip.captions,
        texts=tuple(encoding.text_key(caption) for caption in clip.captions),
    )
