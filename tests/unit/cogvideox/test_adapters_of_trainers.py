"""Adapters in the layouts of other trainers are applied at the strength that they were trained for.

What a layer adds is compared with alpha / rank x B A x, computed here from the matrices that were written.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from trainers import (
    ALPHA,
    LAYER,
    RANK,
    TRAINERS,
    Saved,
    bare,
    cogvideox_fun,
    diffusers,
    finetrainers,
    kohya,
    named,
    peft,
    with_fields,
)

from reelops.cogvideox.adapter_alpha import BEYOND_MATRICES, HARMLESS, USED
from reelops.cogvideox.adapter_base import UNKNOWN_BASE
from reelops.cogvideox.adapter_file import WEIGHTS_NAME, Adapter, read_adapter
from reelops.cogvideox.adapter_layers import adapter_applied, save_for_diffusers
from reelops.errors import SettingsError


def added(pipeline: Any, adapter: Adapter) -> dict[str, torch.Tensor]:
    """What the adapter adds to each projection of a fixed vector."""
    bases = {
        name: (module.weight.detach().clone(), module.bias.detach().clone())
        for name, module in pipeline.transformer.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    with adapter_applied(pipeline, adapter, UNKNOWN_BASE), torch.no_grad():
        layers = {name: module for name, module in pipeline.transformer.named_modules() if hasattr(module, "lora_A")}
        deltas = {}
        for name, module in layers.items():
            weight, bias = bases[name]
            vector = torch.linspace(-1, 1, weight.shape[1])
            deltas[name] = (module(vector) - torch.nn.functional.linear(vector, weight, bias)).reshape(-1)
    assert not any(hasattr(module, "lora_A") for module in pipeline.transformer.modules())
    return deltas


def expected(matrices: Mapping[str, tuple[torch.Tensor, torch.Tensor]], scale: float) -> dict[str, torch.Tensor]:
    return {name: scale * (b @ (a @ torch.linspace(-1, 1, a.shape[1]))) for name, (a, b) in matrices.items()}


def assert_adds(pipeline: Any, adapter: Adapter, wanted: Mapping[str, torch.Tensor]) -> None:
    found = added(pipeline, adapter)
    assert found.keys() == wanted.keys()
    for name, delta in wanted.items():
        torch.testing.assert_close(found[name], delta, atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_an_adapter_adds_strength_times_alpha_over_rank_times_b_a(trainer, small_pipeline, matrices, tmp_path):
    path = TRAINERS[trainer](matrices, RANK, ALPHA).write(tmp_path)
    adapter = read_adapter(path, strength=0.7)
    assert (adapter.rank, adapter.alpha, adapter.plain) == (RANK, ALPHA, True)
    assert_adds(small_pipeline, adapter, expected(matrices, 0.7 * ALPHA / RANK))


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_note_says_where_alpha_is_from_unless_it_stands_where_diffusers_looks(trainer, matrices, tmp_path):
    notes = read_adapter(TRAINERS[trainer](matrices, RANK, ALPHA).write(tmp_path)).notes
    assert not notes if trainer == "diffusers" else ("is taken from" in notes[0] and "x 0.5" in notes[0])


@pytest.mark.parametrize("trainer", TRAINERS)
def test_saved_for_diffusers_an_adapter_is_the_same_to_its_own_loader(trainer, small_pipeline, matrices, tmp_path):
    adapter = read_adapter(TRAINERS[trainer](matrices, RANK, ALPHA).write(tmp_path))
    (tmp_path / "again").mkdir()
    file = tmp_path / "again" / WEIGHTS_NAME
    save_for_diffusers(adapter, small_pipeline.transformer, file)
    again = read_adapter(file)
    assert (again.rank, again.alpha, again.for_diffusers) == (RANK, ALPHA, True) and not adapter.for_diffusers
    small_pipeline.load_lora_weights(str(file.parent))
    try:
        layers = dict(small_pipeline.transformer.named_modules())
        for name, (a, b) in matrices.items():
            (name_of_adapter,) = layers[name].lora_A
            assert layers[name].scaling[name_of_adapter] == ALPHA / RANK
            assert torch.equal(layers[name].lora_A[name_of_adapter].weight, a)
            assert torch.equal(layers[name].lora_B[name_of_adapter].weight, b)
    finally:
        small_pipeline.unload_lora_weights()


def test_a_folder_is_read_as_peft_and_trainers_save_it(matrices, tmp_path):
    assert read_adapter(peft(matrices, RANK, ALPHA).write(tmp_path / "peft").parent).alpha == ALPHA
    assert read_adapter(kohya(matrices, RANK, ALPHA).write(tmp_path / "kohya").parent).alpha == ALPHA
    bare(matrices, RANK, ALPHA).write(tmp_path / "two").rename(tmp_path / "two/a.safetensors")
    (tmp_path / "two/b.safetensors").write_bytes(b"")
    with pytest.raises(SettingsError, match="has 2 adapters"):
        read_adapter(tmp_path / "two")


def test_a_configuration_among_several_adapters_is_nobodys(matrices, tmp_path):
    saved = dataclasses.replace(peft(matrices, RANK, ALPHA), file_name="one.safetensors")
    file = saved.write(tmp_path)
    assert read_adapter(file).alpha == ALPHA
    (tmp_path / "other.safetensors").write_bytes(b"")
    assert read_adapter(file).alpha is None


def test_alpha_and_rank_may_differ_from_layer_to_layer(small_pipeline, matrices, tmp_path):
    narrow = {name: (a[:2], b[:, :2]) if "to_q" in name else (a, b) for name, (a, b) in matrices.items()}
    saved = cogvideox_fun(narrow, RANK, ALPHA)
    key = next(name for name in saved.tensors if name.endswith("to_k.alpha"))
    saved.tensors[key] = torch.tensor(8.0)
    adapter = read_adapter(saved.write(tmp_path))
    assert (adapter.alpha, adapter.plain) == (None, False) and "layer by layer" in adapter.notes[0]
    wanted = {}
    for name, delta in expected(narrow, 1.0).items():
        wanted[name] = delta * (8.0 if "to_k" in name else ALPHA) / (2 if "to_q" in name else RANK)
    assert_adds(small_pipeline, adapter, wanted)


def test_layers_of_other_ranks_without_alpha_are_each_applied_as_they_are(small_pipeline, matrices, tmp_path):
    narrow = {name: (a[:2], b[:, :2]) if "to_q" in name else (a, b) for name, (a, b) in matrices.items()}
    adapter = read_adapter(Saved(named(narrow, "transformer.")).write(tmp_path))
    assert adapter.alpha is None
    assert_adds(small_pipeline, adapter, expected(narrow, 1.0))


def test_patterns_of_peft_give_layers_their_own_alpha(small_pipeline, matrices, tmp_path):
    saved = with_fields(diffusers(matrices, RANK, ALPHA), alpha_pattern={"attn1.to_v": 6, "^never": 1})
    wanted = {
        name: delta * (6 if name.endswith("to_v") else ALPHA) / RANK for name, delta in expected(matrices, 1.0).items()
    }
    assert_adds(small_pipeline, read_adapter(saved.write(tmp_path)), wanted)


def test_rslora_divides_by_the_root_of_the_rank(small_pipeline, matrices, tmp_path):
    config = json.dumps({"r": RANK, "lora_alpha": ALPHA, "use_rslora": True})
    adapter = read_adapter(Saved(named(matrices, ""), {"lora_config": config}).write(tmp_path))
    assert "x 1" in adapter.notes[0] and not adapter.plain
    assert_adds(small_pipeline, adapter, expected(matrices, ALPHA / math.sqrt(RANK)))


def test_dora_of_peft_takes_its_magnitudes(small_pipeline, matrices, tmp_path):
    """W' = m (W + s B A) / |W + s B A| by rows (Liu et al. 2024, arXiv:2402.09353)."""
    tensors, wanted = named(matrices, "base_model.model."), {}
    for name, (a, b) in matrices.items():
        weight = small_pipeline.transformer.get_submodule(name).weight.detach()
        magnitude = weight.norm(dim=1) * 1.5
        tensors[f"base_model.model.{name}.lora_magnitude_vector"] = magnitude
        changed = weight + ALPHA / RANK * (b @ a)
        changed = changed * (magnitude / changed.norm(dim=1)).unsqueeze(1)
        wanted[name] = (changed - weight) @ torch.linspace(-1, 1, weight.shape[1])
    saved = Saved(tensors, beside={"r": RANK, "lora_alpha": ALPHA, "use_dora": True})
    adapter = read_adapter(saved.write(tmp_path))
    assert not adapter.plain
    assert_adds(small_pipeline, adapter, wanted)


def test_a_bias_of_every_layer_is_applied(small_pipeline, matrices, tmp_path):
    tensors = named(matrices, "transformer.")
    biases = {name: torch.linspace(0, 1, b.shape[0]) for name, (_, b) in matrices.items()}
    tensors |= {f"transformer.{name}.lora_B.bias": bias for name, bias in biases.items()}
    wanted = {name: 0.5 * biases[name] + delta for name, delta in expected(matrices, 0.5).items()}
    assert_adds(small_pipeline, read_adapter(Saved(tensors, {"lora_alpha": "2"}).write(tmp_path)), wanted)


def test_matrices_kept_as_convolutions_of_one_pixel_are_those_of_a_layer(small_pipeline, matrices, tmp_path):
    square = {name: (a[:, :, None, None], b[:, :, None, None]) for name, (a, b) in matrices.items()}
    adapter = read_adapter(kohya(square, RANK, ALPHA).write(tmp_path))
    assert_adds(small_pipeline, adapter, expected(matrices, ALPHA / RANK))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_numbers_of_every_float_format_are_read_also_mixed(dtype, small_pipeline, matrices, tmp_path):
    rounded = {name: (a.to(dtype), b) for name, (a, b) in matrices.items()}
    adapter = read_adapter(Saved(named(rounded, ""), {"lora_alpha": "2"}).write(tmp_path))
    assert_adds(small_pipeline, adapter, expected({n: (a.float(), b) for n, (a, b) in rounded.items()}, 0.5))


def test_a_dropout_and_a_start_stated_in_the_header_change_nothing(small_pipeline, matrices, tmp_path):
    saved = with_fields(diffusers(matrices, RANK, ALPHA), lora_dropout=0.9, init_lora_weights="orthogonal")
    assert_adds(small_pipeline, read_adapter(saved.write(tmp_path)), expected(matrices, ALPHA / RANK))


def test_fields_of_another_peft_are_ignored_with_a_note(small_pipeline, matrices, tmp_path):
    adapter = read_adapter(with_fields(diffusers(matrices, RANK, ALPHA), some_new_field=True).write(tmp_path))
    assert "not known and ignored: some_new_field" in adapter.notes[0]
    assert_adds(small_pipeline, adapter, expected(matrices, ALPHA / RANK))


def test_every_field_of_the_installed_peft_is_judged():
    from peft import LoraConfig

    known = {one.name for one in dataclasses.fields(LoraConfig)}
    assert known <= USED | HARMLESS | BEYOND_MATRICES
    assert not USED & HARMLESS and not USED & BEYOND_MATRICES and not HARMLESS & BEYOND_MATRICES


@pytest.mark.parametrize("text", ["[]", "{", "7", "null", "[" * 100_000])
def test_a_header_that_is_no_object_is_ignored_with_a_note(text, small_pipeline, matrices, tmp_path):
    adapter = read_adapter(Saved(named(matrices, "transformer."), {"lora_adapter_metadata": text}).write(tmp_path))
    assert "is no JSON object and is ignored" in adapter.notes[0] and "states no alpha" in adapter.notes[1]
    assert_adds(small_pipeline, adapter, expected(matrices, 1.0))


def test_what_stands_nearer_to_the_matrices_counts_and_a_note_says_what_does_not(small_pipeline, matrices, tmp_path):
    saved = cogvideox_fun(matrices, RANK, ALPHA)
    saved.header["ss_network_alpha"] = "16"
    adapter = read_adapter(saved.write(tmp_path))
    assert "states alpha 16; that of its .alpha tensors counts" in adapter.notes[1]
    assert_adds(small_pipeline, adapter, expected(matrices, ALPHA / RANK))


def test_an_alpha_of_none_is_none_and_one_of_zero_is_said(small_pipeline, matrices, tmp_path):
    unstated = read_adapter(Saved(named(matrices, ""), {"ss_network_alpha": "None"}).write(tmp_path / "none"))
    assert unstated.alpha is None and "states no alpha" in unstated.notes[0]
    zero = read_adapter(diffusers(matrices, RANK, 0).write(tmp_path / "zero"))
    assert "changes nothing" in zero.notes[0]
    assert_adds(small_pipeline, zero, expected(matrices, 0.0))


def test_the_configuration_beside_a_file_names_its_base(matrices, tmp_path):
    saved = peft(matrices, RANK, ALPHA)
    assert saved.beside is not None
    saved.beside["base_model_name_or_path"] = "zai-org/CogVideoX-5b-I2V"
    assert read_adapter(saved.write(tmp_path)).base.name == "zai-org/CogVideoX-5b-I2V"


def test_layers_that_a_header_targets_and_the_file_has_not_are_left_alone(small_pipeline, matrices, tmp_path):
    one = {LAYER: matrices[LAYER]}
    assert_adds(
        small_pipeline, read_adapter(finetrainers(one, RANK, ALPHA).write(tmp_path)), expected(one, ALPHA / RANK)
    )
