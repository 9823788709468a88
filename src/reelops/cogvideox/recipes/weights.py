"""The transformer's weights in fewer bits, from when it is loaded on: what was rounded away does not come back."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from reelops.cogvideox.architecture import Architecture
from reelops.cogvideox.recipes.finding import Finding, Found, Run
from reelops.cogvideox.recipes.recipe import NamedRecipe, WeightFormat

SWITCH = "weights"


@dataclass(frozen=True)
class HeldWeights:
    """Bytes of the transformer's weights, before and after."""

    format: str
    bytes_before: int
    bytes_after: int


def check_weights(named: NamedRecipe) -> None:
    """Refuses a format that needs a package that is not here."""
    setting = named.recipe.weights
    if setting is not None and setting.format != "float8_stored" and importlib.util.find_spec("torchao") is None:
        raise named.refuse(
            SWITCH,
            f"{setting.format} needs the package torchao, which is not installed",
            "Install it, or choose float8_stored, which needs nothing.",
        )


def hold_weights(transformer: Any, setting: WeightFormat) -> HeldWeights:
    """Rounds the weights of a transformer's linear layers; norms and the embedding of patches stay as they are."""
    import torch

    before = weight_bytes(transformer)
    if setting.format == "float8_stored":
        transformer.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=transformer.dtype)
    else:
        from torchao import quantization

        kinds = {
            "float8": "Float8DynamicActivationFloat8WeightConfig",
            "int8": "Int8WeightOnlyConfig",
        }
        quantization.quantize_(transformer.transformer_blocks, getattr(quantization, kinds[setting.format])())
    return HeldWeights(setting.format, before, weight_bytes(transformer))


def with_half_the_weights(architecture: Architecture) -> Architecture:
    """What to plan memory for: eight bits where sixteen are counted on, of the transformer alone."""
    count = architecture.parameters
    return replace(architecture, parameters={**count, "transformer": count["transformer"] // 2})


def weight_bytes(network: Any) -> int:
    """Bytes of a network's weights, as they are stored."""
    return sum(_stored_bytes(parameter) for parameter in network.parameters())


def _stored_bytes(parameter: Any) -> int:
    """torchao's tensors are made of others, which `nbytes` knows nothing of."""
    tensor = parameter.data
    if hasattr(tensor, "__tensor_flatten__"):
        names, _ = tensor.__tensor_flatten__()
        return sum(_stored_bytes(getattr(tensor, name)) for name in names)
    return int(tensor.numel() * tensor.element_size())


@contextmanager
def weights_held(setting: WeightFormat, run: Run) -> Iterator[Found]:
    """What was done when the model was loaded.

    Raises:
        RecipeRefused: nothing was.
    """
    held = run.held
    if held is None or held.format != setting.format:
        raise run.named.refuse(SWITCH, f"the model was loaded without {setting.format}")
    words = f"{held.format}: {held.bytes_after / 1e6:,.1f} MB of {held.bytes_before / 1e6:,.1f} MB"
    yield lambda: Finding(SWITCH, held.bytes_after < held.bytes_before, words)
