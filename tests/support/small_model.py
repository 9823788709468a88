"""A very small image-to-video model with random weights: diffusers' real classes, in the layout of real weights."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_once import made_once

from reelops.camera.words import PHRASES
from reelops.clip import ClipFormat
from reelops.system.hardware import Machine

WIDTH, HEIGHT, FRAMES = 48, 32, 9
PROMPT_LENGTH = 24
CLIP = ClipFormat(FRAMES, Fraction(8), WIDTH, HEIGHT)
PLAIN_CPU = Machine(cpu="plain", cores=2, ram_bytes=8_000_000_000, ram_free_bytes=8_000_000_000, cpu_bf16=False)


def write_small_model(
    folder: Path, learned_positions: bool = True, in_channels: int = 32, num_layers: int = 1, **vae_changes: Any
) -> Path:
    """Writes the model: 9 frames of 48x32, VAE 4x4x4 with 16 channels, one T5 layer; one transformer layer unless more
    are wanted."""
    import torch
    from diffusers import (
        AutoencoderKLCogVideoX,
        CogVideoXDDIMScheduler,
        CogVideoXImageToVideoPipeline,
        CogVideoXTransformer3DModel,
    )
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    vae = AutoencoderKLCogVideoX(
        **{
            "down_block_types": ("CogVideoXDownBlock3D",) * 3,
            "up_block_types": ("CogVideoXUpBlock3D",) * 3,
            "block_out_channels": (8, 8, 8),
            "latent_channels": 16,
            "layers_per_block": 1,
            "norm_num_groups": 4,
            "sample_width": WIDTH,
            "sample_height": HEIGHT,
            "scaling_factor": 0.8,
            **vae_changes,
        }
    )
    transformer = CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=in_channels,
        out_channels=16,
        time_embed_dim=16,
        text_embed_dim=16,
        num_layers=num_layers,
        sample_width=WIDTH // 4,
        sample_height=HEIGHT // 4,
        sample_frames=FRAMES,
        patch_size=4,
        max_text_seq_length=PROMPT_LENGTH,
        use_rotary_positional_embeddings=True,
        use_learned_positional_embeddings=learned_positions,
    )
    tokenizer = small_tokenizer()
    text_encoder = T5EncoderModel(
        T5Config(d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, vocab_size=len(tokenizer))
    )
    scheduler = CogVideoXDDIMScheduler(
        beta_schedule="scaled_linear",
        clip_sample=False,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        snr_shift_scale=1.0,
        timestep_spacing="trailing",
    )
    # Zero-initialised gates would let a random network ignore its prompt.
    with torch.no_grad():
        for parameter in text_encoder.parameters():
            parameter.normal_(0.0, 0.5)
    CogVideoXImageToVideoPipeline(tokenizer, text_encoder, vae, transformer, scheduler).save_pretrained(folder)
    return folder


def small_tokenizer() -> Any:
    """A unigram tokenizer of camera words, as the class that the pipeline asks for."""
    from transformers import T5Tokenizer

    words = sorted({word for phrases in PHRASES.values() for phrase in phrases for word in phrase.split()})
    pieces = ["<pad>", "</s>", "<unk>", *(f"▁{word}" for word in words), *"▁abcdefghijklmnopqrstuvwxyz"]
    vocabulary = [(piece, 0.0 if index < 3 else -float(1 + index % 7)) for index, piece in enumerate(pieces)]
    return T5Tokenizer(vocab=vocabulary, extra_ids=0)


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small model; read only."""
    return made_once(tmp_path_factory, "small", write_small_model)


@pytest.fixture(scope="session")
def small_pipeline(small_model: Path) -> Any:
    """The small model as diffusers itself loads it, in float32."""
    import torch
    from diffusers import CogVideoXImageToVideoPipeline

    pipeline = CogVideoXImageToVideoPipeline.from_pretrained(str(small_model), dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="session")
def small_picture() -> np.ndarray:
    """RGB uint8 at the small model's size: smooth colours with one hard edge."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = np.stack([255 * x / WIDTH, 255 * y / HEIGHT, 128 + 100 * np.sin(x / 5)], -1)
    picture[8:20, 10:22] = (230, 40, 20)
    return picture.astype(np.uint8)
