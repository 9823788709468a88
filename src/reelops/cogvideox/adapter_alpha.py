"""How strong a LoRA is meant to be: alpha, wherever its trainer wrote it.

| where | who |
|---|---|
| a tensor `.alpha` of every layer | kohya, CogVideoX-Fun |
| `lora_adapter_metadata` in the header | diffusers, ReelOps |
| `lora_config` in the header | finetrainers |
| `lora_alpha`, `network_alpha`, `alpha`, `ss_network_alpha` in the header | kohya and many scripts |
| `adapter_config.json` beside the file | peft |

The first of these that states it counts. Where none does, alpha is the rank, as everyone takes it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reelops.cogvideox.adapter_base import PEFT_KEY, PREFIX
from reelops.foreign import NO_JSON, printable

FINETRAINERS_KEY = "lora_config"
CONFIG_BESIDE = "adapter_config.json"
_PLAIN_ALPHAS = ("lora_alpha", "network_alpha", "alpha", "ss_network_alpha")
_PLAIN_RANKS = ("r", "rank", "lora_rank", "network_dim", "ss_network_dim")
# Fields of a peft configuration: what is read, what says only how it was trained or where, and what the matrices alone
# do not hold.
USED = frozenset(
    {"r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "use_dora", "lora_bias", "peft_type"}
    | {"init_lora_weights", "base_model_name_or_path", "bias"}
)
HARMLESS = frozenset(
    {"auto_mapping", "task_type", "inference_mode", "peft_version", "revision", "target_modules", "exclude_modules"}
    | {"layers_to_transform", "layers_pattern", "lora_dropout", "fan_in_fan_out", "megatron_config", "megatron_core"}
    | {"loftq_config", "eva_config", "corda_config", "lora_ga_config", "qalora_group_size", "runtime_config"}
    | {"ensure_weight_tying", "velora_config"}
)
BEYOND_MATRICES = frozenset(
    {"modules_to_save", "trainable_token_indices", "alora_invocation_tokens", "use_qalora", "layer_replication"}
    | {"target_parameters", "use_bdlora", "arrow_config", "kasa_config", "monteclora_config"}
)
_CHANGES_BASE = ("pissa", "olora", "loftq", "corda", "lora_ga")
# A stranger's pattern is tried on every layer: without groups and counts it takes no longer than it looks.
_SAFE_PATTERN = re.compile(r"[\w.\\^$|*-]{1,300}")
_MOST_STARS = 3


class UnknownStrength(Exception):
    """It cannot be applied as it is meant; the text is the end of a sentence that begins with the file."""


@dataclass(frozen=True)
class Strength:
    """By what B A is multiplied, layer by layer.

    Attributes:
        alphas: of every layer, by the names that the file has for them.
        stated: whether anything states them; else they are the ranks.
        rslora: alpha / sqrt(rank) instead of alpha / rank (Kalajdzievski 2023, arXiv:2312.03732).
        notes: for the user.
        for_diffusers: whether diffusers finds the same by itself.
    """

    alphas: Mapping[str, float]
    stated: bool
    rslora: bool = False
    notes: tuple[str, ...] = ()
    for_diffusers: bool = False

    @property
    def one_alpha(self) -> float | None:
        """The alpha of all layers; None where they differ."""
        found = set(self.alphas.values())
        return found.pop() if len(found) == 1 else None


@dataclass(frozen=True)
class _Config:
    """What one place states of an adapter, with the names that peft has for it."""

    place: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def alpha(self) -> float | None:
        return _number(self.fields.get("lora_alpha"), f"lora_alpha in {self.place}")

    def alpha_of(self, layer: str) -> float | None:
        found = _of_layer(self.fields.get("alpha_pattern"), layer)
        return self.alpha if found is None else _number(found, f"alpha_pattern in {self.place}")

    def rank_of(self, layer: str) -> float | None:
        found = _of_layer(self.fields.get("rank_pattern"), layer)
        return _number(self.fields.get("r") if found is None else found, f"the rank in {self.place}")


def find_strength(
    name: str,
    ranks: Mapping[str, int],
    in_tensors: Mapping[str, float],
    header: Mapping[str, str],
    beside: str | None,
    has: frozenset[str] = frozenset(),
) -> Strength:
    """The strength of every layer, and notes on where it is from.

    Args:
        name: of the adapter's file, for notes.
        ranks: of the matrices, by layer.
        in_tensors: alphas of layers that have one of their own.
        header: of the file.
        beside: the text of an adapter_config.json that is the file's.
        has: "magnitude" where all layers have one (DoRA), "bias" where they have one.

    Raises:
        UnknownStrength: what is stated contradicts the matrices, is no number, or means more than B A.
    """
    notes: list[str] = []
    configs = list(_configs(name, header, beside, notes))
    for config in configs:
        notes += _check_fields(name, config, has)
    if in_tensors and (missing := [layer for layer in ranks if layer not in in_tensors]):
        raise UnknownStrength(f"has an alpha for some layers and none for {printable(missing[0])}")
    stating = [config for config in configs if config.alpha is not None]
    if in_tensors:
        for layer, alpha in in_tensors.items():
            _number(alpha, f"the alpha of {printable(layer)}")
        strength = Strength(dict(in_tensors), True)
        place = "its .alpha tensors"
    elif stating:
        chosen = stating.pop(0)
        strength = _by_config(chosen, ranks)
        place = chosen.place
    else:
        rank = max(ranks.values())
        notes.append(
            f"adapter {name} states no alpha; it is applied as alpha = rank = {rank}. If it was trained with another "
            f"alpha, set the adapter's strength to alpha / {rank}"
        )
        return Strength(
            {layer: float(own) for layer, own in ranks.items()}, False, False, tuple(notes), PEFT_KEY not in header
        )
    notes += _notes_on(name, strength, place, ranks)
    notes += [
        f"adapter {name}: {config.place} states alpha {config.alpha:g}; that of {place} counts"
        for config in stating
        if config.alpha != strength.one_alpha
    ]
    known = place == _PEFT_PLACE and not notes and _is_whole(configs[0])
    return Strength(strength.alphas, True, strength.rslora, tuple(notes), known)


def _is_whole(config: _Config) -> bool:
    """Whether peft makes of a configuration what is read here: it cannot do without layers, and applies a dropout."""
    return bool(config.fields.get("target_modules")) and not config.fields.get("lora_dropout")


def _by_config(config: _Config, ranks: Mapping[str, int]) -> Strength:
    alphas = {}
    for layer, rank in ranks.items():
        stated, alpha = config.rank_of(layer), config.alpha_of(layer)
        if stated is not None and stated != rank:
            raise UnknownStrength(
                f"has matrices of rank {rank} for {printable(layer)}, and {config.place} says {stated:g}, so that its "
                "strength alpha / rank is not known"
            )
        assert alpha is not None
        alphas[layer] = alpha
    return Strength(alphas, True, config.fields.get("use_rslora") is True)


def _notes_on(name: str, strength: Strength, place: str, ranks: Mapping[str, int]) -> Iterator[str]:
    alpha = strength.one_alpha
    one_rank = set(ranks.values())
    if alpha == 0:
        yield f"adapter {name}: its alpha is 0, so that it changes nothing"
    elif place == _PEFT_PLACE:
        return
    elif alpha is None or len(one_rank) > 1:
        yield f"adapter {name}: alpha is taken layer by layer from {place}"
    else:
        rank = one_rank.pop()
        scale = alpha / (math.sqrt(rank) if strength.rslora else rank)
        yield f"adapter {name}: alpha {alpha:g} with rank {rank} is taken from {place}; it is applied x {scale:.4g}"


_PEFT_PLACE = f"{PEFT_KEY} of its header"


def _configs(name: str, header: Mapping[str, str], beside: str | None, notes: list[str]) -> Iterator[_Config]:
    texts = {
        _PEFT_PLACE: header.get(PEFT_KEY),
        f"{FINETRAINERS_KEY} of its header": header.get(FINETRAINERS_KEY),
    }
    for place, text in texts.items():
        if text is not None:
            yield _config(name, place, text, notes)
    key, alpha = _first_number(header, _PLAIN_ALPHAS)
    if alpha is not None:
        _, rank = _first_number(header, _PLAIN_RANKS)
        yield _Config(f"{key} of its header", {"lora_alpha": alpha, "r": rank})
    if beside is not None:
        yield _config(name, f"the {CONFIG_BESIDE} beside it", beside, notes)


def _config(name: str, place: str, text: str, notes: list[str]) -> _Config:
    try:
        content = json.loads(text)
    except (TypeError, *NO_JSON):
        content = None
    if not isinstance(content, dict):
        notes.append(f"adapter {name}: {place} is no JSON object and is ignored")
        return _Config(place)
    return _Config(place, {str(key).removeprefix(PREFIX): value for key, value in content.items()})


def _check_fields(name: str, config: _Config, has: frozenset[str]) -> Iterator[str]:
    stated = config.fields
    kind = stated.get("peft_type")
    if kind is not None and str(kind).rpartition(".")[2].upper() != "LORA":
        raise UnknownStrength(f"is no plain LoRA but {_short(kind)}, by {config.place}")
    for key in sorted(BEYOND_MATRICES & stated.keys()):
        if stated[key]:
            raise UnknownStrength(f"was trained with {key}, by {config.place}, which its matrices do not hold")
    if stated.get("bias") not in (None, "none", False):
        raise UnknownStrength(f"was trained with the base's biases (bias {_short(stated['bias'])}), by {config.place}")
    start = stated.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(_CHANGES_BASE):
        raise UnknownStrength(
            f"was trained on a base that was changed before (init_lora_weights {_short(start)}), by {config.place}; "
            "save it converted to a plain LoRA"
        )
    for key, part in (("use_dora", "magnitude"), ("lora_bias", "bias")):
        if stated.get(key) is True and part not in has:
            raise UnknownStrength(f"is incomplete: {config.place} says {key}, and it has no {part} for its layers")
    unknown = sorted(key for key in stated.keys() - USED - HARMLESS - BEYOND_MATRICES if stated[key])
    if unknown:
        yield f"adapter {name}: {config.place} has fields that are not known and ignored: {_short(', '.join(unknown))}"


def _of_layer(patterns: Any, layer: str) -> Any:
    """The value of the first pattern that fits a layer, as peft looks for it; None where none does."""
    if not isinstance(patterns, dict):
        return None
    for pattern, value in patterns.items():
        if not _SAFE_PATTERN.fullmatch(pattern) or pattern.count("*") > _MOST_STARS:
            raise UnknownStrength(f"states ranks or alphas by a pattern that is not read: {_short(pattern)}")
        try:
            if re.match(rf"(.*\.)?({pattern})$", layer):
                return value
        except re.error as error:
            raise UnknownStrength(f"states ranks or alphas by a pattern that is none: {_short(pattern)}") from error
    return None


def _number(value: Any, what: str) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise UnknownStrength(f"states no number for {what}: {_short(value)}")
    return number


def _first_number(header: Mapping[str, str], keys: Sequence[str]) -> tuple[str, float | None]:
    for key in keys:
        if (number := _plain_number(header.get(key))) is not None:
            return key, number
    return "", None


def _plain_number(text: str | None) -> float | None:
    """A header's entry as a number; trainers also write None or nothing there."""
    if text is None or text.strip().lower() in ("", "none", "null"):
        return None
    return _number(text.strip().strip('"'), "alpha or rank in its header")


def _short(value: Any) -> str:
    text = printable(str(value))
    return text if len(text) <= 80 else f"{text[:80]}..."
