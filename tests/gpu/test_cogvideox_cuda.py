"""On a real GPU: the same clip as on the processor, the same with every offload, and memory as planned."""

from __future__ import annotations

import numpy as np
import pytest
from small_model import CLIP, PLAIN_CPU, PROMPT_LENGTH

from reelops.cogvideox.load import WARM_MODEL
from reelops.cogvideox.profiles import load_profiles, profile_of_folder
from reelops.cogvideox.sampling import sample_frames
from reelops.cogvideox.sampling_config import SamplingConfig
from reelops.params import load_config
from reelops.system.hardware import inspect_machine
from reelops.system.peak_memory import PeakMemory

CONFIG = SamplingConfig(seed=2, steps=3, guidance=3.0, prompt_length=PROMPT_LENGTH)


def clip_of(small_model, small_picture, cache, machine, **asked):
    model = WARM_MODEL.load(profile_of_folder(small_model), machine, cache, **asked)
    return sample_frames(model.pipeline, small_picture, "pan left", CLIP, CONFIG).frames_THWC.astype(int)


def test_a_seed_means_the_same_clip_on_gpu_and_processor(small_model, small_picture, tmp_path):
    here = clip_of(small_model, small_picture, tmp_path, PLAIN_CPU, dtype="float32")
    there = clip_of(small_model, small_picture, tmp_path, inspect_machine(), dtype="float32")
    assert np.abs(here - there).mean() < 1


@pytest.mark.parametrize("offload", ["model", "sequential"])
def test_offload_changes_where_weights_wait_and_nothing_else(small_model, small_picture, tmp_path, offload):
    machine = inspect_machine()
    resident = clip_of(small_model, small_picture, tmp_path, machine, dtype="float32", offload="none")
    moved = clip_of(small_model, small_picture, tmp_path, machine, dtype="float32", offload=offload)
    # Sequential offload comes with tiles, which blend at their seams.
    assert np.abs(resident - moved).mean() < (1 if offload == "model" else 12)


@pytest.mark.slow
def test_the_5bs_planned_peak_is_the_measured_one(repository, tmp_path, record_property):
    """Random weights take as much memory as trained ones."""
    profile = load_profiles(load_config(params_file=repository / "params.yaml"))["cogvideox-5b-i2v-random"]
    machine = inspect_machine()
    if machine.free_bytes < 36e9:
        pytest.skip("needs 36 GB of free GPU memory")
    with PeakMemory() as peak:
        model = WARM_MODEL.load(profile, machine, tmp_path, offload="none")
        picture = np.full((480, 720, 3), 128, np.uint8)
        sample_frames(model.pipeline, picture, "zoom in", profile.clip_format, SamplingConfig(steps=1))
    record_property("planned_gb", round(model.plan.peak_bytes / 1e9, 2))
    record_property("peak_gb", round(peak.bytes_used["cuda_reserved"] / 1e9, 2))
    assert peak.bytes_used["cuda_reserved"] == pytest.approx(model.plan.peak_bytes, rel=0.25)
