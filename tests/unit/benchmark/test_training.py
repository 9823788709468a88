"""What training costs, made small: each way trains, and is measured in a process of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from small_model import CLIP, PROMPT_LENGTH
from training_ground import LATENTS, TRAIN, make_ground

from reelops.benchmark.cases.training import (
    AS_SET,
    CACHED,
    ENCODED,
    OURS,
    PARTS,
    PUBLISHED,
    _beside,
    _params_of,
    benchmark_training,
    markdown,
)
from reelops.benchmark.cases.training_gpu import measure_random
from reelops.benchmark.cases.training_published import _loss, steps_as_published
from reelops.cogvideox.architecture import read_architecture
from reelops.cogvideox.denoiser import load_transformer, predict_velocity, rotary_positions
from reelops.cogvideox.loss import add_noise, noise_levels, velocity_loss, velocity_target
from reelops.errors import SettingsError
from reelops.training.params import LatentParams, TrainParams


def measure(ground, part):
    latents = LatentParams.model_validate(LATENTS)
    return benchmark_training(ground.params(), latents, ground.config, [part], steps=2, rounds=1, on_step=str)


def test_the_cache_is_measured_beside_encoders_that_train_the_same_samples(ground):
    report = measure(ground, "cache")
    part = report["parts"]["cache"]
    assert [one["way"] for one in part["runs"]] == list(PARTS["cache"])
    assert all(len(one["step_seconds"]) == 2 and one["peak_bytes"]["rss"] > 0 for one in part["runs"])
    cached, encoded = part["ways"][CACHED], part["ways"][ENCODED]
    assert 0 <= cached["waiting_share"] < encoded["waiting_share"] <= 1
    times = cached["samples_per_second"] / encoded["samples_per_second"]
    assert encoded["ours_times_as_fast"] == pytest.approx(times, rel=0.01)
    assert f"| {CACHED} |" in markdown(report) and report["threads"] == torch.get_num_threads()


def test_beside_the_example_all_train_whole_clips_but_the_way_that_params_describe():
    params = TrainParams.model_validate(TRAIN | {"frames_per_step": 2, "batch": 2, "micro_batch": 2})
    assert _params_of(AS_SET, params) == _params_of(CACHED, params) == params
    for way in (OURS, PUBLISHED):
        assert _params_of(way, params).frames_per_step is None and _params_of(way, params).batch == 1


def test_the_example_is_told_beside_whole_clips_and_beside_what_params_say():
    speeds = {OURS: 0.2, AS_SET: 1.5, PUBLISHED: 0.1}
    ways = {
        way: {"samples_per_second": speed, "waiting_share": 0.0, "peak_gb": 10 * speed} for way, speed in speeds.items()
    }
    for side, way in (("ours", OURS), ("as_set", AS_SET)):
        ways[PUBLISHED] |= _beside(ways[way], ways[PUBLISHED], side)
    page = markdown({"machine": "a", "threads": 1, "parts": {"published": {"what": "clips", "ways": ways}}})
    told = "2 times as fast in 200% of the memory | 15 times as fast in 1500% of the memory |"
    assert f"| {PUBLISHED} | 0.1 | 0.0% | 1.00 GB | {told}" in page
    assert f"| {OURS} | 0.2 | 0.0% | 2.00 GB |  |  |" in page


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
    theirs = _loss(transformer, scheduler, video, condition, text, torch.float32)
    torch.manual_seed(5)
    timesteps = torch.randint(0, 1000, (1,))
    noise = torch.randn_like(video)
    levels = noise_levels(scheduler.config)[timesteps]
    rotary = rotary_positions(transformer.config, (8, 12), 3, "cpu")
    noisy = add_noise(video, noise, levels)
    predicted = predict_velocity(transformer, noisy, condition, text, timesteps, rotary, torch.float32)
    ours = velocity_loss(predicted, velocity_target(video, noise, levels))
    assert theirs.item() == pytest.approx(ours.item(), rel=1e-4)


def test_a_part_that_is_not_there_is_refused_with_those_that_are(small_model, tmp_path):
    ground = make_ground(tmp_path / "project", small_model, train_clips=1)
    with pytest.raises(SettingsError, match="no part speed; there are cache, published"):
        measure(ground, "speed")


def test_random_weights_are_trained_by_the_loop_and_measured_beside_the_plan(small_model):
    architecture = read_architecture(small_model)
    params = TrainParams.model_validate(TRAIN | {"steps": 3, "batch": 2, "micro_batch": 2, "held_out": {"every": 0}})
    figures = measure_random(architecture, CLIP, params, "cpu", str, "float32")
    assert figures["steps"] == 3 and figures["samples_per_second"] == pytest.approx(
        2 / figures["seconds_a_step"], rel=0.2
    )
    assert figures["peak_gb"]["rss"] > 0 and figures["planned_gb"] > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_5b_is_not_measured_and_the_plan_is_named(small_model, tmp_path):
    ground = make_ground(tmp_path / "project", small_model, train_clips=1)
    done = ground.run("benchmark", "train", "--gpu")
    assert done.returncode == 1 and "There is no CUDA GPU here" in done.stderr and "train --plan" in done.stderr
    assert "Traceback" not in done.stderr and not (Path(ground.folder) / "reports/gpu").exists()
