"""What the model sees at every step, as a function of the seed and the sample's number alone.

Samples of a run are numbered from 0. Which clip the n-th is, which of its captions and pictures it shows, its timestep
and all its noise are drawn from a counter-based generator keyed by (seed, n). So a run is the same on any number of
devices, data workers and restarts, and no generator's state has to be carried along.

Shapes: F latent frames, C channels, H W latent height and width, L tokens, D text width.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from reelops.cogvideox.conditioning import draw_latents, pad_condition
from reelops.errors import DatasetError
from reelops.training.cache import HOW_TO_REMAKE, EncodedClip, Index, LatentCache

if TYPE_CHECKING:
    from reelops.training.params import TrainParams

Sample = dict[str, Tensor]
# Streams of random numbers that must not meet.
_ORDER, _SAMPLE, _HELD_OUT, _FRAMES = range(4)
_HELD_OUT_SEED = 0


def stream(seed: int, purpose: int, *numbers: int) -> np.random.Generator:
    """Random numbers that depend on these numbers alone (Philox, Salmon et al. 2011)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose, *numbers])))


@dataclass(frozen=True)
class Source:
    """The cache as samples are made of it.

    Attributes:
        latent_frames: of a whole clip.
        empty_zeros: whether a lost caption is zeros rather than what the text encoder makes of "".
    """

    cache: LatentCache
    index: Index
    latent_frames: int
    empty_zeros: bool = False

    def make(
        self,
        clip: EncodedClip,
        rng: np.random.Generator,
        timestep: int,
        text: str | None,
        picture_row: int | None,
        frames: Sequence[int] | None = None,
        draw_posterior: bool = True,
    ) -> Sample:
        """One sample. Only what of it is seen is read, drawn and checked.

        Args:
            text: the name of the caption's file; None is a lost caption.
            picture_row: which encoding of the picture; None shows none.
            frames: the latent frames that are seen, the first among them; None shows all.
            draw_posterior: draw from the posteriors rather than take their means.

        Returns:
            x0, condition and noise (F, C, H, W), text (L, D), all float32; the numbers of the F frames; the timestep.

        Raises:
            DatasetError: a file is missing, broken, of another length, or holds values that are not finite.
        """
        encoding = self.index.encoding
        stored = self.cache.read("clips", clip.key)
        if (found := len(stored["video_mean"])) != self.latent_frames:
            raise _unusable(clip, f"it has {found} latent frames in the cache, not {self.latent_frames}")
        seen = list(range(self.latent_frames) if frames is None else frames)
        row = [picture_row or 0]
        shown = {name: value[seen if name.startswith("video") else row].float() for name, value in stored.items()}
        _check(shown, clip)
        shape = tuple(shown["video_mean"].shape)
        video_noise = _normal(rng, shape) * draw_posterior
        picture_noise = _normal(rng, (1, *shape[1:])) * draw_posterior
        noise = _normal(rng, shape)
        picture = draw_latents(shown["picture_mean"], shown["picture_logvar"], picture_noise)
        condition = pad_condition(encoding.picture_scale * picture, len(seen))[0]
        return {
            "x0": encoding.video_scale * draw_latents(shown["video_mean"], shown["video_logvar"], video_noise),
            "condition": condition if picture_row is not None else torch.zeros_like(condition),
            "noise": noise,
            "frames": torch.tensor(seen),
            "text": self._text(text),
            "timestep": torch.tensor(timestep),
        }

    def _text(self, key: str | None) -> Tensor:
        file = key or self.index.empty_text
        vectors: Tensor = self.cache.read("texts", file)["vectors"].float()
        if not torch.isfinite(vectors).all():
            raise DatasetError(f"The caption's file {file} has no finite numbers. {HOW_TO_REMAKE}")
        return torch.zeros_like(vectors) if key is None and self.empty_zeros else vectors


class TrainingSamples(Dataset[Sample]):
    """The samples of a run, by their numbers; each also says its number. Those of a step show the same frames."""

    def __init__(self, source: Source, clips: Sequence[EncodedClip], params: TrainParams, timesteps: int) -> None:
        self.source = source
        self._clips = clips
        self._params = params
        self._timesteps = timesteps

    def __len__(self) -> int:
        return self._params.steps * self._params.batch

    def __getitem__(self, number: int) -> Sample:
        params = self._params
        clip = self.clip_of(number)
        rng = stream(params.seed, _SAMPLE, number)
        of_step = stream(params.seed, _FRAMES, number // params.batch)
        first, lost_text, lost_picture, row, when, which = rng.random(6)
        # The prompt is the first caption; the others share what it leaves.
        others = len(clip.texts) - 1
        text = 0 if first < params.prompt_probability or not others else 1 + int(which * others)
        noised = self.source.index.encoding.noised_pictures
        sample = self.source.make(
            clip,
            rng,
            timestep=params.min_timestep + int(when * (self._timesteps - params.min_timestep)),
            text=None if lost_text < params.text_dropout else clip.texts[text],
            picture_row=None if lost_picture < params.picture_dropout else (1 + int(row * noised) if noised else 0),
            frames=choose_frames(of_step, params.frames_per_step, self.source.latent_frames),
        )
        return sample | {"number": torch.tensor(number)}

    def clip_of(self, number: int) -> EncodedClip:
        """Every clip once an epoch, in an order of the epoch's own."""
        epoch, place = divmod(number, len(self._clips))
        return self._clips[_order(self._params.seed, epoch, len(self._clips))[place]]


class HeldOutSamples(Dataset[Sample]):
    """The same clips at the same timesteps under the same noise, whatever the run: losses that compare.

    The picture is clean, the posteriors' means are taken, and the text is the prompt, as in sampling. Where steps see
    some frames, so do these cases, each its own ones: only runs that see as many compare.
    """

    def __init__(self, source: Source, clips: Sequence[EncodedClip], params: TrainParams, timesteps: int) -> None:
        held_out = params.held_out
        by_digest = sorted(clips, key=lambda clip: hashlib.sha256(clip.clip_id.encode()).hexdigest())
        self._source = source
        self._timesteps = [min(timesteps - 1, round(quantile * timesteps)) for quantile in held_out.quantiles]
        self._cases = [(clip, which) for clip in by_digest[: held_out.clips] for which in range(len(self._timesteps))]
        self._frames_per_step = params.frames_per_step

    def __len__(self) -> int:
        return len(self._cases)

    def __getitem__(self, number: int) -> Sample:
        clip, which = self._cases[number]
        name = int(hashlib.sha256(clip.clip_id.encode()).hexdigest()[:15], 16)
        rng = stream(_HELD_OUT_SEED, _HELD_OUT, name, which)
        frames = choose_frames(rng, self._frames_per_step, self._source.latent_frames)
        sample = self._source.make(clip, rng, self._timesteps[which], clip.texts[0], 0, frames, draw_posterior=False)
        return sample | {"number": torch.tensor(number)}


class MicroBatches(Sampler[list[int]]):
    """The numbers of the samples of every pass of one device, from a step on.

    A step's samples are a run of `batch` numbers; which device takes which of them changes no sum over them.
    """

    def __init__(self, params: TrainParams, first_step: int, device: int, devices: int) -> None:
        self._params = params
        self._first_step = first_step
        self._device = device
        self._devices = devices

    def __iter__(self) -> Iterator[list[int]]:
        size = self._params.micro_batch
        for step in range(self._first_step, self._params.steps):
            for taken in range(self._params.accumulated(self._devices)):
                start = step * self._params.batch + (taken * self._devices + self._device) * size
                yield list(range(start, start + size))


def choose_frames(rng: np.random.Generator, count: int | None, latent_frames: int) -> list[int] | None:
    """So many of a clip's latent frames, the first among them; None where all are seen."""
    if count is None or count >= latent_frames:
        return None
    chosen = rng.choice(np.arange(1, latent_frames), count - 1, replace=False)
    return [0, *sorted(int(frame) for frame in chosen)]


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> tuple[int, ...]:
    return tuple(int(place) for place in stream(seed, _ORDER, epoch).permutation(count))


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


def _check(stored: Sample, clip: EncodedClip) -> None:
    for name, value in stored.items():
        if not torch.isfinite(value).all():
            raise _unusable(clip, f"its {name.replace('_', ' ')} in the cache holds values that are not finite")


def _unusable(clip: EncodedClip, fault: str) -> DatasetError:
    return DatasetError(f"Clip {clip.clip_id}: {fault}. Delete {clip.key}.safetensors. {HOW_TO_REMAKE}")
