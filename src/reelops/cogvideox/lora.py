"""LoRA adapters in training: put on a transformer, drawn, and saved as plain diffusers reads them."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.cogvideox.adapter_base import PREFIX, peft_entry
from reelops.errors import SettingsError
from reelops.system.files import write_atomically

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter

_TRAINED = "default"  # the name under which peft holds an adapter in training


def add_lora(transformer: Any, rank: int, alpha: float, targets: Sequence[str], seed: int) -> None:
    """Puts a fresh adapter on a frozen transformer: A drawn from the seed alone, B zero, both float32.

    Raises:
        SettingsError: the transformer has no layers of those names.
    """
    from peft import LoraConfig

    names = [name for name, _ in transformer.named_modules()]
    missing = [target for target in targets if not any(f".{name}".endswith(f".{target}") for name in names)]
    if missing:
        raise SettingsError(
            f"train.targets: the transformer has no layers named {', '.join(missing)}. "
            "Its attention projections are to_q, to_k, to_v and to_out.0."
        )
    transformer.add_adapter(LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets), init_lora_weights=True))
    parameters = lora_parameters(transformer)
    for parameter in parameters.values():
        parameter.data = parameter.data.float()
    _draw_a(parameters, seed)


def _draw_a(parameters: Mapping[str, Parameter], seed: int) -> None:
    """A as peft starts it, uniform within 1 / sqrt(width), but from a generator of our own."""
    import torch

    generator = torch.Generator("cpu").manual_seed(seed)
    for name in sorted(parameters):
        if "lora_A" in name and parameters[name].device.type != "meta":
            bound = parameters[name].shape[1] ** -0.5
            drawn = torch.empty(parameters[name].shape).uniform_(-bound, bound, generator=generator)
            parameters[name].data.copy_(drawn)


def lora_parameters(transformer: Any) -> dict[str, Parameter]:
    """The adapter's matrices by the names they have in its file, without `transformer.` in front."""
    return {
        name.replace(f".{_TRAINED}.", "."): parameter
        for name, parameter in transformer.named_parameters()
        if "lora_" in name
    }


def save_adapter(transformer: Any, weights: Mapping[str, Tensor], path: Path, facts: Mapping[str, str]) -> None:
    """Writes the file that plain `pipeline.load_lora_weights` reads, rank and alpha where diffusers looks for them.

    Args:
        weights: by the names of `lora_parameters`; the live ones or an average of them.
        path: the .safetensors file.
        facts: further entries for the header, such as the base's revision.
    """
    import torch
    from safetensors.torch import save

    metadata = {"format": "pt", **peft_entry(transformer.peft_config[_TRAINED].to_dict()), **facts}
    tensors = {f"{PREFIX}{name}": value.detach().to("cpu", torch.float32) for name, value in weights.items()}
    data = save({name: value.contiguous() for name, value in tensors.items()}, metadata)
    with write_atomically(path) as partial:
        partial.write_bytes(_with_sorted_header(data))


def _with_sorted_header(data: bytes) -> bytes:
    """The same safetensors file with its header in order: the library writes metadata in a random one, and the same
    adapter has to have the same digest."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.dumps(json.loads(data[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data[8 + length :]
