"""What trainers call the tensors of a LoRA, and which part of which layer each is.

| trainer | a layer's first matrix |
|---|---|
| diffusers, finetrainers, ReelOps | `transformer.transformer_blocks.0.attn1.to_q.lora_A.weight` |
| peft | `base_model.model.transformer_blocks.0.attn1.to_q.lora_A.weight`, or `.lora_A.default.weight` |
| for ComfyUI | `diffusion_model.transformer_blocks.0.attn1.to_q.lora_A.weight` |
| kohya, CogVideoX-Fun | `lora_unet__transformer_blocks_0_attn1_to_q.lora_down.weight`, and `.alpha` |
| diffusers before peft | `transformer.transformer_blocks.0.attn1.processor.to_q_lora.down.weight` |
| SAT | `model.diffusion_model.transformer.layers.0.attention.query_key_value.matrix_A.0` |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from reelops.foreign import printable

Part = Literal["A", "B", "bias", "magnitude", "alpha"]

_PREFIX = re.compile(
    r"(?:(?:base_model\.model|base_model|model|module|pipe|dit|unet|diffusion_model|transformer)\.)+"
    r"|(?:lora_unet|lora_transformer(?!_blocks)|lycoris|lora)_+"
)
_TEXT_ENCODER = re.compile(r"(?:base_model\.model\.)?(?:text_encoder|text_model|lora_te)")
# Behind `lora_A` peft puts the adapter's name while it trains.
_NAME = r"(?:\.(?P<name>(?!weight$|bias$|weight\.|bias\.)\w+))?"
_PARTS: Mapping[Part, re.Pattern[str]] = {
    "A": re.compile(rf"[._](?:lora_A|lora_down|lora\.down){_NAME}(?:\.weight)?$"),
    "B": re.compile(rf"[._](?:lora_B|lora_up|lora\.up){_NAME}(?:\.weight)?$"),
    "bias": re.compile(rf"[._](?:lora_B|lora_up|lora\.up){_NAME}\.bias$"),
    "magnitude": re.compile(rf"\.lora_magnitude_vector{_NAME}(?:\.weight)?$"),
    "alpha": re.compile(r"\.(?:lora_)?alpha$"),
}
_SAT = re.compile(
    r"layers\.(?P<block>\d+)\.attention\.(?P<where>query_key_value|dense)\.matrix_(?P<part>[AB])\.(?P<i>[012])$"
)
_SAT_LAYERS: Mapping[tuple[str, str], str] = {
    ("query_key_value", "0"): "to_q",
    ("query_key_value", "1"): "to_k",
    ("query_key_value", "2"): "to_v",
    ("dense", "0"): "to_out.0",
}
# What else trainers keep under names like these; each would be a change that B A alone is not.
_OTHER_METHODS: Mapping[str, str] = {
    "LoHa": r"\.hada_",
    "LoKr": r"\.lokr_",
    "OFT": r"\.b?oft_",
    "(IA)3": r"\.ia3_|\.on_input$",
    "GLoRA": r"\.(?:a1|a2|b1|b2|bm)\.weight$",
    "AdaLoRA": r"\.lora_E\b|\.ranknum\b",
    "LoCon with a Tucker core": r"\.lora_mid\b",
    "DoRA in a layout of which the axis is not known (dora_scale)": r"\.dora_scale$",
    "VeRA": r"\bvera_",
    "FourierFT": r"\.fourierft_",
    "Bone or MiSS": r"\.(?:bone|miss)_",
    "whole differences of weights": r"\.diff(?:_b)?$|\.(?:w|b)_norm$|\.set_weight$",
    "LoRA of embeddings": r"\.lora_embedding_",
    "retrained layers beside the LoRA (modules_to_save)": r"\.modules_to_save\b",
}
_LONGEST_SHOWN = 120


class UnknownNames(Exception):
    """Names that make no LoRA for CogVideoX; its text is the end of a sentence that begins with the file."""


@dataclass(frozen=True)
class Slot:
    """Where a tensor belongs.

    Attributes:
        layer: as the file calls it, without what stands before: `transformer_blocks.0.attn1.to_q`, or the same with
            underscores.
        prefix: what stood before.
        name: of the adapter, where the trainer put it between.
    """

    layer: str
    part: Part
    prefix: str = ""
    name: str | None = None


@dataclass
class LayerNames:
    """The tensors of one layer by their names in the file."""

    parts: dict[Part, str] = field(default_factory=dict)

    @property
    def matrices(self) -> tuple[str, str]:
        return self.parts["A"], self.parts["B"]


def layer_names(names: Iterable[str]) -> dict[str, LayerNames]:
    """The tensors of every layer that a LoRA changes, each layer with both its matrices.

    Raises:
        UnknownNames: it is another method, half an adapter, more than one, or none.
    """
    given = sorted(names)
    slots = {name: _slot(name) for name in given}
    _require_lora(slots)
    layers: dict[str, LayerNames] = {}
    for name, slot in slots.items():
        assert slot is not None
        parts = layers.setdefault(slot.layer, LayerNames()).parts
        if slot.part in parts:
            raise UnknownNames(f"holds the same matrix twice, as {_shown(parts[slot.part])} and {_shown(name)}")
        parts[slot.part] = name
    _require_one_layout([slot for slot in slots.values() if slot])
    _require_whole(layers)
    return layers


def flat(layer: str) -> str:
    """A layer's name as kohya writes it, in which no trainer differs."""
    return layer.replace(".", "_")


def _slot(name: str) -> Slot | None:
    before = _PREFIX.match(name)
    prefix = before.group() if before else ""
    rest = name[len(prefix) :]
    if sat := _SAT.match(rest):
        where = _SAT_LAYERS.get((sat["where"], sat["i"]))
        part: Part = "A" if sat["part"] == "A" else "B"
        return Slot(f"transformer_blocks.{sat['block']}.attn1.{where}", part, prefix) if where else None
    for part, pattern in _PARTS.items():
        if found := pattern.search(rest):
            layer = rest[: found.start()].replace(".processor.", ".")
            return Slot(layer, part, prefix, found.groupdict().get("name")) if layer else None
    return None


def _require_lora(slots: Mapping[str, Slot | None]) -> None:
    for name in slots:
        for method, pattern in _OTHER_METHODS.items():
            if re.search(pattern, name):
                raise UnknownNames(f"is no plain LoRA but {method}: it has {_shown(name)}")
    if not any(slot and slot.part in ("A", "B") for slot in slots.values()):
        raise UnknownNames("holds no LoRA for CogVideoX: it has no lora_A matrices")
    for name, slot in slots.items():
        if _TEXT_ENCODER.match(name):
            raise UnknownNames(
                f"changes the text encoder too ({_shown(name)}), and adapters of CogVideoX change the transformer alone"
            )
        if slot is None:
            raise UnknownNames(f"has a tensor that is no part of a LoRA: {_shown(name)}")


def _require_one_layout(slots: list[Slot]) -> None:
    prefixes = sorted({slot.prefix for slot in slots})
    if len(prefixes) > 1:
        shown = " and ".join(f"{_shown(prefix)}..." if prefix else "without a prefix" for prefix in prefixes)
        raise UnknownNames(f"names its layers in {len(prefixes)} ways, {shown}, so that it is no one adapter")
    names = sorted({slot.name for slot in slots if slot.name})
    if len(names) > 1:
        raise UnknownNames(f"holds {len(names)} adapters: {_shown(', '.join(names))}")


def _require_whole(layers: Mapping[str, LayerNames]) -> None:
    partners: tuple[tuple[Part, Part], ...] = (("A", "B"), ("B", "A"))
    for layer, one in layers.items():
        for part, other in partners:
            if part not in one.parts:
                has = one.parts.get(other)
                what = f"{_shown(has)} and no {_word(part)} for it" if has else f"no matrices for {_shown(layer)}"
                raise UnknownNames(f"is incomplete: it has {what}")
    optional: tuple[tuple[Part, str], ...] = (("bias", "a bias"), ("magnitude", "a magnitude (DoRA)"))
    for part, what in optional:
        without = [layer for layer, one in layers.items() if part not in one.parts]
        if without and len(without) < len(layers):
            raise UnknownNames(f"is incomplete: it has {what} for some layers and none for {_shown(without[0])}")


def _word(part: Part) -> str:
    return "first matrix (lora_A, lora_down)" if part == "A" else "second matrix (lora_B, lora_up)"


def _shown(name: str) -> str:
    text = printable(name)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
