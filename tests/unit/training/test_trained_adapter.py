"""The adapter that training makes: what it starts from, what of it is kept, and where it says that it is from."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_model import HEIGHT, PROMPT_LENGTH, WIDTH
from training_work import make_copy, train_here

from reelops.cogvideox.adapter_file import WEIGHTS_NAME, read_adapter
from reelops.cogvideox.denoiser import load_transformer
from reelops.cogvideox.lora import add_lora, lora_parameters
from reelops.errors import SettingsError
from reelops.system.digest import sha256_of


def velocity(transformer, rotary):
    generator = torch.Generator().manual_seed(0)
    video = torch.randn(1, 3, 32, HEIGHT // 4, WIDTH // 4, generator=generator)
    text = torch.randn(1, PROMPT_LENGTH, 16, generator=generator)
    with torch.no_grad():
        return transformer(video, text, torch.tensor([500]), image_rotary_emb=rotary, return_dict=False)[0]


def test_a_fresh_adapter_leaves_the_model_unchanged_and_alone_is_trained(small_model, small_pipeline):
    transformer = load_transformer(small_model, "float32").eval()
    rotary = small_pipeline._prepare_rotary_positional_embeddings(HEIGHT, WIDTH, 3, torch.device("cpu"))
    before = velocity(transformer, rotary)
    add_lora(transformer, 4, 8.0, ["to_q", "to_k", "to_v", "to_out.0"], seed=0)
    assert torch.equal(velocity(transformer, rotary), before)
    parameters = lora_parameters(transformer)
    assert len(parameters) == 8 and all(value.requires_grad for value in parameters.values())
    assert {name for name, value in transformer.named_parameters() if value.requires_grad} == {
        name.replace(".weight", ".default.weight") for name in parameters
    }


def test_the_adapter_starts_from_its_seed_alone_and_in_float32(small_model):
    made = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(made))
        transformer = load_transformer(small_model, "bfloat16")
        add_lora(transformer, 4, 4.0, ["to_q"], seed)
        made.append(lora_parameters(transformer)["transformer_blocks.0.attn1.to_q.lora_A.weight"])
    assert made[0].dtype == torch.float32
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


def test_alpha_survives_save_and_plain_load(ground, small_model):
    """`pipeline.load_lora_weights` alone gives the velocity that the trained transformer itself gives."""
    from diffusers import CogVideoXImageToVideoPipeline
    from peft.utils import set_peft_model_state_dict

    train_here(ground, steps=3, rank=4, alpha=8)
    adapter = read_adapter(ground.adapter)
    assert (adapter.rank, adapter.alpha, adapter.notes) == (4, 8.0, ())
    pipeline = CogVideoXImageToVideoPipeline.from_pretrained(str(small_model), dtype=torch.float32)
    rotary = pipeline._prepare_rotary_positional_embeddings(HEIGHT, WIDTH, 3, torch.device("cpu"))
    base = velocity(pipeline.transformer, rotary)
    pipeline.load_lora_weights(str(ground.adapter))
    loaded = velocity(pipeline.transformer, rotary)

    trained = load_transformer(small_model, "float32").eval()
    add_lora(trained, 4, 8.0, ["to_q", "to_k", "to_v", "to_out.0"], seed=0)
    set_peft_model_state_dict(trained, load_file(ground.checkpoints[-1] / "lora.safetensors"), "default")
    torch.testing.assert_close(loaded, velocity(trained, rotary), rtol=0, atol=1e-6)
    assert (loaded - base).abs().max() > 1e-4


def test_the_adapter_says_where_it_is_from_and_is_the_same_for_the_same_run(ground, tmp_path):
    from safetensors import safe_open

    first = train_here(ground, steps=2)
    second = train_here(make_copy(ground, tmp_path / "again"), steps=2, fresh=True)
    assert first.published.sha256 == second.published.sha256 == sha256_of(ground.adapter / WEIGHTS_NAME)
    facts = json.loads((ground.adapter / "adapter.json").read_text())
    with safe_open(ground.adapter / WEIGHTS_NAME, "pt") as tensors:
        assert json.loads(tensors.metadata()["reelops"]) == facts
    assert facts["base_revision"].startswith("sha256:") and facts["step"] == 2 and facts["rank"] == 4
    assert "shaky" in (ground.adapter / "card.md").read_text()


def test_training_goes_on_from_an_adapter_of_the_same_shape_only(ground, tmp_path):
    train_here(ground, steps=2)
    kept = tmp_path / "kept"
    ground.adapter.rename(kept)
    train_here(ground, steps=1, start_from=kept, lr=1e-9)
    one, other = (load_file(folder / WEIGHTS_NAME) for folder in (kept, ground.adapter))
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=0, atol=1e-6)
    with pytest.raises(SettingsError, match="has rank 4"):
        train_here(ground, steps=1, start_from=kept, rank=8)
    weights = load_file(kept / WEIGHTS_NAME)
    alphas = {name.replace("lora_A.weight", "alpha"): torch.tensor(2.0) for name in weights if "lora_A" in name}
    alphas[next(iter(alphas))] = torch.tensor(1.0)
    save_file({**weights, **alphas}, tmp_path / "varied.safetensors")
    with pytest.raises(SettingsError, match="no plain LoRA"):
        train_here(ground, steps=1, start_from=tmp_path / "varied.safetensors")
