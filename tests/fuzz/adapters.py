"""Adapters of every trainer, damaged in their headers, their names, their shapes and their numbers."""

from __future__ import annotations

import json
import math
import struct
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from reelops.cogvideox.adapter_base import UNKNOWN_BASE
from reelops.cogvideox.adapter_file import read_adapter
from reelops.cogvideox.adapter_layers import adapter_applied
from reelops.errors import WeightsError
from tests.fuzz.fuzzer import Fuzzer, Mutant
from tests.fuzz.mutation import chosen_mutation

_WIDTH, _RANK = 32, 4
_LAYERS = tuple(f"transformer_blocks.0.attn1.{name}" for name in ("to_q", "to_k", "to_v", "to_out.0"))
_DTYPES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}
_LAYOUTS = (
    ("transformer.", ".lora_A.weight", ".lora_B.weight", False),
    ("base_model.model.", ".lora_A.default.weight", ".lora_B.default.weight", False),
    ("diffusion_model.", ".lora_A.weight", ".lora_B.weight", False),
    ("", ".lora.down.weight", ".lora.up.weight", False),
    ("lora_unet__", ".lora_down.weight", ".lora_up.weight", True),
)
_ODD_NAMES = (
    *("lora_unet_x.hada_w1_a", "transformer.x.lokr_w1", ".alpha", "", "lora_A.weight", "a" * 5000, "line\nbreak"),
    *("transformer.transformer_blocks.0.attn1.to_q.dora_scale", "text_encoder.q.lora_A.weight", "\u202ex.alpha"),
    *(f"transformer.{_LAYERS[0]}.lora_magnitude_vector", f"transformer.{_LAYERS[0]}.lora_B.bias", "transformer."),
)
_ODD_VALUES = (None, True, -1, 0, 8, 1e308, 10**400, "2", "None", "x\n", [], {}, [1], {"^.*": 3}, {"(": 1}, "pissa")
_FIELDS = (
    "r",
    "lora_alpha",
    "rank_pattern",
    "alpha_pattern",
    "use_rslora",
    "use_dora",
    "lora_bias",
    "peft_type",
    "new",
)
_KEYS = ("lora_adapter_metadata", "lora_config", "lora_alpha", "ss_network_alpha", "ss_network_dim", "base_model")


def _mutant(random: Random) -> Mutant:
    tensors, metadata = _sound(random)
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        random.choice((_damage_name, _damage_shape, _damage_type, _damage_numbers, _drop))(tensors, random)
    if random.random() < 0.6:
        _damage_metadata(metadata, random)
    data = _file(tensors, metadata)
    return Mutant(chosen_mutation(data, (data,), random) if random.random() < 0.25 else data, ".safetensors")


def _sound(random: Random) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    before, first, second, flat = random.choice(_LAYOUTS)
    tensors: dict[str, dict[str, Any]] = {}
    for layer in _LAYERS:
        stem = before + (layer.replace(".", "_") if flat else layer)
        tensors[stem + first] = _tensor((_RANK, _WIDTH), random)
        tensors[stem + second] = _tensor((_WIDTH, _RANK), random)
        if flat:
            tensors[f"{stem}.alpha"] = _tensor((), random)
    fields = {"r": _RANK, "lora_alpha": 2, "target_modules": ["to_q", "to_k", "to_v", "to_out.0"]}
    prefix = random.choice(("transformer.", ""))
    stated = json.dumps({prefix + key: value for key, value in fields.items()})
    return tensors, {random.choice(_KEYS[:2]): stated}


def _tensor(shape: tuple[int, ...], random: Random) -> dict[str, Any]:
    count = math.prod(shape)
    return {"dtype": "F32", "shape": list(shape), "data": struct.pack(f"<{count}f", *([random.random()] * count))}


def _damage_name(tensors: dict[str, dict[str, Any]], random: Random) -> None:
    name = random.choice(sorted(tensors))
    part = random.choice((".weight", "lora_A", "transformer", "0", "attn1", "."))
    new = random.choice((name.replace(part, random.choice(("", "lora_mid", "7", "_", ".default"))), *_ODD_NAMES))
    tensors[new] = tensors[name] if random.random() < 0.5 else tensors.pop(name)


def _damage_shape(tensors: dict[str, dict[str, Any]], random: Random) -> None:
    one = tensors[random.choice(sorted(tensors))]
    odd = ([], [0], [1], [_RANK, 24], [24, _RANK], [2, _WIDTH], [_RANK, _WIDTH, 1, 1], [_RANK, _WIDTH, 3, 3])
    one.update(_tensor(tuple(random.choice(odd)), random))


def _damage_type(tensors: dict[str, dict[str, Any]], random: Random) -> None:
    dtype = random.choice(sorted(_DTYPES))
    for name in sorted(tensors) if random.random() < 0.5 else [random.choice(sorted(tensors))]:
        size = math.prod(tensors[name]["shape"]) * _DTYPES[dtype]
        tensors[name] = {**tensors[name], "dtype": dtype, "data": bytes(size)}


def _damage_numbers(tensors: dict[str, dict[str, Any]], random: Random) -> None:
    name = random.choice(sorted(tensors))
    data = bytearray(tensors[name]["data"])
    if len(data) >= 4:
        data[:4] = struct.pack("<f", random.choice((float("nan"), float("inf"), -float("inf"), 3e38, 0.0)))
    tensors[name] = {**tensors[name], "data": bytes(data)}


def _drop(tensors: dict[str, dict[str, Any]], random: Random) -> None:
    for name in random.sample(sorted(tensors), min(len(tensors) - 1, random.choice((1, 1, 2, 7)))):
        del tensors[name]


def _damage_metadata(metadata: dict[str, str], random: Random) -> None:
    key = random.choice(_KEYS)
    values = {random.choice(_FIELDS): random.choice(_ODD_VALUES) for _ in range(random.randint(1, 3))}
    odd = ("[]", "{", "null", "[" * 3000, "7", "", "NaN", '{"lora_alpha": NaN}', "\x00", "1e999")
    metadata[key] = random.choice((*odd, json.dumps({"r": _RANK, "lora_alpha": 2} | values)))


def _file(tensors: dict[str, dict[str, Any]], metadata: dict[str, str]) -> bytes:
    header: dict[str, Any] = {"__metadata__": metadata}
    data = b""
    for name, one in tensors.items():
        offsets = [len(data), len(data) + len(one["data"])]
        header[name] = {"dtype": one["dtype"], "shape": one["shape"], "data_offsets": offsets}
        data += one["data"]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


@cache
def _pipeline() -> Any:
    """The pipeline's class with the transformer of the tests' small model and nothing else: adapters touch no more."""
    import torch
    from diffusers import CogVideoXDDIMScheduler, CogVideoXImageToVideoPipeline, CogVideoXTransformer3DModel

    torch.manual_seed(0)
    transformer = CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=_WIDTH // 2,
        time_embed_dim=16,
        text_embed_dim=16,
        num_layers=1,
        sample_width=12,
        sample_height=8,
        sample_frames=9,
        patch_size=4,
        max_text_seq_length=24,
    )
    return CogVideoXImageToVideoPipeline(None, None, None, transformer.eval(), CogVideoXDDIMScheduler())


def _apply(path: Path) -> None:
    import torch

    adapter = read_adapter(path)
    assert all(note.isprintable() for note in adapter.notes), adapter.notes
    pipeline = _pipeline()
    with adapter_applied(pipeline, adapter, UNKNOWN_BASE):
        for name, parameter in pipeline.transformer.named_parameters():
            if "lora_" in name:
                assert parameter.device.type == "cpu" and torch.isfinite(parameter).all(), name
    assert not any("lora_" in name for name, _ in pipeline.transformer.named_parameters())


FUZZERS = (
    Fuzzer(
        "adapters",
        2000,
        60,
        _mutant,
        _apply,
        allowed=(WeightsError,),
        libraries=("safetensors", "peft", "diffusers"),
        memory_mb=2000,
    ),
)
