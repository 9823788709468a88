"""Our sampling loop against diffusers' pipeline, and its manners: repeatable, interruptible, talkative."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_model import CLIP, FRAMES, HEIGHT, PROMPT_LENGTH, WIDTH

from reelops.cogvideox.decoding import count_decoder_calls, to_uint8
from reelops.cogvideox.sampling import sample_frames
from reelops.cogvideox.sampling_config import SamplingConfig, guidance_at
from reelops.errors import Cancelled, MachineError, SettingsError, WeightsError
from reelops.progress import RunContext

CONFIG = SamplingConfig(seed=7, steps=4, guidance=3.0, prompt_length=PROMPT_LENGTH)


def pipelines_own(pipeline, picture, prompt, config):
    """The same clip made by `CogVideoXImageToVideoPipeline` itself, as uint8 frames."""
    from diffusers import CogVideoXDPMScheduler
    from PIL import Image

    if config.scheduler == "dpm":
        pipeline = type(pipeline)(
            **{**pipeline.components, "scheduler": CogVideoXDPMScheduler.from_config(pipeline.scheduler.config)}
        )
        pipeline.set_progress_bar_config(disable=True)
    video = pipeline(
        image=Image.fromarray(picture),
        prompt=prompt,
        negative_prompt=config.negative_prompt,
        height=HEIGHT,
        width=WIDTH,
        num_frames=FRAMES,
        num_inference_steps=config.steps,
        guidance_scale=config.guidance,
        use_dynamic_cfg=config.dynamic_guidance,
        generator=torch.Generator().manual_seed(config.seed),
        max_sequence_length=PROMPT_LENGTH,
        output_type="np",
    ).frames[0]
    return (video * 255).round().astype(np.uint8)


def sample(pipeline, picture, prompt="pan left", config=CONFIG, **watchers):
    return sample_frames(pipeline, picture, prompt, CLIP, config, RunContext(**watchers))


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, guidance=1.0),
        replace(CONFIG, steps=7, seed=123),
        replace(CONFIG, dynamic_guidance=True),
        replace(CONFIG, scheduler="dpm"),
        replace(CONFIG, negative_prompt="zoom out"),
    ],
    ids=["ddim", "unguided", "steps that do not divide 1000", "dynamic guidance", "dpm", "negative prompt"],
)
def test_clip_equals_the_diffusers_pipelines(small_pipeline, small_picture, config):
    ours = sample(small_pipeline, small_picture, config=config).frames_THWC
    theirs = pipelines_own(small_pipeline, small_picture, "pan left", config)
    assert ours.shape == (FRAMES, HEIGHT, WIDTH, 3)
    difference = np.abs(ours.astype(int) - theirs.astype(int))
    assert difference.max() <= 1, "more than rounding"
    assert (difference > 0).mean() < 0.001


def test_frames_are_a_picture_and_not_a_flat_field(small_pipeline, small_picture):
    assert sample(small_pipeline, small_picture).frames_THWC.std() > 2


def test_same_seed_is_the_same_clip_bit_for_bit_whoever_watches(small_pipeline, small_picture):
    torch.manual_seed(11)
    first = sample(small_pipeline, small_picture).frames_THWC
    torch.manual_seed(99)
    second = sample(
        small_pipeline, small_picture, on_event=lambda _: torch.rand(3), should_stop=lambda: bool(torch.rand(1) > 2)
    ).frames_THWC
    assert np.array_equal(first, second)


def test_same_seed_is_the_same_clip_in_another_process(small_pipeline, small_picture, small_model, tmp_path):
    np.save(tmp_path / "picture.npy", small_picture)
    program = f"""
import sys, hashlib, numpy, torch
sys.path.insert(0, {str(Path(__file__).parents[2] / "support")!r})
torch.set_num_threads({torch.get_num_threads()})
from small_model import CLIP, PROMPT_LENGTH
from diffusers import CogVideoXImageToVideoPipeline
from reelops.cogvideox.sampling import sample_frames
from reelops.cogvideox.sampling_config import SamplingConfig
pipeline = CogVideoXImageToVideoPipeline.from_pretrained({str(small_model)!r}, dtype=torch.float32)
config = SamplingConfig(seed=7, steps=4, guidance=3.0, prompt_length=PROMPT_LENGTH)
picture = numpy.load({str(tmp_path / "picture.npy")!r})
print(hashlib.sha256(sample_frames(pipeline, picture, "pan left", CLIP, config).frames_THWC.tobytes()).hexdigest())
"""
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    here = hashlib.sha256(sample(small_pipeline, small_picture).frames_THWC.tobytes()).hexdigest()
    assert there.stdout.split()[-1] == here


def test_bfloat16_starts_from_the_same_noise_and_ends_near_float32(small_model, small_pipeline, small_picture):
    from diffusers import CogVideoXImageToVideoPipeline

    half = CogVideoXImageToVideoPipeline.from_pretrained(str(small_model), dtype=torch.bfloat16)
    one, other = sample(half, small_picture).frames_THWC, sample(half, small_picture).frames_THWC
    full = sample(small_pipeline, small_picture).frames_THWC
    assert np.array_equal(one, other)
    assert np.abs(one.astype(int) - full.astype(int)).mean() < 4


@pytest.mark.parametrize("change", ["seed", "prompt", "picture", "guidance"])
def test_clip_follows_what_was_asked(small_pipeline, small_picture, change):
    base = sample(small_pipeline, small_picture).frames_THWC
    changed = {
        "seed": lambda: sample(small_pipeline, small_picture, config=replace(CONFIG, seed=8)),
        "prompt": lambda: sample(small_pipeline, small_picture, prompt="zoom out fast"),
        "picture": lambda: sample(small_pipeline, 255 - small_picture),
        "guidance": lambda: sample(small_pipeline, small_picture, config=replace(CONFIG, guidance=9.0)),
    }[change]().frames_THWC
    assert not np.array_equal(base, changed)


def test_progress_counts_every_stage_to_its_end(small_pipeline, small_picture):
    seen = []
    sampled = sample(small_pipeline, small_picture, on_event=seen.append)
    for stage, total in {"encode": 2, "denoise": 4, "decode": 1}.items():
        assert [p.done for p in seen if p.stage == stage] == list(range(total + 1))
        assert {p.total for p in seen if p.stage == stage} == {total}
    assert set(sampled.seconds) == {"encode", "denoise", "decode"}


def test_longer_clips_are_decoded_in_pieces_that_are_all_counted(small_pipeline):
    assert [count_decoder_calls(small_pipeline.vae, (frames, 8, 12)) for frames in (1, 3, 5, 13)] == [1, 1, 2, 6]


def test_tiles_are_counted_too(small_pipeline):
    vae = small_pipeline.vae
    calls = []
    hook = vae.decoder.register_forward_hook(lambda *_: calls.append(1))
    vae.enable_tiling()
    try:
        with torch.no_grad():
            vae.decode(torch.zeros(1, 16, 3, HEIGHT // 4, WIDTH // 4))
        assert len(calls) == count_decoder_calls(vae, (3, HEIGHT // 4, WIDTH // 4)) > 1
    finally:
        vae.disable_tiling()
        hook.remove()


@pytest.mark.parametrize("stage", ["encode", "denoise", "decode"])
def test_a_stop_is_heard_in_every_stage(small_pipeline, small_picture, stage):
    seen = []
    with pytest.raises(Cancelled, match=stage):
        sample(
            small_pipeline,
            small_picture,
            on_event=seen.append,
            should_stop=lambda: seen[-1].stage == stage and seen[-1].done == seen[-1].total - 1,
        )
    assert not small_pipeline.vae.decoder._forward_hooks, "a stopped decode leaves its listener behind"


def test_dynamic_guidance_is_diffusers_formula():
    config = replace(CONFIG, steps=50, guidance=6.0, dynamic_guidance=True)
    assert guidance_at(config, 0) == pytest.approx(7.0)
    assert guidance_at(config, 50) == pytest.approx(1.0)
    assert guidance_at(replace(config, dynamic_guidance=False), 0) == 6.0


@pytest.mark.parametrize(
    ("values", "word"),
    [({"steps": 0}, "1 to 1000"), ({"steps": 1001}, "1001"), ({"guidance": 0.5}, "0.5"), ({"seed": -1}, "-1")],
)
def test_settings_that_cannot_work_are_refused_with_their_value(values, word):
    with pytest.raises(SettingsError, match=word):
        SamplingConfig(**values)


def pipeline_in(small_model, dtype):
    """A small pipeline of the test's own, which it may break."""
    from diffusers import CogVideoXImageToVideoPipeline

    pipeline = CogVideoXImageToVideoPipeline.from_pretrained(str(small_model), dtype=dtype)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def last_layer(pipeline, network):
    """The layer that makes a network's result, and what the result is called."""
    return {
        "text_encoder": (pipeline.text_encoder.encoder.final_layer_norm, "prompt's vectors"),
        "vae encoder": (pipeline.vae.encoder.conv_out.conv, "picture's latents"),
        "transformer": (pipeline.transformer.proj_out, "latents after step 1 of 4"),
        "vae decoder": (pipeline.vae.decoder.conv_out.conv, "pixels of frame 0"),
    }[network]


@pytest.mark.parametrize("network", ["text_encoder", "vae encoder", "transformer", "vae decoder"])
def test_an_overflow_in_float16_is_refused_where_it_happens_and_never_becomes_black_frames(
    small_model, small_picture, network
):
    """The same weights, as large, are finite in float32: it is the format that is too small."""
    for dtype in (torch.float32, torch.float16):
        pipeline = pipeline_in(small_model, dtype)
        layer, named = last_layer(pipeline, network)
        with torch.no_grad():
            layer.weight.copy_(layer.weight.sign() * 60_000.0)
        if dtype == torch.float32:
            sample(pipeline, small_picture)
            continue
        with pytest.raises(MachineError, match=rf"{named} are not finite in float16.*bfloat16"):
            sample(pipeline, small_picture)


def test_weights_that_are_no_numbers_are_called_so(small_model, small_picture):
    pipeline = pipeline_in(small_model, torch.float32)
    with torch.no_grad():
        pipeline.transformer.proj_out.bias.fill_(float("nan"))
    with pytest.raises(WeightsError, match=r"after step 1 of 4 are not finite in float32.*adapter"):
        sample(pipeline, small_picture)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_no_pixel_is_made_of_what_is_no_number(value):
    frames_CTHW = torch.zeros(3, 2, 4, 4)
    frames_CTHW[1, 1, 2, 3] = float(value)
    with pytest.raises(WeightsError, match="pixels of frame 1"):
        to_uint8(frames_CTHW)


class Card:
    """Which networks of a pipeline under model offload lie on its device, which here is the processor by another name.

    diffusers and accelerate move networks to "cpu" when their turn is over and to "cpu:0" when it comes.
    """

    def __init__(self, pipeline, monkeypatch):
        self.there: set[str] = set()
        self.most_at_once: set[str] = set()
        names = {id(getattr(pipeline, name)): name for name in ("text_encoder", "transformer", "vae")}
        move = torch.nn.Module.to

        def to(network, *args, **options):
            if (name := names.get(id(network))) is not None:
                self.moved(name, {str(place) for place in (*args, options.get("device"))})
            return move(network, *args, **options)

        monkeypatch.setattr(torch.nn.Module, "to", to)
        pipeline.enable_model_cpu_offload(device="cpu")

    def moved(self, name, places):
        if "cpu:0" in places:
            self.there.add(name)
        elif "cpu" in places:
            self.there.discard(name)
        self.most_at_once = max(self.most_at_once, set(self.there), key=len)


def test_under_offload_one_network_at_a_time_is_on_the_device_and_none_after_a_clip(
    small_model, small_picture, monkeypatch
):
    pipeline = pipeline_in(small_model, torch.float32)
    before = sample(pipeline, small_picture).frames_THWC
    card = Card(pipeline, monkeypatch)
    offloaded = sample(pipeline, small_picture).frames_THWC
    assert len(card.most_at_once) == 1, card.most_at_once
    assert not card.there
    assert np.array_equal(before, offloaded)


@pytest.mark.parametrize("stage", ["encode", "denoise", "decode"])
def test_a_stop_and_a_failure_under_offload_leave_nothing_on_the_device(small_model, small_picture, stage, monkeypatch):
    pipeline = pipeline_in(small_model, torch.float32)
    card = Card(pipeline, monkeypatch)
    seen = []
    with pytest.raises(Cancelled):
        sample(
            pipeline,
            small_picture,
            on_event=seen.append,
            should_stop=lambda: seen[-1].stage == stage and seen[-1].done == seen[-1].total - 1,
        )
    assert card.most_at_once and not card.there
    with torch.no_grad():
        pipeline.vae.decoder.conv_out.conv.bias.fill_(float("nan"))
    with pytest.raises(WeightsError):
        sample(pipeline, small_picture)
    assert not card.there
