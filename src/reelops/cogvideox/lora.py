"""LoRA adapters: made, saved, found, checked against the base, and worn by a pipeline for one sampling."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.clip import MAX_STRENGTH
from reelops.cogvideox.adapter_base import PEFT_KEY, UNKNOWN_BASE, Base, require_base, stated_base
from reelops.errors import SettingsError, WeightsError
from reelops.foreign import reading_foreign
from reelops.system.digest import sha256_of
from reelops.system.files import write_atomically
from reelops.system.weight_files import require_name

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter

WEIGHTS_NAME = "pytorch_lora_weights.safetensors"
_NAME = "reelops"
_TRAINED = "default"  # the name under which peft holds an adapter in training
_PREFIX = "transformer."


@dataclass(frozen=True)
class Adapter:
    """A LoRA in a file: W + strength * (alpha / rank) * B A (Hu et al. 2021, arXiv:2106.09685).

    Attributes:
        rank: of the matrices in the file.
        alpha: from the file's metadata; None where it says nothing, which applies it as alpha = rank.
        base: what it was trained on, by the file's metadata.
    """

    path: Path
    sha256: str
    rank: int
    alpha: float | None
    strength: float = 1.0
    base: Base = UNKNOWN_BASE

    @property
    def notes(self) -> tuple[str, ...]:
        if self.alpha is not None:
            return ()
        return (
            f"adapter {self.path.name} states no alpha; it is applied as alpha = rank = {self.rank}. If it was trained "
            f"with another alpha, set the adapter's strength to alpha / {self.rank}",
        )


def read_adapter(path: Path, strength: float = 1.0) -> Adapter:
    """Rank, alpha and digest of an adapter.

    Args:
        path: a safetensors file, or a folder with pytorch_lora_weights.safetensors.

    Raises:
        SettingsError: there is no such file, or the strength cannot be used.
        WeightsError: the file is no LoRA for CogVideoX.
    """
    if not -MAX_STRENGTH <= strength <= MAX_STRENGTH:
        raise SettingsError(f"Adapter strength {strength} is out of range. Choose about 0 to 2; 1 is as trained.")
    file = path / WEIGHTS_NAME if path.is_dir() else path
    if not file.is_file():
        raise SettingsError(f"No adapter at {file}. Give a .safetensors file or a folder that has {WEIGHTS_NAME}.")
    if file.suffix != ".safetensors":
        raise WeightsError(f"{file} is not a safetensors file; pickles can run code and are not opened. Convert it.")
    shapes, metadata = _header(file)
    ranks = {shape[0] for name, shape in shapes.items() if name.endswith(("lora_A.weight", "lora_down.weight"))}
    if not ranks or any("lora" not in name for name in shapes):
        raise WeightsError(f"{file} holds no LoRA for CogVideoX: it has no lora_A matrices. Give an adapter's weights.")
    alpha = _alpha(metadata)
    return Adapter(file, sha256_of(file), max(ranks), alpha, strength, stated_base(metadata))


def _header(file: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    from safetensors import safe_open

    require_name(file)
    with reading_foreign(file, WeightsError, "is no whole safetensors file"), safe_open(file, "pt") as tensors:
        shapes = {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118 - no mapping
        return shapes, tensors.metadata() or {}


def _alpha(metadata: dict[str, str]) -> float | None:
    try:
        alpha = json.loads(metadata[PEFT_KEY]).get("transformer.lora_alpha")
        return float(alpha) if alpha is not None else None
    except (KeyError, ValueError, AttributeError, TypeError, RecursionError):
        return None


@contextmanager
def adapter_applied(
    pipeline: Any, adapter: Adapter | None, base: Base, other_base: bool = False
) -> Iterator[tuple[str, ...]]:
    """The pipeline with the adapter on, and without it again afterwards, whatever happens between.

    Args:
        base: what the pipeline was loaded from.
        other_base: wear it though it was trained on another base; the notes that are given say so.

    Raises:
        WeightsError: the adapter does not fit the base, or was trained on another one.
    """
    if adapter is None:
        yield ()
        return
    notes = require_base(adapter.path, adapter.base, base, other_base)
    _apply(pipeline, adapter)
    try:
        yield notes
    finally:
        pipeline.unload_lora_weights()


def _apply(pipeline: Any, adapter: Adapter) -> None:
    _check_fit(pipeline.transformer, adapter)
    try:
        with reading_foreign(adapter.path, WeightsError, "cannot be loaded as an adapter"):
            pipeline.load_lora_weights(str(adapter.path.parent), weight_name=adapter.path.name, adapter_name=_NAME)
            pipeline.set_adapters([_NAME], [adapter.strength])
    except BaseException:
        pipeline.unload_lora_weights()
        raise


def _check_fit(transformer: Any, adapter: Adapter) -> None:
    unfit = _misfit(transformer, adapter)
    if unfit:
        raise WeightsError(
            f"Adapter {adapter.path} was made for another base model: {unfit}. Use it with the base it was trained on."
        )


def _misfit(transformer: Any, adapter: Adapter) -> str | None:
    """Why an adapter does not fit: a layer that is not there, or one of another width."""
    shapes, _ = _header(adapter.path)
    widths = {name: module.weight.shape for name, module in transformer.named_modules() if hasattr(module, "weight")}
    for name, shape in shapes.items():
        layer, _, kind = name.removeprefix("transformer.").partition(".lora_")
        if layer not in widths:
            return f"the base has no layer {layer}"
        if kind.startswith(("A.", "down.")) and shape[-1] != widths[layer][-1]:
            return f"{layer} reads {widths[layer][-1]} values and the adapter {shape[-1]}"
        if kind.startswith(("B.", "up.")) and shape[0] != widths[layer][0]:
            return f"{layer} makes {widths[layer][0]} values and the adapter {shape[0]}"
    return None


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

    config = transformer.peft_config[_TRAINED].to_dict()
    stated = {f"{_PREFIX}{key}": sorted(value) if isinstance(value, set) else value for key, value in config.items()}
    metadata = {"format": "pt", PEFT_KEY: json.dumps(stated, indent=2, sort_keys=True), **facts}
    tensors = {f"{_PREFIX}{name}": value.detach().to("cpu", torch.float32) for name, value in weights.items()}
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


def read_adapter_weights(adapter: Adapter, transformer: Any, base: Base, other_base: bool) -> dict[str, Tensor]:
    """The matrices of an adapter that fits this transformer, by the names of `lora_parameters`.

    Raises:
        WeightsError: it was made for another base.
    """
    require_base(adapter.path, adapter.base, base, other_base)
    from safetensors.torch import load_file

    _check_fit(transformer, adapter)
    return {name.removeprefix(_PREFIX): value for name, value in load_file(adapter.path).items()}
