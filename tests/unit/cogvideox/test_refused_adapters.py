"""Adapters that cannot be worn as they were trained are refused in a line that says what they are."""

from __future__ import annotations

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
    diffusers,
    kohya,
    named,
    with_fields,
    with_underscores,
)

from reelops.cogvideox.adapter_base import UNKNOWN_BASE
from reelops.cogvideox.adapter_file import read_adapter
from reelops.cogvideox.adapter_layers import adapter_applied
from reelops.errors import WeightsError


def refusal(saved: Saved, folder, pipeline: Any) -> str:
    """The line in which an adapter is refused, before anything is worn."""
    path = saved.write(folder)
    with pytest.raises(WeightsError) as caught, adapter_applied(pipeline, read_adapter(path), UNKNOWN_BASE):
        pass
    line = str(caught.value)
    assert line.isprintable() and str(path) in line
    assert not any(hasattr(module, "lora_A") for module in pipeline.transformer.modules())
    return line


def first_of(tensors: Mapping[str, torch.Tensor], word: str) -> str:
    return next(name for name in tensors if word in name)


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("half", [0, 1])
def test_half_a_layer_is_refused_by_its_name(trainer, half, small_pipeline, matrices, tmp_path):
    saved = TRAINERS[trainer](matrices, RANK, ALPHA)
    words = [("lora_A", "down", "matrix_A"), ("lora_B", "up.", "matrix_B")][half]
    gone = next(name for name in saved.tensors if any(word in name for word in words))
    del saved.tensors[gone]
    assert "is incomplete" in refusal(saved, tmp_path, small_pipeline)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("part", ["lora_down", "lora_up", "alpha"])
def test_numbers_that_are_not_finite_are_refused(value, part, small_pipeline, matrices, tmp_path):
    saved = kohya(matrices, RANK, ALPHA)
    name = first_of(saved.tensors, part)
    saved.tensors[name] = saved.tensors[name].clone()
    saved.tensors[name].view(-1)[-1] = value
    assert f"not finite, in {name}" in refusal(saved, tmp_path, small_pipeline)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.bool, torch.float8_e4m3fn, torch.float8_e5m2])
def test_numbers_of_another_format_are_refused(dtype, small_pipeline, matrices, tmp_path):
    saved = Saved({name: tensor.to(dtype) for name, tensor in named(matrices, "transformer.").items()})
    assert "a LoRA's numbers are float32, float16 or bfloat16" in refusal(saved, tmp_path, small_pipeline)


def test_a_double_beyond_the_range_of_float32_is_refused(small_pipeline, matrices, tmp_path):
    doubles = {name: tensor.double() for name, tensor in named(matrices, "transformer.").items()}
    doubles[first_of(doubles, "lora_B")][0, 0] = 1e300
    assert "not finite" in refusal(Saved(doubles), tmp_path, small_pipeline)


def changed(matrices: Any, *, prefix: str = "transformer.", header: Any = None, **tensors: torch.Tensor) -> Saved:
    return Saved({**named(matrices, prefix), **tensors}, header or {})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lora_unet_transformer_blocks_0_attn1_to_q.hada_w1_a", "LoHa"),
        ("lora_unet_transformer_blocks_0_attn1_to_q.lokr_w1", "LoKr"),
        (f"transformer.{LAYER}.dora_scale", "dora_scale"),
        (f"transformer.{LAYER}.lora_mid.weight", "Tucker"),
        (f"transformer.{LAYER}.oft_blocks", "OFT"),
        (f"diffusion_model.{LAYER}.diff", "whole differences"),
        (f"base_model.model.{LAYER}.modules_to_save.weight", "modules_to_save"),
        ("text_encoder.encoder.block.0.layer.0.SelfAttention.q.lora_A.weight", "changes the text encoder too"),
        ("lora_te_encoder_block_0_layer_0_SelfAttention_q.lora_down.weight", "changes the text encoder too"),
        (f"transformer.{LAYER}.weight", "no part of a LoRA"),
        (f"transformer.{LAYER}.lora_A.second.weight", "the same matrix twice"),
        ("line\nbreak\x1b[31m", r"line\nbreak\x1b[31m"),
    ],
)
def test_what_is_no_plain_lora_is_refused_by_what_it_is(name, words, small_pipeline, matrices, tmp_path):
    saved = changed(matrices, **{name: torch.zeros(RANK, 32)})
    assert words in refusal(saved, tmp_path, small_pipeline)


def test_layers_named_in_two_ways_are_refused(small_pipeline, matrices, tmp_path):
    tensors = named(matrices, "transformer.")
    mixed = {name.removeprefix("transformer.") if "to_q" in name else name: value for name, value in tensors.items()}
    assert "names its layers in 2 ways" in refusal(Saved(mixed), tmp_path, small_pipeline)


def test_a_bias_or_an_alpha_of_some_layers_only_is_refused(small_pipeline, matrices, tmp_path):
    biased = changed(matrices, **{f"transformer.{LAYER}.lora_B.bias": torch.ones(32)})
    assert "a bias for some layers and none for" in refusal(biased, tmp_path / "bias", small_pipeline)
    alphas = changed(matrices, **{f"transformer.{LAYER}.alpha": torch.tensor(2.0)})
    assert "an alpha for some layers and none for" in refusal(alphas, tmp_path / "alpha", small_pipeline)


def test_two_adapters_in_one_file_are_refused(small_pipeline, matrices, tmp_path):
    half = dict(list(matrices.items())[:2])
    rest = dict(list(matrices.items())[2:])
    tensors = named(half, "", ".lora_A.one.weight", ".lora_B.one.weight")
    tensors |= named(rest, "", ".lora_A.two.weight", ".lora_B.two.weight")
    assert "holds 2 adapters: one, two" in refusal(Saved(tensors), tmp_path, small_pipeline)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"r": 8}, "rank 4 for .*says 8"),
        ({"lora_alpha": "loud"}, "no number for lora_alpha.*loud"),
        ({"lora_alpha": 1e999}, "no number for lora_alpha"),
        ({"peft_type": "LOKR"}, "no plain LoRA but LOKR"),
        ({"use_dora": True}, "says use_dora, and it has no magnitude"),
        ({"modules_to_save": ["proj_out"]}, "was trained with modules_to_save"),
        ({"bias": "all"}, "the base's biases"),
        ({"init_lora_weights": "pissa_niter_16"}, "a base that was changed before"),
        ({"alpha_pattern": {"(a*)*b": 1}}, "a pattern that is not read"),
        ({"alpha_pattern": {"**": 1}}, "a pattern that is none"),
    ],
)
def test_a_configuration_that_means_more_than_the_matrices_is_refused(
    fields, words, small_pipeline, matrices, tmp_path
):
    saved = with_fields(diffusers(matrices, RANK, ALPHA), **fields)
    path = saved.write(tmp_path)
    with pytest.raises(WeightsError, match=words):
        read_adapter(path)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ((4, 24), (32, 4), "reads 32 values and the adapter 24"),
        ((4, 32), (24, 4), "makes 32 values and the adapter 24"),
        ((2, 32), (32, 4), "do not fit each other"),
        ((0, 32), (32, 0), "do not fit each other"),
        ((32,), (32,), "do not fit each other"),
        ((4, 32, 3, 3), (32, 4, 1, 1), "is no convolution"),
    ],
)
def test_matrices_of_other_widths_are_refused_with_both(a, b, words, small_pipeline, tmp_path):
    saved = Saved(named({LAYER: (torch.ones(a), torch.ones(b))}, "lora_unet_", layer_name=with_underscores))
    assert words in refusal(saved, tmp_path, small_pipeline)


def test_a_layer_that_has_no_matrix_and_one_named_twice_are_refused(small_pipeline, matrices, tmp_path):
    norm = named({"transformer_blocks.0.norm1.norm": (torch.ones(4, 32), torch.ones(32, 4))}, "transformer.")
    assert "the base has no layer transformer_blocks.0.norm1.norm" in refusal(
        Saved(norm), tmp_path / "norm", small_pipeline
    )
    twice = named(matrices, "") | named({with_underscores(LAYER): matrices[LAYER]}, "")
    assert f"changes {LAYER} twice" in refusal(Saved(twice), tmp_path / "twice", small_pipeline)


def test_no_tensors_at_all_are_no_adapter(small_pipeline, tmp_path):
    assert "holds no LoRA" in refusal(Saved({}), tmp_path, small_pipeline)
