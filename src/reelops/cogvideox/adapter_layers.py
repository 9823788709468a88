"""An adapter fitted to the layers of a transformer: applied for one sampling, or trained further."""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.cogvideox.adapter_base import PREFIX, Base, peft_entry, require_base
from reelops.cogvideox.adapter_file import Adapter, Content, Layer, read_content, read_tensors
from reelops.cogvideox.adapter_names import Part, flat
from reelops.errors import WeightsError
from reelops.foreign import printable, reading_foreign

if TYPE_CHECKING:
    from peft import LoraConfig
    from torch import Tensor

_NAME = "reelops"
_LINEAR = 2  # dimensions of the weight of a linear layer
_PEFT_PARTS: Mapping[Part, str] = {
    "A": "lora_A.weight",
    "B": "lora_B.weight",
    "bias": "lora_B.bias",
    "magnitude": "lora_magnitude_vector",
}


@contextmanager
def adapter_applied(
    pipeline: Any,
    adapter: Adapter | None,
    base: Base,
    other_base: bool = False,
    further: Sequence[Adapter] = (),
) -> Iterator[tuple[str, ...]]:
    """The pipeline with the adapter on, and without it again afterwards, whatever happens between.

    Args:
        further: adapters that are on beside it, each at its own strength; what they change adds up.
        base: what the pipeline was loaded from.
        other_base: apply it though it was trained on another base; the notes that are given say so.

    Raises:
        WeightsError: the adapter does not fit the base, or was trained on another one.
    """
    if adapter is None:
        yield ()
        return
    adapters = (adapter, *further)
    notes = tuple(note for one in adapters for note in require_base(one.path, one.base, base, other_base))
    _apply(pipeline, adapters)
    try:
        yield notes
    finally:
        pipeline.unload_lora_weights()


def read_adapter_weights(adapter: Adapter, transformer: Any, base: Base, other_base: bool) -> dict[str, Tensor]:
    """The matrices of an adapter that fits this transformer, by the names of `lora_parameters`.

    Raises:
        WeightsError: it was made for another base.
    """
    require_base(adapter.path, adapter.base, base, other_base)
    weights, _ = _for_layers_of(transformer, adapter)
    return weights


def save_for_diffusers(adapter: Adapter, transformer: Any, path: Path) -> None:
    """Writes an adapter that fits this transformer as plain `load_lora_weights` of diffusers reads it.

    Raises:
        WeightsError: it was made for another base.
    """
    from safetensors.torch import save_file

    weights, config = _for_layers_of(transformer, adapter)
    tensors = {f"{PREFIX}{name}": value.contiguous() for name, value in weights.items()}
    save_file(tensors, path, {"format": "pt", **peft_entry(config.to_dict())})


def _apply(pipeline: Any, adapters: Sequence[Adapter]) -> None:
    # All before the first is on, with which layers have other names.
    fitted = [_for_layers_of(pipeline.transformer, adapter) for adapter in adapters]
    names = [f"{_NAME}{number or ''}" for number in range(len(adapters))]
    try:
        for adapter, name, (weights, config) in zip(adapters, names, fitted, strict=True):
            with (
                reading_foreign(adapter.path, WeightsError, "cannot be loaded as an adapter"),
                warnings.catch_warnings(action="ignore", category=UserWarning),  # that there are several is meant
            ):
                pipeline.transformer.load_lora_adapter(
                    {f"{PREFIX}{key}": value for key, value in weights.items()},
                    prefix=PREFIX.removesuffix("."),
                    adapter_name=name,
                    metadata={f"{PREFIX}{key}": value for key, value in config.to_dict().items()},
                    low_cpu_mem_usage=True,
                    _pipeline=pipeline,
                )
        with reading_foreign(adapters[0].path, WeightsError, "cannot be loaded as an adapter"):
            pipeline.set_adapters(names, [adapter.strength for adapter in adapters])
    except BaseException:
        pipeline.unload_lora_weights()
        raise


def _for_layers_of(transformer: Any, adapter: Adapter) -> tuple[dict[str, Tensor], LoraConfig]:
    """The adapter's tensors under peft's names for this transformer, and the configuration that goes with them.

    The configuration is made of what was read, so that nothing else that a header says (a way to start, a dropout)
    reaches the base.
    """
    from peft import LoraConfig

    content = read_content(adapter.path)
    layers = _fitted(transformer, adapter, content)
    tensors = read_tensors(adapter.path, content)
    weights = {
        f"{layer}.{_PEFT_PARTS[part]}": value.reshape(_shape(transformer, layer, part, value))
        for found, layer in layers.items()
        for part, value in tensors[found].items()
    }
    ranks = {layer: content.layers[found].rank for found, layer in layers.items()}
    alphas = {layer: content.layers[found].alpha for found, layer in layers.items()}
    rank, rank_pattern = _most(ranks)
    alpha, alpha_pattern = _most(alphas)
    return weights, LoraConfig(
        r=rank,
        lora_alpha=alpha,
        rank_pattern=rank_pattern,
        alpha_pattern=alpha_pattern,
        target_modules=list(ranks),
        use_rslora=content.strength.rslora,
        use_dora=any(name.endswith(_PEFT_PARTS["magnitude"]) for name in weights),
        lora_bias=any(name.endswith(_PEFT_PARTS["bias"]) for name in weights),
    )


def _most(values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The value that most layers have, and peft's patterns for the others."""
    common = Counter(values.values()).most_common(1)[0][0]
    return common, {f"^{re.escape(layer)}": value for layer, value in values.items() if value != common}


def _shape(transformer: Any, layer: str, part: Part, value: Tensor) -> tuple[int, ...]:
    """A tensor's shape for its layer: some trainers keep the matrices of every layer as those of a convolution."""
    if part in ("A", "B") and transformer.get_submodule(layer).weight.ndim == _LINEAR and value.ndim > _LINEAR:
        return tuple(value.shape[:_LINEAR])
    return tuple(value.shape)


def _fitted(transformer: Any, adapter: Adapter, content: Content) -> dict[str, str]:
    """The transformer's name for every layer of the adapter.

    Raises:
        WeightsError: it has no such layer, or one of another width.
    """
    weights = {
        name: module.weight
        for name, module in transformer.named_modules()
        if getattr(getattr(module, "weight", None), "ndim", 0) in (2, 4)
    }
    by_flat_name = {flat(name): name for name in weights}
    fitted: dict[str, str] = {}
    for found, one in content.layers.items():
        # Before peft, diffusers left out that the output projection is the first of a list.
        name = by_flat_name.get(flat(found)) or by_flat_name.get(f"{flat(found)}_0")
        unfit = f"the base has no layer {printable(found)}" if name is None else _misfit(name, one, weights[name].shape)
        if unfit or name is None:
            raise WeightsError(
                f"Adapter {adapter.path} was made for another base model: {unfit}. Use it with the base it was "
                "trained on."
            )
        if name in fitted.values():
            raise WeightsError(
                f"Adapter {adapter.path} changes {name} twice, under two names. Give it as it was saved."
            )
        fitted[found] = name
    return fitted


def _misfit(name: str, one: Layer, width: Sequence[int]) -> str | None:
    """Why a layer's tensors do not fit a weight (out, in) or (out, in, height, width)."""
    a, b = one.shapes["A"], one.shapes["B"]
    if len(width) == _LINEAR and any(size != 1 for size in a[_LINEAR:]):
        return f"{name} is no convolution, and the adapter's is"
    if a[1] != width[1]:
        return f"{name} reads {width[1]} values and the adapter {a[1]}"
    if len(width) > _LINEAR and tuple(a[1:]) != tuple(width[1:]):
        return f"{name} is a convolution of {tuple(width[1:])}, and the adapter's of {tuple(a[1:])}"
    if b[0] != width[0]:
        return f"{name} makes {width[0]} values and the adapter {b[0]}"
    for part in ("bias", "magnitude"):
        if part in one.shapes and math.prod(one.shapes[part]) != width[0]:
            return f"{name} makes {width[0]} values and the adapter has a {part} of {one.shapes[part]}"
    return None
