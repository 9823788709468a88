"""A LoRA in a file: found, read and checked as far as it can be without a base, whoever trained it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.clip import MAX_STRENGTH
from reelops.cogvideox.adapter_alpha import CONFIG_BESIDE, Strength, UnknownStrength, find_strength
from reelops.cogvideox.adapter_base import PEFT_KEY, PREFIX, UNKNOWN_BASE, Base, stated_base
from reelops.cogvideox.adapter_names import LayerNames, Part, UnknownNames, layer_names
from reelops.errors import SettingsError, WeightsError
from reelops.foreign import printable, reading_foreign
from reelops.system.digest import sha256_of
from reelops.system.weight_files import require_name

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_NAME = "pytorch_lora_weights.safetensors"
PEFT_NAME = "adapter_model.safetensors"
_SUFFIX = ".safetensors"
_NUMBERS = {"F64", "F32", "F16", "BF16"}
_LARGEST_CONFIG = 10_000_000
_WHAT_TO_DO = "Give the whole adapter, a LoRA for CogVideoX, as its trainer saved it."


@dataclass(frozen=True)
class Adapter:
    """A LoRA in a file: W + strength * (alpha / rank) * B A (Hu et al. 2021, arXiv:2106.09685).

    Attributes:
        rank: of the matrices in the file; the largest, where layers differ.
        alpha: as it is stated; None where nothing states it, which applies it as alpha = rank, and where layers differ.
        base: what it was trained on, as far as it says so.
        notes: for the user: where alpha is from, what was ignored.
        plain: whether each layer is changed by alpha / rank times B A, with the same alpha and rank, and nothing else.
        for_diffusers: whether plain `load_lora_weights` of diffusers reads the same from the file.
    """

    path: Path
    sha256: str
    rank: int
    alpha: float | None
    strength: float = 1.0
    base: Base = UNKNOWN_BASE
    notes: tuple[str, ...] = ()
    plain: bool = True
    for_diffusers: bool = True


@dataclass(frozen=True)
class Layer:
    """What changes one layer: the names of its tensors in the file, its rank and alpha."""

    names: Mapping[Part, str]
    shapes: Mapping[Part, tuple[int, ...]]
    rank: int
    alpha: float


@dataclass(frozen=True)
class Content:
    """What an adapter's file holds, by its header and its numbers.

    Attributes:
        layers: by the names that the file has for them, without what stands before.
        dtype: as safetensors calls it: F32, F16, BF16; F32 where tensors differ.
    """

    layers: Mapping[str, Layer]
    strength: Strength
    base: Base
    dtype: str


def read_adapter(path: Path, strength: float = 1.0) -> Adapter:
    """Rank, alpha and digest of an adapter, whose numbers are known to be finite.

    Args:
        path: a safetensors file, or a folder with one.

    Raises:
        SettingsError: there is no such file, or the strength cannot be used.
        WeightsError: the file is no LoRA for CogVideoX, or not a whole one.
    """
    if not -MAX_STRENGTH <= strength <= MAX_STRENGTH:
        raise SettingsError(f"Adapter strength {strength} is out of range. Choose about 0 to 2; 1 is as trained.")
    file = find_file(path)
    content = read_content(file)
    stated = content.strength
    ranks = {layer.rank for layer in content.layers.values()}
    plain = all("magnitude" not in layer.names and "bias" not in layer.names for layer in content.layers.values())
    return Adapter(
        path=file,
        sha256=sha256_of(file),
        rank=max(ranks),
        alpha=stated.one_alpha if stated.stated else None,
        strength=strength,
        base=content.base,
        notes=stated.notes,
        plain=plain and len(ranks) == 1 and not stated.rslora and stated.one_alpha is not None,
        for_diffusers=stated.for_diffusers and file.suffix == _SUFFIX and _named_for_diffusers(content),
    )


def _named_for_diffusers(content: Content) -> bool:
    return all(
        one.names.get("A") == f"{PREFIX}{layer}.lora_A.weight"
        and one.names.get("B") == f"{PREFIX}{layer}.lora_B.weight"
        for layer, one in content.layers.items()
    )


def find_file(path: Path) -> Path:
    """The adapter's file at a path: itself, or of a folder the one that diffusers or peft saves, or its only one.

    Raises:
        SettingsError: there is none, or several.
        WeightsError: it is no safetensors file.
    """
    if path.is_dir():
        with reading_foreign(path, SettingsError, "cannot be listed", "let it be read"):
            files = sorted(file for file in path.iterdir() if file.suffix.lower() == _SUFFIX and file.is_file())
        named = {file.name: file for file in files}
        found = named.get(WEIGHTS_NAME) or named.get(PEFT_NAME) or (files[0] if len(files) == 1 else None)
        if found is None and files:
            raise SettingsError(f"{path} has {len(files)} adapters, none of them called {WEIGHTS_NAME}. Name one file.")
        if found is None and (below := sorted(path.glob(f"*/*{_SUFFIX}"))):
            deeper = below[0].relative_to(path)
            raise SettingsError(
                f"{path} has no adapter, but {len(below)} in folders below, such as {deeper}. Name one."
            )
        path = found or path / WEIGHTS_NAME
    if not path.is_file():
        raise SettingsError(f"No adapter at {path}. Give a {_SUFFIX} file or a folder that has {WEIGHTS_NAME}.")
    if path.suffix.lower() != _SUFFIX or _is_pickle(path):
        raise WeightsError(f"{path} is not a safetensors file; pickles can run code and are not opened. Convert it.")
    return path


def _is_pickle(path: Path) -> bool:
    """Whether it begins as torch and pickle write it, whatever its name says. A safetensors file begins with the length
    of its header, in eight bytes, which is less than its own."""
    with reading_foreign(path, WeightsError, "cannot be read", "check its permissions"), path.open("rb") as file:
        start = file.read(8)
    too_long = int.from_bytes(start, "little") > path.stat().st_size
    return too_long and start.startswith((b"PK\3\4", b"\x80"))


def read_content(file: Path) -> Content:
    """What an adapter's file holds; all of its numbers were looked at.

    Raises:
        WeightsError: it cannot be read, or is no LoRA that can be applied as it is meant.
    """
    with _opened(file) as tensors, _told_of(file):
        names = list(tensors.keys())
        layers = layer_names(names)
        header = {str(key): str(value) for key, value in (tensors.metadata() or {}).items()}
        slices = {name: tensors.get_slice(name) for name in names}
        shapes = {name: tuple(one.get_shape()) for name, one in slices.items()}
        dtypes = {name: str(one.get_dtype()) for name, one in slices.items()}
        _require_numbers(dtypes)
        ranks = {layer: _rank(one, shapes) for layer, one in layers.items()}
        _require_finite(names, tensors)
        alphas = {
            layer: _scalar(tensors.get_tensor(one.parts["alpha"]), one.parts["alpha"])
            for layer, one in layers.items()
            if "alpha" in one.parts
        }
        beside = _config_beside(file)
        has = frozenset(part for one in layers.values() for part in one.parts)
        strength = find_strength(file.name, ranks, alphas, header, beside, has)
    kinds = {dtypes[name] for one in layers.values() for name in one.matrices}
    return Content(
        {
            layer: Layer(
                one.parts,
                {part: shapes[name] for part, name in one.parts.items()},
                ranks[layer],
                strength.alphas[layer],
            )
            for layer, one in layers.items()
        },
        strength,
        stated_base(header) or (stated_base({PEFT_KEY: beside}) if beside else UNKNOWN_BASE),
        kinds.pop() if len(kinds) == 1 and "F64" not in kinds else "F32",
    )


def read_tensors(file: Path, content: Content) -> dict[str, dict[Part, Tensor]]:
    """The numbers of every layer, all of one type.

    Raises:
        WeightsError: they cannot be read.
    """
    import torch

    dtype = {"F16": torch.float16, "BF16": torch.bfloat16}.get(content.dtype, torch.float32)
    with _opened(file) as tensors, reading_foreign(file, WeightsError, "is no whole safetensors file"):
        return {
            layer: {part: tensors.get_tensor(name).to(dtype) for part, name in one.names.items() if part != "alpha"}
            for layer, one in content.layers.items()
        }


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    from safetensors import safe_open

    require_name(file)
    with reading_foreign(file, WeightsError, "is no whole safetensors file"):
        opened = safe_open(file, "pt")
    with opened as tensors:
        yield tensors


@contextmanager
def _told_of(file: Path) -> Iterator[None]:
    """What is wrong with a file's content, as a sentence about the file."""
    with reading_foreign(file, WeightsError, "is no whole safetensors file"):
        try:
            yield
        except (UnknownNames, UnknownStrength) as problem:
            raise WeightsError(f"{printable(str(file))} {problem}. {_WHAT_TO_DO}") from problem


def _require_numbers(dtypes: Mapping[str, str]) -> None:
    for name, dtype in dtypes.items():
        if dtype not in _NUMBERS:
            raise UnknownNames(
                f"holds {dtype} in {printable(name)}, and a LoRA's numbers are float32, float16 or bfloat16"
            )


def _rank(layer: LayerNames, shapes: Mapping[str, tuple[int, ...]]) -> int:
    first, second = layer.matrices
    a, b = shapes[first], shapes[second]
    whole = len(a) == len(b) and len(a) in (2, 4) and all(size > 0 for size in (*a, *b))
    if not whole or a[0] != b[1] or any(size != 1 for size in b[2:]):
        raise UnknownNames(f"has matrices that do not fit each other: {printable(first)} is {a}, its partner {b}")
    return a[0]


def _require_finite(names: list[str], tensors: Any) -> None:
    import torch

    for name in names:
        value = tensors.get_tensor(name)
        if not torch.isfinite(value.float() if value.dtype == torch.float64 else value).all():
            raise UnknownNames(f"has numbers that are not finite, in {printable(name)}; training it diverged")


def _scalar(value: Tensor, name: str) -> float:
    if value.numel() != 1:
        raise UnknownNames(f"has an alpha that is no single number: {printable(name)} is {tuple(value.shape)}")
    return float(value)


def _config_beside(file: Path) -> str | None:
    """The text of peft's configuration beside a file, where it is this file's and no other's."""
    config = file.parent / CONFIG_BESIDE
    if not config.is_file() or config.stat().st_size > _LARGEST_CONFIG:
        return None
    others = [one for one in file.parent.iterdir() if one.suffix.lower() == _SUFFIX and one != file]
    if file.name != PEFT_NAME and others:
        return None
    with reading_foreign(config, WeightsError, "cannot be read"):
        return config.read_text(encoding="utf-8", errors="replace")
