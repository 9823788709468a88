"""The embedded model's networks at a very small size."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from reelops.errors import WeightsError
from reelops.pretraining.bundle import build_pipeline, save_pipeline
from reelops.pretraining.text import TextConfig, build_text_encoder, train_tokenizer
from reelops.pretraining.transformer import (
    Average,
    TransformerConfig,
    build_transformer,
    forward_frames,
    rotary_embedding,
)
from reelops.pretraining.vae import POSTERIOR_STD, VaeConfig, build_vae, normalise_latents, reconstruct, to_tensor

TRANSFORMER = TransformerConfig(
    heads=2, head_dim=16, layers=2, time_width=16, patch=2, latent_size=(12, 8), num_frames=9, text_length=24,
    text_width=16,
)  # fmt: skip
VAE = VaeConfig(channels=(8, 8, 16), size=(48, 32), crop=(9, 32, 48))


def random_transformer() -> torch.nn.Module:
    model = build_transformer(TRANSFORMER)
    torch.manual_seed(3)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def random_clip(frames: int = 9) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (frames, 32, 48, 3), dtype=np.uint8)


@torch.no_grad()
def test_training_on_all_frames_is_the_models_own_forward_pass() -> None:
    model = random_transformer()
    latents, text, timesteps = torch.randn(2, 3, 32, 8, 12), torch.randn(2, 24, 16), torch.tensor([17, 900])
    rotary = rotary_embedding(TRANSFORMER)
    ours = forward_frames(model, latents, text, timesteps, torch.arange(3), rotary)
    flat = tuple(part.flatten(0, 1) for part in rotary)
    theirs = model(latents, text, timesteps, image_rotary_emb=flat).sample
    assert ours.abs().mean() > 0.01
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_chosen_frame_knows_its_true_position() -> None:
    model = random_transformer()
    latents, text, timesteps = torch.randn(1, 2, 32, 8, 12), torch.randn(1, 24, 16), torch.tensor([500])
    rotary = rotary_embedding(TRANSFORMER)
    near = forward_frames(model, latents, text, timesteps, torch.tensor([0, 1]), rotary)
    far = forward_frames(model, latents, text, timesteps, torch.tensor([0, 2]), rotary)
    assert (near[:, 1] - far[:, 1]).abs().max() > 1e-3


@torch.no_grad()
def test_an_untrained_transformer_hands_its_noise_through() -> None:
    config = TransformerConfig(
        heads=5, head_dim=16, layers=1, time_width=16, patch=2, latent_size=(12, 8), num_frames=9, text_length=24,
        text_width=16,
    )  # fmt: skip
    noisy = torch.randn(1, 3, 16, 8, 12)
    inputs = torch.cat([noisy, torch.zeros_like(noisy)], 2)
    output = forward_frames(
        build_transformer(config), inputs, torch.zeros(1, 24, 16), torch.tensor([1]), torch.arange(3),
        rotary_embedding(config),
    )  # fmt: skip
    assert torch.corrcoef(torch.stack([output.flatten(), noisy.flatten()]))[0, 1] > 0.8


def test_the_average_follows_the_weights() -> None:
    model = torch.nn.Linear(2, 2)
    average = Average(model, decay=0.9)
    with torch.no_grad():
        model.weight.fill_(1.0)
    for _ in range(200):
        average.update(model)
    average.copy_to(model)
    assert torch.allclose(model.weight, torch.ones(2, 2), atol=1e-4)


def test_the_posterior_has_one_constant_deviation() -> None:
    posterior = build_vae(VAE).encode(to_tensor(random_clip()[None])).latent_dist
    assert torch.allclose(posterior.std, torch.full_like(posterior.std, POSTERIOR_STD), rtol=1e-4)


def test_normalised_latents_have_unit_variance_and_decode_to_the_same_clip() -> None:
    vae = build_vae(VAE).eval()
    clip = random_clip()
    before = reconstruct(vae, clip).astype(int)
    deviations = normalise_latents(vae, [clip])
    after = reconstruct(vae, clip).astype(int)
    with torch.no_grad():
        latents = vae.encode(to_tensor(clip[None])).latent_dist.mean
    assert np.ptp(deviations) > 0.01
    assert latents.std((0, 2, 3, 4)).numpy() == pytest.approx(np.ones(16), rel=0.1)
    # bf16 arithmetic: a rescaled latent rounds differently.
    assert np.abs(before - after).mean() < 1.5


def test_a_saved_pipeline_loads_with_plain_diffusers(tmp_path: Path) -> None:
    from diffusers import CogVideoXImageToVideoPipeline
    from PIL import Image

    text = TextConfig(vocabulary=400, width=16, heads=2, layers=1, length=24)
    tokenizer = train_tokenizer(text)
    encoder = build_text_encoder(text, len(tokenizer))
    transformer = random_transformer()
    pipeline = build_pipeline(build_vae(VAE), transformer, encoder, tokenizer)
    kept = copy.deepcopy(transformer.state_dict())
    (tmp_path / "card.md").write_text("stays")
    size = save_pipeline(pipeline, tmp_path)
    loaded = CogVideoXImageToVideoPipeline.from_pretrained(tmp_path)
    assert (tmp_path / "card.md").read_text() == "stays"
    assert size == sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors")) > 0
    for name, value in loaded.transformer.state_dict().items():
        assert torch.equal(value, kept[name].bfloat16().float()), name
    video = loaded(
        Image.new("RGB", (48, 32)), "pan left", height=32, width=48, num_frames=9, num_inference_steps=2,
        guidance_scale=1.0, max_sequence_length=24, output_type="np",
    ).frames  # fmt: skip
    assert video.shape == (1, 9, 32, 48, 3)


def test_a_clip_of_a_vae_that_makes_no_numbers_is_refused_and_not_black() -> None:
    vae = build_vae(VAE)
    with torch.no_grad():
        vae.decoder.conv_out.conv.bias.fill_(float("nan"))
    with pytest.raises(WeightsError, match="pixels of a clip through the VAE are not finite"):
        reconstruct(vae, random_clip())
