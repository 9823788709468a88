"""Encoding a clip for training: which encoders, at which size, and which of its frames."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reelops.cogvideox.architecture import read_architecture
from reelops.cogvideox.clip_format import choose_format
from reelops.cogvideox.encoding_memory import EncodersPlan, plan_encoders
from reelops.cogvideox.profiles import find_profile
from reelops.cogvideox.tiling import enable_tiling
from reelops.cogvideox.weights import Weights, parts_digest
from reelops.errors import DatasetError, VideoError, WeightsError
from reelops.foreign import reading_foreign, refuse_machine_fault
from reelops.params import Config
from reelops.system.device_lock import on_device
from reelops.system.hardware import inspect_machine
from reelops.system.making import making_of
from reelops.system.worker_pool import JobProgress, ReportProgress, run_jobs
from reelops.training.cache import EncodedClip, Encoding
from reelops.training.clips import TrainingClip
from reelops.training.params import LatentParams
from reelops.video.decode import read_frames
from reelops.video.picture import fit_pixels, read_picture

if TYPE_CHECKING:
    from torch import Tensor

_UNFIT = "holds weights that do not fit their config"
# From so many on a second process that reads is worth its start.
_MANY_CLIPS = 8
# What a clip is comes from the table, and every part of it that is encoded is in the clip's key.
_IN_KEYS_BY_VALUE = ("reelops.dataset",)


@dataclass(frozen=True)
class TextEncoder:
    """A base's tokenizer and text encoder, ready to use."""

    tokenizer: Any
    network: Any


def plan_encoding(params: LatentParams, config: Config, weights: Weights) -> tuple[Encoding, EncodersPlan]:
    """What a cache is encoded with on this machine, and how it holds the encoders; from configs and digests alone.

    Raises:
        MachineError: one of the encoders does not fit.
        WeightsError, ClipFormatError: the base is none for image-to-video, or does not make the profile's clips.
    """
    profile = find_profile(params.profile, config)
    architecture = read_architecture(weights.folder).check()
    vae = architecture.configs["vae"]
    factor = float(vae.get("scaling_factor", 1.15258426))  # diffusers' default
    shape = choose_format(profile, architecture)
    how = plan_encoders(architecture, shape, inspect_machine(), params.dtype)
    encoding = Encoding(
        base=weights.base,
        vae_revision=parts_digest(weights.folder, ("vae",), config.cache),
        text_revision=parts_digest(weights.folder, ("tokenizer", "text_encoder"), config.cache),
        format=shape,
        video_scale=factor,
        picture_scale=1.0 / factor if vae.get("invert_scale_latents", False) else factor,
        prompt_length=architecture.prompt_length,
        noised_pictures=params.noised_pictures,
        seed=params.seed,
        dtype=params.dtype,
        text_device=how.text_device,
        vae_device=how.vae_device,
        vae_tiling=how.vae_tiling,
        making=making_of(__name__, apart_from=_IN_KEYS_BY_VALUE).digest,
    )
    return encoding, how


def load_text_encoder(folder: Path, dtype: str, device: str) -> TextEncoder:
    """The base's tokenizer and text encoder alone.

    Raises:
        WeightsError: the weights do not fit their config.
    """
    from transformers import AutoTokenizer, T5EncoderModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    network = _loaded(T5EncoderModel, folder, "text_encoder", dtype, device)
    with reading_foreign(folder / "tokenizer", WeightsError, "cannot be read", "copy it again"):
        tokenizer = AutoTokenizer.from_pretrained(folder, subfolder="tokenizer", trust_remote_code=False)
    return TextEncoder(tokenizer, network)


def load_vae(folder: Path, dtype: str, device: str, tiling: bool = False) -> Any:
    """The base's VAE alone.

    Args:
        tiling: encode in overlapping tiles, which needs a quarter of the memory.

    Raises:
        WeightsError: the weights do not fit their config.
    """
    from diffusers import AutoencoderKLCogVideoX
    from diffusers.utils import logging

    logging.disable_progress_bar()
    vae = _loaded(AutoencoderKLCogVideoX, folder, "vae", dtype, device)
    if tiling:
        enable_tiling(vae)
    return vae


def _loaded(kind: Any, folder: Path, part: str, dtype: str, device: str) -> Any:
    """A network of a base, to be used and not to be trained."""
    import torch

    with reading_foreign(folder / part, WeightsError, _UNFIT, "copy them again"):
        network = kind.from_pretrained(folder, subfolder=part, dtype=getattr(torch, dtype), use_safetensors=True)
    return network.to(on_device(device)).eval()


def read_samples(
    clips: Sequence[TrainingClip], encoding: Encoding
) -> Generator[tuple[int, tuple[np.ndarray, np.ndarray] | str]]:
    """Index and sample (see `read_sample`) of each clip, in no order; in words where it cannot be used.

    They are decoded in other processes, which a strange file may end; where there are many, one decodes ahead while
    another's sample is used. Closing it ends them.

    Raises:
        MachineError: this machine cannot read a clip now.
    """
    readers = 2 if len(clips) >= _MANY_CLIPS else 1
    with closing(run_jobs(_read_apart, [(clip, encoding) for clip in clips], readers)) as answers:
        for answer in answers:
            if not isinstance(answer, JobProgress):
                answer.raise_machine_fault(clips[answer.index].video)
                yield answer.index, answer.result or answer.error or ""


def _read_apart(job: tuple[TrainingClip, Encoding], _report: ReportProgress) -> tuple[np.ndarray, np.ndarray]:
    clip, encoding = job
    try:
        return read_sample(clip, encoding)
    except OSError as error:
        refuse_machine_fault(clip.video, error)
        raise DatasetError(str(error)) from error


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
            f"{float(shape.fps):g} per second are needed, {seconds:.2f} s."
        )
    picture = read_picture(clip.picture, shape.width, shape.height).rgb_HWC
    return np.stack(frames), picture


def encode_sample(
    frames_THWC: np.ndarray, picture_HWC: np.ndarray, entry: EncodedClip, encoding: Encoding, vae: Any
) -> dict[str, Tensor]:
    """The tensors of a clip and its picture (see `read_sample`), as the cache keeps them."""
    from reelops.cogvideox.latents import encode_clip

    return vars(encode_clip(vae, frames_THWC, picture_HWC, encoding.noised_pictures, entry.noise_seed))


def encode_caption(caption: str, encoding: Encoding, encoder: TextEncoder) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of a caption, as the cache keeps them, and notes for the user."""
    from reelops.cogvideox.latents import encode_texts

    vectors, notes = encode_texts(encoder.tokenizer, encoder.network, [caption], encoding.prompt_length)
    return {"vectors": vectors[0]}, list(notes)


def _window(clip: TrainingClip, encoding: Encoding) -> Iterator[np.ndarray]:
    shape = encoding.format
    stop = clip.start + Fraction(shape.num_frames) / shape.fps
    for timed in read_frames(clip.video, fps=shape.fps, start=clip.start, stop=stop):
        yield timed.frame_HWC
