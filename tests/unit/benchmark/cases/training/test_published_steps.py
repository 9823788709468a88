"""The steps of diffusers' own example, as they are measured, learn what ours learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_model import PROMPT_LENGTH
from training_ground import TRAIN

from reelops.benchmark.cases.training.published_steps import published_loss, steps_as_published
from reelops.cogvideox.denoiser import load_transformer, predict_velocity, rotary_positions
from reelops.cogvideox.loss import add_noise, noise_levels, velocity_loss, velocity_target
from reelops.training.params import TrainParams


def test_the_steps_of_diffusers_example_are_taken_on_a_clip_and_its_caption(small_model):
    frames = np.random.default_rng(0).integers(0, 256, (9, 32, 48, 3), dtype=np.uint8)
    params = TrainParams.model_validate(TRAIN)
    taken = list(steps_as_published(small_model, [(frames, "pan left")], params, "bfloat16", PROMPT_LENGTH, steps=2))
    assert len(taken) == 2 and all(0 < waited < seconds for seconds, waited in taken)


def test_the_published_loss_is_ours_for_the_same_draw(small_model):
    """Its weighted error of x0 is our squared error of v: both loops learn the same."""
    from diffusers import CogVideoXDPMScheduler

    transformer = load_transformer(small_model, "float32")
    scheduler = CogVideoXDPMScheduler.from_pretrained(str(small_model), subfolder="scheduler")
    draw = torch.Generator().manual_seed(1)
    video, condition = (torch.randn(1, 3, 16, 8, 12, generator=draw) for _ in range(2))
    text = torch.randn(1, 24, 16, generator=draw)
    torch.manual_seed(5)
    theirs = published_loss(transformer, scheduler, video, condition, text, torch.float32)
    torch.manual_seed(5)
    timesteps = torch.randint(0, 1000, (1,))
    noise = torch.randn_like(video)
    levels = noise_levels(scheduler.config)[timesteps]
    rotary = rotary_positions(transformer.config, (8, 12), 3, "cpu")
    noisy = add_noise(video, noise, levels)
    predicted = predict_velocity(transformer, noisy, condition, text, timesteps, rotary, torch.float32)
    ours = velocity_loss(predicted, velocity_target(video, noise, levels))
    assert theirs.item() == pytest.approx(ours.item(), rel=1e-4)
