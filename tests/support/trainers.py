"""One LoRA as the trainers of the world would save it: names of tensors, header, and what lies beside the file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

Matrices = Mapping[str, tuple[Tensor, Tensor]]
"""A and B of every layer, by the layer's name in diffusers."""

SAT_PLACES = {
    "attn1.to_q": ("query_key_value", 0),
    "attn1.to_k": ("query_key_value", 1),
    "attn1.to_v": ("query_key_value", 2),
    "attn1.to_out.0": ("dense", 0),
}
TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]
LAYER = "transformer_blocks.0.attn1.to_q"
RANK, ALPHA = 4, 2.0


@dataclass(frozen=True)
class Saved:
    """An adapter as a trainer saves it."""

    tensors: dict[str, Tensor]
    header: dict[str, str] = field(default_factory=dict)
    beside: dict[str, Any] | None = None
    file_name: str = "pytorch_lora_weights.safetensors"

    def write(self, folder: Path) -> Path:
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        whole = {name: tensor.clone().contiguous() for name, tensor in self.tensors.items()}
        save_file(whole, folder / self.file_name, self.header or None)
        if self.beside is not None:
            (folder / "adapter_config.json").write_text(json.dumps(self.beside))
        return folder / self.file_name


def with_fields(saved: Saved, **fields: Any) -> Saved:
    """With these fields of peft's configuration in its header, each for the transformer."""
    stated = json.loads(saved.header["lora_adapter_metadata"])
    stated |= {f"transformer.{key}": value for key, value in fields.items()}
    return dataclasses.replace(saved, header={"lora_adapter_metadata": json.dumps(stated)})


def seeded_matrices(transformer: Any, rank: int, seed: int = 1) -> dict[str, tuple[Tensor, Tensor]]:
    """Random matrices for the attention of every block."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: (
            torch.randn(rank, module.in_features, generator=generator) * 0.2,
            torch.randn(module.out_features, rank, generator=generator) * 0.2,
        )
        for name, module in transformer.named_modules()
        if name.startswith("transformer_blocks") and name.endswith(tuple(f"attn1.{target}" for target in TARGETS))
    }


def named(
    matrices: Matrices,
    before: str,
    first: str = ".lora_A.weight",
    second: str = ".lora_B.weight",
    layer_name: Callable[[str], str] = str,
    alpha: float | None = None,
) -> dict[str, Tensor]:
    tensors = {}
    for layer, (a, b) in matrices.items():
        stem = before + layer_name(layer)
        tensors |= {stem + first: a, stem + second: b}
        if alpha is not None:
            tensors[f"{stem}.alpha"] = torch.tensor(float(alpha))
    return tensors


def peft_fields(rank: int, alpha: float) -> dict[str, Any]:
    return {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "target_modules": TARGETS, "lora_dropout": 0.5}


def with_underscores(layer: str) -> str:
    return layer.replace(".", "_")


def diffusers(matrices: Matrices, rank: int, alpha: float) -> Saved:
    fields = {f"transformer.{key}": value for key, value in peft_fields(rank, alpha).items()}
    return Saved(named(matrices, "transformer."), {"format": "pt", "lora_adapter_metadata": json.dumps(fields)})


def finetrainers(matrices: Matrices, rank: int, alpha: float) -> Saved:
    pattern = "(transformer_blocks|single_transformer_blocks).*(to_q|to_k|to_v|to_out.0)"
    config = {"r": rank, "lora_alpha": alpha, "init_lora_weights": True, "target_modules": pattern}
    return Saved(named(matrices, "transformer."), {"format": "pt", "lora_config": json.dumps(config)})


def kohya(matrices: Matrices, rank: int, alpha: float) -> Saved:
    names = named(matrices, "lora_unet_", ".lora_down.weight", ".lora_up.weight", with_underscores, alpha)
    return Saved(names, {"ss_network_dim": str(rank), "ss_network_alpha": str(alpha)}, file_name="last.safetensors")


def kohya_by_header(matrices: Matrices, rank: int, alpha: float) -> Saved:
    names = named(matrices, "lora_unet_", ".lora_down.weight", ".lora_up.weight", with_underscores)
    return Saved(names, {"ss_network_dim": str(rank), "ss_network_alpha": str(alpha)})


def cogvideox_fun(matrices: Matrices, rank: int, alpha: float) -> Saved:
    return Saved(named(matrices, "lora_unet__", ".lora_down.weight", ".lora_up.weight", with_underscores, alpha))


def peft(matrices: Matrices, rank: int, alpha: float) -> Saved:
    return Saved(
        named(matrices, "base_model.model."),
        {"format": "pt"},
        {**peft_fields(rank, alpha), "base_model_name_or_path": None},
        "adapter_model.safetensors",
    )


def peft_in_training(matrices: Matrices, rank: int, alpha: float) -> Saved:
    names = named(matrices, "base_model.model.transformer.", ".lora_A.default.weight", ".lora_B.default.weight")
    return Saved(names, {"lora_alpha": str(alpha), "r": str(rank)})


def for_comfyui(matrices: Matrices, rank: int, alpha: float) -> Saved:
    return Saved(named(matrices, "diffusion_model.", alpha=alpha), file_name="LORA.SAFETENSORS")


def bare(matrices: Matrices, rank: int, alpha: float) -> Saved:
    return Saved(named(matrices, ""), {"lora_alpha": str(alpha)})


def before_peft(matrices: Matrices, rank: int, alpha: float) -> Saved:
    def processor(layer: str) -> str:
        return layer.removesuffix(".0").replace("attn1.", "attn1.processor.")

    return Saved(named(matrices, "transformer.", "_lora.down.weight", "_lora.up.weight", processor, alpha))


def dotted_down_and_up(matrices: Matrices, rank: int, alpha: float) -> Saved:
    return Saved(named(matrices, "transformer.", ".lora.down.weight", ".lora.up.weight"), {"network_alpha": str(alpha)})


def onetrainer(matrices: Matrices, rank: int, alpha: float) -> Saved:
    names = named(matrices, "lora_transformer_", ".lora_down.weight", ".lora_up.weight", with_underscores, alpha)
    return Saved(names, {"ot_branch": "master"})


def sat(matrices: Matrices, rank: int, alpha: float) -> Saved:
    tensors = {}
    for layer, (a, b) in matrices.items():
        _, block, rest = layer.split(".", 2)
        where, index = SAT_PLACES[rest]
        stem = f"model.diffusion_model.transformer.layers.{block}.attention.{where}.matrix"
        tensors |= {f"{stem}_A.{index}": a, f"{stem}_B.{index}": b}
    return Saved(tensors, {"lora_alpha": str(alpha)})


TRAINERS: dict[str, Callable[[Matrices, int, float], Saved]] = {
    trainer.__name__: trainer
    for trainer in (
        *(diffusers, finetrainers, kohya, kohya_by_header, cogvideox_fun, peft, peft_in_training, for_comfyui),
        *(bare, before_peft, dotted_down_and_up, onetrainer, sat),
    )
}
