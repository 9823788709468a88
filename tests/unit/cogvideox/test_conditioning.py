"""The picture's and the prompt's part, against diffusers' own pipeline."""

from __future__ import annotations

import pytest
import torch
from small_model import FRAMES, HEIGHT, PROMPT_LENGTH, WIDTH

from reelops.cogvideox.conditioning import (
    encode_prompts,
    noised_for_training,
    picture_condition,
    picture_latent_scale,
    picture_tensor,
)

LATENT_FRAMES = (FRAMES - 1) // 4 + 1


def pipelines_own(pipeline, pictures, seed):
    """Condition and noise as `prepare_latents` makes them."""
    generator = torch.Generator().manual_seed(seed)
    noise, condition = pipeline.prepare_latents(
        pictures, len(pictures), 16, FRAMES, HEIGHT, WIDTH, torch.float32, torch.device("cpu"), generator
    )
    return condition, noise


@torch.no_grad()
@pytest.mark.parametrize("inverted", [False, True])
def test_condition_and_noise_equal_the_pipelines(small_pipeline, small_picture, inverted):
    small_pipeline.vae.register_to_config(invert_scale_latents=inverted)
    try:
        pictures = torch.cat([picture_tensor(small_picture), picture_tensor(small_picture[::-1])])
        expected, expected_noise = pipelines_own(small_pipeline, pictures, 3)
        generator = torch.Generator().manual_seed(3)
        ours = picture_condition(small_pipeline.vae, pictures, LATENT_FRAMES, generator)
        noise = torch.randn(ours.shape, generator=generator)
    finally:
        small_pipeline.vae.register_to_config(invert_scale_latents=False)
    assert ours.shape == (2, LATENT_FRAMES, 16, HEIGHT // 4, WIDTH // 4)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(noise, expected_noise, rtol=0, atol=0)


def test_picture_pixels_equal_the_pipelines(small_pipeline, small_picture):
    from PIL import Image

    theirs = small_pipeline.video_processor.preprocess(Image.fromarray(small_picture), height=HEIGHT, width=WIDTH)
    torch.testing.assert_close(picture_tensor(small_picture), theirs, rtol=0, atol=0)


@torch.no_grad()
def test_condition_follows_the_picture_and_only_the_first_latent_frame_holds_it(small_pipeline, small_picture):
    one = picture_condition(small_pipeline.vae, picture_tensor(small_picture), 3, torch.Generator().manual_seed(0))
    other = picture_condition(small_pipeline.vae, -picture_tensor(small_picture), 3, torch.Generator().manual_seed(0))
    assert not torch.allclose(one[:, 0], other[:, 0], atol=1e-3)
    assert one[:, 1:].abs().max() == 0


@torch.no_grad()
def test_a_generator_for_each_sample_makes_it_independent_of_its_batch(small_pipeline, small_picture):
    pictures = picture_tensor(small_picture).repeat(2, 1, 1, 1)

    def made(batch, seeds):
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        return picture_condition(small_pipeline.vae, batch, 3, generators, training=True)

    torch.testing.assert_close(made(pictures, [5, 6])[1], made(pictures[:1], [6])[0], rtol=0, atol=0)


def test_training_noise_has_the_authors_log_normal_strength():
    """log sigma ~ N(-3, 0.5): over 2,000 pictures its mean and deviation are within four standard errors."""
    flat = torch.zeros(1, 64, 64)
    generator = torch.Generator().manual_seed(0)
    log_sigma = torch.stack([noised_for_training(flat, generator).std().log() for _ in range(2000)])
    assert abs(log_sigma.mean().item() + 3.0) < 4 * 0.5 / 2000**0.5
    assert abs(log_sigma.std().item() - 0.5) < 4 * 0.5 / 4000**0.5


@torch.no_grad()
def test_sampling_adds_no_noise_to_the_picture(small_pipeline, small_picture):
    picture = picture_tensor(small_picture)
    mean = small_pipeline.vae.encode(picture[:, :, None]).latent_dist.mean
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(1))
    std = small_pipeline.vae.encode(picture[:, :, None]).latent_dist.std
    ours = picture_condition(small_pipeline.vae, picture, 1, torch.Generator().manual_seed(1))
    torch.testing.assert_close(ours[:, 0], 0.8 * (mean + std * noise)[:, :, 0], rtol=0, atol=1e-6)


def test_scale_is_inverted_only_where_the_config_says_so(small_pipeline):
    assert picture_latent_scale(small_pipeline.vae) == pytest.approx(0.8)


@torch.no_grad()
def test_text_vectors_equal_the_pipelines(small_pipeline):
    prompts = ["", "slow zoom in"]
    ours = encode_prompts(small_pipeline.tokenizer, small_pipeline.text_encoder, prompts, PROMPT_LENGTH, "cpu")
    prompt, negative = small_pipeline.encode_prompt("slow zoom in", "", max_sequence_length=PROMPT_LENGTH)
    torch.testing.assert_close(ours.vectors_BLD, torch.cat([negative, prompt]), rtol=0, atol=0)
    assert ours.notes == ()


@torch.no_grad()
def test_a_cut_prompt_is_named_with_what_was_left_out(small_pipeline):
    prompt = "pan left " * 20 + "camera stays still"
    encoded = encode_prompts(small_pipeline.tokenizer, small_pipeline.text_encoder, [prompt], PROMPT_LENGTH, "cpu")
    assert encoded.vectors_BLD.shape[1] == PROMPT_LENGTH
    (note,) = encoded.notes
    assert "left out" in note and "camera stays still" in note and str(PROMPT_LENGTH) in note
