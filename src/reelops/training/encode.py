"""Encoding a clip for training: which encoders, at which size, and which of its frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from reelops.cogvideox.architecture import read_architecture
from reelops.cogvideox.clip_format import choose_format
from reelops.cogvideox.profiles import find_profile
from reelops.cogvideox.weights import Weights, parts_digest
from reelops.errors import VideoError, WeightsError
from reelops.foreign import reading_foreign
from reelops.params import Config
from reelops.training.cache import Encoding
from reelops.training.clips import TrainingClip
from reelops.training.params import LatentParams
from reelops.video.decode import read_frames
from reelops.video.picture import fit_pixels, read_picture

_UNFIT = "holds weights that do not fit their config"


@dataclass(frozen=True)
class TextEncoder:
    """A base's tokenizer and text encoder, ready to use."""

    tokenizer: Any
    network: Any


def describe_encoding(params: LatentParams, config: Config, weights: Weights) -> Encoding:
    """What a cache is encoded with, from configs and digests alone.

    Raises:
        WeightsError, ClipFormatError: the base is none for image-to-video, or does not make the profile's clips.
    """
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


def load_text_encoder(folder: Path, dtype: str, device: str) -> TextEncoder:
    """The base's tokenizer and text encoder alone.

    Raises:
        WeightsError: the weights do not fit their config.
    """
    import torch
    from transformers import AutoTokenizer, T5EncoderModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    with reading_foreign(folder / "text_encoder", WeightsError, _UNFIT, "copy them again"):
        network = T5EncoderModel.from_pretrained(
            folder, subfolder="text_encoder", dtype=getattr(torch, dtype), use_safetensors=True
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, subfolder="tokenizer", trust_remote_code=False)
    return TextEncoder(tokenizer, network.to(device).eval())


def load_vae(folder: Path, dtype: str, device: str, tiling: bool = False) -> Any:
    """The base's VAE alone.

    Args:
        tiling: encode in overlapping tiles, which needs a quarter of the memory.

    Raises:
        WeightsError: the weights do not fit their config.
    """
    import torch
    from diffusers import AutoencoderKLCogVideoX
    from diffusers.utils import logging

    logging.disable_progress_bar()
    with reading_foreign(folder / "vae", WeightsError, _UNFIT, "copy them again"):
        vae = AutoencoderKLCogVideoX.from_pretrained(
            folder, subfolder="vae", torch_dtype=getattr(torch, dtype), use_safetensors=True
        )
    if tiling:
        vae.enable_tiling()
    return vae.to(device).eval()


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
