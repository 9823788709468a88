"""LoRA adapters written by peft and diffusers themselves, applied and taken off again."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from small_model import CLIP, PROMPT_LENGTH

from reelops.cogvideox.adapter_base import UNKNOWN_BASE
from reelops.cogvideox.adapter_file import WEIGHTS_NAME, read_adapter
from reelops.cogvideox.adapter_layers import adapter_applied
from reelops.cogvideox.sampling import sample_frames
from reelops.cogvideox.sampling_config import SamplingConfig
from reelops.errors import SettingsError, WeightsError
from reelops.system.digest import sha256_of

RANK = 4
TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]


def write_lora(folder: Path, small_model: Path, alpha: float, b_scale: float = 0.5, with_alpha: bool = True) -> Path:
    """An adapter of seeded random matrices, saved as a training run would save it."""
    from diffusers import CogVideoXImageToVideoPipeline, CogVideoXTransformer3DModel
    from diffusers.training_utils import _collate_lora_metadata
    from peft import LoraConfig, get_peft_model_state_dict

    transformer = CogVideoXTransformer3DModel.from_pretrained(str(small_model), subfolder="transformer")
    transformer.add_adapter(LoraConfig(r=RANK, lora_alpha=alpha, target_modules=TARGETS, init_lora_weights=True))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in transformer.named_parameters():
            if "lora_A" in name:
                parameter.normal_(0.0, 0.5, generator=generator)
            elif "lora_B" in name:
                parameter.normal_(0.0, 1.0, generator=generator).mul_(b_scale)
    metadata = _collate_lora_metadata({"transformer": transformer}) if with_alpha else {}
    CogVideoXImageToVideoPipeline.save_lora_weights(
        str(folder), transformer_lora_layers=get_peft_model_state_dict(transformer), **metadata
    )
    return folder


@pytest.fixture(scope="module")
def lora(small_model, tmp_path_factory) -> Path:
    return write_lora(tmp_path_factory.mktemp("lora"), small_model, alpha=RANK)


def velocity(pipeline) -> torch.Tensor:
    """One pass of the transformer on fixed input."""
    generator = torch.Generator().manual_seed(0)
    video = torch.randn(1, 3, 32, 8, 12, generator=generator)
    text = torch.randn(1, PROMPT_LENGTH, 16, generator=generator)
    rotary = pipeline._prepare_rotary_positional_embeddings(32, 48, 3, torch.device("cpu"))
    with torch.no_grad():
        return pipeline.transformer(video, text, torch.tensor([500]), image_rotary_emb=rotary, return_dict=False)[0]


def projection_delta(pipeline) -> torch.Tensor:
    """What the adapter adds to the first query projection of a fixed vector."""
    layer = pipeline.transformer.transformer_blocks[0].attn1.to_q
    vector = torch.linspace(-1, 1, layer.in_features)
    with torch.no_grad():
        return layer(vector) - torch.nn.functional.linear(vector, layer.weight, layer.bias)


def test_alpha_rank_and_digest_are_read_from_the_file(lora):
    adapter = read_adapter(lora)
    assert (adapter.rank, adapter.alpha, adapter.notes) == (RANK, float(RANK), ())
    assert adapter.sha256 == sha256_of(lora / WEIGHTS_NAME)
    assert read_adapter(lora / WEIGHTS_NAME) == adapter


def test_half_the_alpha_halves_what_the_adapter_adds(small_pipeline, small_model, lora, tmp_path):
    half = read_adapter(write_lora(tmp_path, small_model, alpha=RANK / 2))
    assert half.alpha == RANK / 2
    with adapter_applied(small_pipeline, read_adapter(lora), UNKNOWN_BASE):
        whole_delta = projection_delta(small_pipeline)
    with adapter_applied(small_pipeline, half, UNKNOWN_BASE):
        half_delta = projection_delta(small_pipeline)
    assert whole_delta.abs().max() > 0.1
    torch.testing.assert_close(half_delta, whole_delta / 2)


def test_strength_scales_what_the_adapter_adds_and_zero_is_the_base(small_pipeline, lora):
    base = velocity(small_pipeline)
    with adapter_applied(small_pipeline, read_adapter(lora), UNKNOWN_BASE):
        applied, delta = velocity(small_pipeline), projection_delta(small_pipeline)
    with adapter_applied(small_pipeline, read_adapter(lora, strength=0.5), UNKNOWN_BASE):
        torch.testing.assert_close(projection_delta(small_pipeline), delta / 2)
    with adapter_applied(small_pipeline, read_adapter(lora, strength=0.0), UNKNOWN_BASE):
        assert torch.equal(velocity(small_pipeline), base)
    assert not torch.allclose(applied, base, atol=1e-3)


def test_lora_with_zero_b_leaves_the_model_unchanged(small_pipeline, small_model, tmp_path):
    base = velocity(small_pipeline)
    with adapter_applied(
        small_pipeline, read_adapter(write_lora(tmp_path, small_model, alpha=RANK, b_scale=0.0)), UNKNOWN_BASE
    ):
        assert torch.equal(velocity(small_pipeline), base)


def test_the_base_comes_back_bit_for_bit_also_after_a_failure(small_pipeline, lora):
    base = velocity(small_pipeline)
    with pytest.raises(ZeroDivisionError), adapter_applied(small_pipeline, read_adapter(lora), UNKNOWN_BASE):
        raise ZeroDivisionError
    assert torch.equal(velocity(small_pipeline), base)


def test_a_clip_made_with_an_adapter_equals_the_pipelines_own(small_pipeline, small_picture, lora):
    config = SamplingConfig(seed=1, steps=2, guidance=3.0, prompt_length=PROMPT_LENGTH)
    plain = sample_frames(small_pipeline, small_picture, "zoom in", CLIP, config).frames_THWC
    with adapter_applied(small_pipeline, read_adapter(lora), UNKNOWN_BASE):
        ours = sample_frames(small_pipeline, small_picture, "zoom in", CLIP, config).frames_THWC
    small_pipeline.load_lora_weights(str(lora))
    try:
        theirs = sample_frames(small_pipeline, small_picture, "zoom in", CLIP, config).frames_THWC
    finally:
        small_pipeline.unload_lora_weights()
    assert np.array_equal(ours, theirs) and not np.array_equal(ours, plain)


def test_an_adapter_without_alpha_says_how_it_is_applied(small_model, tmp_path):
    adapter = read_adapter(write_lora(tmp_path, small_model, alpha=RANK / 2, with_alpha=False))
    assert adapter.alpha is None
    assert "states no alpha" in adapter.notes[0] and f"rank = {RANK}" in adapter.notes[0]


def test_an_adapter_of_another_base_is_one_clear_error(small_pipeline, lora, tmp_path):
    from safetensors.torch import load_file, save_file

    tensors = load_file(lora / WEIGHTS_NAME)
    base = velocity(small_pipeline)
    renamed = {name.replace("blocks.0", "blocks.41"): tensor for name, tensor in tensors.items()}
    wider = {name: torch.nn.functional.pad(t, (0, 8)) if "lora_A" in name else t for name, t in tensors.items()}
    for number, (wrong, word) in enumerate([(renamed, r"no layer transformer_blocks\.41"), (wider, "reads 32 values")]):
        file = tmp_path / f"{number}.safetensors"
        save_file(wrong, file)
        with (
            pytest.raises(WeightsError, match=f"another base model.*{word}"),
            adapter_applied(small_pipeline, read_adapter(file), UNKNOWN_BASE),
        ):
            pass
    assert torch.equal(velocity(small_pipeline), base)


def test_a_name_that_safetensors_does_not_open_is_said_to_be_the_trouble(lora, tmp_path):
    renamed = tmp_path / os.fsdecode(b"adapt\xe9r.safetensors")
    renamed.write_bytes((lora / WEIGHTS_NAME).read_bytes())
    with pytest.raises(WeightsError, match=r"adapt\\udce9r.safetensors is no Unicode"):
        read_adapter(renamed)


def test_of_a_trainers_folder_of_checkpoints_one_is_to_be_named(lora, tmp_path):
    for step in (500, 1000):
        shutil.copytree(lora, tmp_path / f"checkpoint-{step}")
    with pytest.raises(SettingsError, match=rf"2 in folders below, such as checkpoint-1000/{WEIGHTS_NAME}"):
        read_adapter(tmp_path)
    assert read_adapter(tmp_path / "checkpoint-500").rank == read_adapter(lora).rank


def test_files_that_are_no_adapter_are_refused(small_model, tmp_path):
    with pytest.raises(SettingsError, match="No adapter at"):
        read_adapter(tmp_path / "nothing")
    with pytest.raises(WeightsError, match="no LoRA"):
        read_adapter(next((small_model / "vae").glob("*.safetensors")))
    (tmp_path / "a.bin").write_bytes(b"x")
    (tmp_path / "a.safetensors").write_bytes(b"no header")
    with pytest.raises(WeightsError, match="pickles"):
        read_adapter(tmp_path / "a.bin")
    torch.save({"lora": torch.zeros(4)}, tmp_path / "renamed.safetensors")
    (tmp_path / "old.safetensors").write_bytes(pickle.dumps({"lora": 4}))
    for name in ("renamed", "old"):
        with pytest.raises(WeightsError, match="pickles"):
            read_adapter(tmp_path / f"{name}.safetensors")
    with pytest.raises(WeightsError, match="no whole safetensors"):
        read_adapter(tmp_path / "a.safetensors")
    with pytest.raises(SettingsError, match="strength 99"):
        read_adapter(tmp_path / "a.safetensors", strength=99)
