"""The memory plan over described machines: nothing is measured here, so every machine can be tested on any."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reelops.cogvideox.architecture import Architecture, named_architecture
from reelops.cogvideox.encoding_memory import plan_encoders
from reelops.cogvideox.memory import DoesNotFit, estimate_footprint, plan_memory
from reelops.cogvideox.profiles import Profile
from reelops.errors import MachineError, SettingsError
from reelops.system.hardware import Gpu, Machine

GB = 10**9
FIVE_B = Profile(name="5b", hub="a/b", num_frames=49, fps=8, width=720, height=480)
# The embedded model's shape, with more parameters than its 25 MB of 16-bit weights hold.
TINY_FORMAT = Profile(name="tiny", folder="tiny", num_frames=49, fps=8, width=240, height=160).clip_format


def tiny() -> Architecture:
    return Architecture(
        "tiny",
        {
            "transformer": {
                "num_attention_heads": 10,
                "attention_head_dim": 32,
                "in_channels": 32,
                "sample_width": 60,
                "sample_height": 40,
                "patch_size": 4,
            },
            "vae": {"block_out_channels": [16, 32, 64]},
            "text_encoder": {},
            "scheduler": {},
        },
        {"transformer": 10_000_000, "vae": 3_000_000, "text_encoder": 2_000_000},
    )


def with_gpu(gigabytes: float, ram: float = 64, bf16: bool = True) -> Machine:
    gpu = Gpu("GPU", int(gigabytes * GB), int(gigabytes * 0.97 * GB), bf16)
    return Machine("cpu", 8, int(ram * GB), int(ram * GB), True, (), (gpu,))


def with_ram(gigabytes: float, bf16: bool = True) -> Machine:
    return Machine("cpu", 2, int(gigabytes * GB), int(gigabytes * GB), bf16)


def plan(machine: Machine, **asked):
    return plan_memory(named_architecture("cogvideox-5b-i2v"), FIVE_B.clip_format, machine, **asked)


@pytest.mark.parametrize(
    ("gigabytes", "offload"),
    [(8, "sequential"), (16, "model"), (24, "model"), (40, "none"), (80, "none"), (141, "none")],
)
def test_the_5b_takes_the_fastest_way_that_fits_each_gpu(gigabytes, offload):
    chosen = plan(with_gpu(gigabytes))
    assert (chosen.device, chosen.dtype, chosen.offload) == ("cuda", "bfloat16", offload)
    assert chosen.peak_bytes < gigabytes * GB
    assert "bfloat16" in chosen.reason and f"{gigabytes * 0.97:.1f} GB free" in chosen.reason


@pytest.mark.parametrize("gigabytes", [3, 8, 24])
def test_a_processor_with_little_memory_runs_the_tiny_model_and_refuses_the_5b(gigabytes):
    machine = with_ram(gigabytes)
    assert plan_memory(tiny(), TINY_FORMAT, machine).peak_bytes < 3 * GB
    with pytest.raises(MachineError, match=rf"{gigabytes}\.0 GB of memory free.*tiny"):
        plan(machine)


def test_without_offload_the_estimate_agrees_with_the_published_peak():
    """31.7 GB on an A100 in bf16, no offload, no tiling: diffusers-torchao's table."""
    assert plan(with_gpu(80)).peak_bytes / GB == pytest.approx(31.7, rel=0.08)


def test_parameter_counts_are_those_of_the_networks_the_configs_build():
    import torch
    from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
    from transformers import T5Config, T5EncoderModel

    architecture = named_architecture("cogvideox-5b-i2v")
    with torch.device("meta"):
        networks = {
            "transformer": CogVideoXTransformer3DModel(**architecture.configs["transformer"]),
            "vae": AutoencoderKLCogVideoX(**architecture.configs["vae"]),
            "text_encoder": T5EncoderModel(T5Config(**architecture.configs["text_encoder"])),
        }
    counted = {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()}
    assert counted == architecture.parameters


def test_a_gpu_without_bfloat16_computes_in_float16_and_says_why():
    chosen = plan(with_gpu(40, bf16=False))
    assert chosen.dtype == "float16" and "no bfloat16" in chosen.reason


def test_a_processor_without_bfloat16_computes_in_float32():
    assert plan_memory(tiny(), TINY_FORMAT, with_ram(8, bf16=False)).dtype == "float32"
    assert plan_memory(tiny(), TINY_FORMAT, with_ram(8)).dtype == "bfloat16"


def test_the_user_can_insist_on_a_number_format_and_an_offload():
    assert plan(with_gpu(141), dtype="float32").dtype == "float32"
    assert plan(with_gpu(141), offload="sequential").offload == "sequential"
    for wrong in ({"dtype": "int3"}, {"offload": "moon"}):
        with pytest.raises(SettingsError, match=next(iter(wrong.values()))):
            plan(with_gpu(141), **wrong)


def test_below_a_plan_are_the_ways_that_need_less_and_at_last_none():
    machine = with_gpu(80)
    found, below = [], None
    with pytest.raises(DoesNotFit):
        while True:
            below = plan(machine, below=below)
            found.append((below.offload, below.vae_tiling))
    assert found == [("none", False), ("none", True), ("model", False), ("model", True), ("sequential", True)]


def test_offload_needs_main_memory_and_a_gpu():
    with pytest.raises(MachineError, match=r"main memory.*8\.0 GB are free"):
        plan(with_gpu(16, ram=8))
    with pytest.raises(MachineError, match="needs a CUDA GPU"):
        plan(with_ram(64), offload="model")


def test_a_busy_gpu_counts_only_what_is_free():
    machine = with_gpu(80)
    busy = replace(machine, gpus=(replace(machine.gpus[0], free_bytes=16 * GB),))
    assert plan(busy).offload == "model"


def encoders(machine: Machine, dtype="bfloat16"):
    return plan_encoders(named_architecture("cogvideox-5b-i2v"), FIVE_B.clip_format, machine, dtype)


def test_encoders_are_planned_one_after_the_other_and_not_together():
    need = estimate_footprint(named_architecture("cogvideox-5b-i2v"), FIVE_B.clip_format, "bfloat16")
    chosen = encoders(with_gpu(16))
    assert (chosen.text_device, chosen.vae_device, chosen.vae_tiling, chosen.notes) == ("cuda", "cuda", False, ())
    assert chosen.peak_bytes < need.text_encoder + need.vae + need.decoder_work


def test_a_gpu_too_small_for_the_text_encoder_still_encodes_clips_and_says_how():
    chosen = encoders(with_gpu(8))
    assert (chosen.text_device, chosen.vae_device, chosen.vae_tiling) == ("cpu", "cuda", True)
    assert "captions are encoded on the processor" in chosen.notes[0] and "in tiles" in chosen.notes[1]
    with pytest.raises(MachineError, match=r"The text encoder of .* needs about \d+\.\d GB and GPU has 7\.8 GB free"):
        encoders(with_gpu(8, ram=8))
    with pytest.raises(MachineError, match=r"The VAE of .* needs about .* latents\.dtype"):
        encoders(with_gpu(3))


def test_tiles_need_a_quarter_of_the_decoders_work_and_float32_twice_the_weights():
    half = estimate_footprint(named_architecture("cogvideox-5b-i2v"), FIVE_B.clip_format, "bfloat16")
    full = estimate_footprint(named_architecture("cogvideox-5b-i2v"), FIVE_B.clip_format, "float32")
    assert half.tiled_decoder_work < half.decoder_work / 3
    assert full.weights == 2 * half.weights
