"""On a real GPU: what is held there, when it is let go of, and what is said when it does not suffice."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from own_memory import OwnMemory
from small_model import CLIP, PROMPT_LENGTH

from reelops.cogvideox.denoiser import load_transformer
from reelops.cogvideox.load import WARM_MODEL
from reelops.cogvideox.lora import add_lora, lora_parameters
from reelops.cogvideox.profiles import load_profiles, profile_of_folder
from reelops.cogvideox.sampling import sample_frames
from reelops.cogvideox.sampling_config import SamplingConfig
from reelops.errors import MachineError, OutOfMemory
from reelops.params import load_config
from reelops.system.hardware import inspect_machine
from reelops.system.out_of_memory import explaining_out_of_memory, release_unused_memory
from reelops.training import latent_stage
from reelops.training.launch import Launch, share_base

CONFIG = SamplingConfig(seed=2, steps=2, guidance=3.0, prompt_length=PROMPT_LENGTH)
GB = 1e9


def held() -> int:
    """Bytes of all tensors on the GPU, without what cuBLAS keeps to work in."""
    torch._C._cuda_clearCublasWorkspaces()
    release_unused_memory()
    return torch.cuda.memory_allocated()


# Sequential offload leaves buffers where they are, of which position embeddings are most.
@pytest.mark.parametrize(("offload", "most"), [("model", 0.01), ("sequential", 0.5)])
def test_under_offload_nothing_stays_on_the_gpu_after_a_clip(
    small_model, small_picture, tmp_path, offload, most, record_property
):
    before = held()
    model = WARM_MODEL.load(
        profile_of_folder(small_model), inspect_machine(), tmp_path, dtype="float32", offload=offload
    )
    weights = sum(
        value.numel() * value.element_size()
        for network in (model.pipeline.text_encoder, model.pipeline.transformer, model.pipeline.vae)
        for value in network.parameters()
    )
    sample_frames(model.pipeline, small_picture, "pan left", CLIP, CONFIG)
    record_property("bytes_left", held() - before)
    assert held() - before < most * weights


def test_under_model_offload_the_5b_peaks_at_its_largest_network_and_what_it_computes(
    repository, tmp_path, record_property
):
    """Random weights take as much memory as trained ones; together the networks take 21 GB."""
    machine = inspect_machine()
    if machine.free_bytes < 24 * GB or machine.ram_free_bytes < 30 * GB:
        pytest.skip("needs 24 GB of free GPU memory and 30 GB of main memory")
    profile = load_profiles(load_config(params_file=repository / "params.yaml"))["cogvideox-5b-i2v-random"]
    model = WARM_MODEL.load(profile, machine, tmp_path, offload="model")
    torch.cuda.reset_peak_memory_stats()
    sample_frames(
        model.pipeline, np.full((480, 720, 3), 128, np.uint8), "zoom in", profile.clip_format, SamplingConfig(steps=1)
    )
    peak = torch.cuda.max_memory_reserved()
    record_property("planned_gb", round(model.plan.peak_bytes / GB, 2))
    record_property("peak_gb", round(peak / GB, 2))
    assert peak == pytest.approx(model.plan.peak_bytes, rel=0.25)
    assert held() < 1 * GB


def test_the_text_encoder_has_left_the_gpu_when_the_vae_comes(ground, monkeypatch):
    there, load_vae = [], latent_stage.load_vae

    def watched(*arguments):
        there.append(held())
        return load_vae(*arguments)

    monkeypatch.setattr(latent_stage, "load_vae", watched)
    before = held()
    ground.encode(noised_pictures=1, seed=5)
    for path in (ground.latents / "texts").rglob("*.safetensors"):
        path.unlink()
    ground.encode(noised_pictures=1, seed=6)
    assert there and max(there) == before


def test_an_overflow_in_float16_is_refused_and_no_frame_is_black(small_model, small_picture, tmp_path):
    model = WARM_MODEL.load(
        profile_of_folder(small_model), inspect_machine(), tmp_path, dtype="float16", offload="none"
    )
    with torch.no_grad():
        weight = model.pipeline.vae.decoder.conv_out.conv.weight
        weight.copy_(weight.sign() * 60_000)
    with pytest.raises(MachineError, match="pixels of frame 0 are not finite in float16"):
        sample_frames(model.pipeline, small_picture, "pan left", CLIP, CONFIG)


def test_a_full_gpu_is_one_line_and_what_the_failed_work_held_is_free_again():
    before = held()

    def fill():
        tensors = []
        while True:
            tensors.append(torch.empty(2**30, dtype=torch.uint8, device="cuda"))

    torch.cuda.set_per_process_memory_fraction(min(1.0, 4 * GB / inspect_machine().gpus[0].total_bytes))
    try:
        with (
            pytest.raises(OutOfMemory, match=r"^The GPU ran out of memory filling it\. Free it"),
            explaining_out_of_memory("filling it"),
        ):
            fill()
        assert held() == before
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_a_base_goes_to_the_gpu_block_by_block_and_never_lies_in_main_memory(tmp_path, record_property):
    """FSDP2 with one process; float32 in the file, bfloat16 on the GPU."""
    from diffusers import CogVideoXTransformer3DModel

    CogVideoXTransformer3DModel(
        num_attention_heads=16, attention_head_dim=64, in_channels=32, out_channels=16, num_layers=24, sample_width=12,
        sample_height=8, sample_frames=9, text_embed_dim=64, time_embed_dim=512, use_rotary_positional_embeddings=True,
    ).save_pretrained(tmp_path / "transformer")  # fmt: skip
    size = sum(file.stat().st_size for file in (tmp_path / "transformer").glob("*.safetensors"))
    torch.distributed.init_process_group("nccl", f"file://{tmp_path / 'meeting'}", rank=0, world_size=1)
    try:
        load_transformer(tmp_path)
        held()
        with OwnMemory() as memory:
            transformer = load_transformer(tmp_path)
            add_lora(transformer, 4, 4.0, ["to_q"], 0)
            adapter = list(lora_parameters(transformer).values())
            here = SimpleNamespace(device=torch.device("cuda", 0))
            share_base(transformer, adapter, Launch(1, shared=True), here, torch.bfloat16)
        record_property("own_memory_share", round(memory.peak / size, 3))
        assert memory.peak < 0.25 * size
        assert 0.45 * size < torch.cuda.memory_allocated() < 0.65 * size
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one GPU")
def test_a_process_has_a_context_on_its_own_gpu_alone():
    program = (
        "import os, subprocess; from reelops.system.hardware import inspect_machine\n"
        "machine = inspect_machine()\n"
        "assert all(gpu.free_bytes is None for gpu in machine.gpus[1:])\n"
        "query = ['nvidia-smi', '--query-compute-apps=gpu_uuid,pid', '--format=csv,noheader']\n"
        "rows = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()\n"
        "print(sum(row.split(',')[1].strip() == str(os.getpid()) for row in rows))"
    )
    own = os.environ | {"LOCAL_RANK": "1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=own)
    assert (done.returncode, done.stdout.strip()) in ((0, "1"), (0, "0")), (
        done.stderr
    )  # 0: a container hides its own pid
