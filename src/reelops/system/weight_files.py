"""Folders of weights: read from safetensors alone, which hold numbers. A pickle can run code when it is opened."""

from __future__ import annotations

import json
from pathlib import Path

from reelops.errors import WeightsError
from reelops.foreign import reading_foreign
from reelops.system.plain_text import spelt_out

_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle")
_CONVERT = "Convert it to safetensors (`save_pretrained(..., safe_serialization=True)`) where you trust it."


def check_safetensors_only(folder: Path) -> None:
    """A network's folder has its weights in safetensors files, and no index of them leads to anything else.

    The libraries choose a loader by the end of a name, also of the names that an index gives.

    Raises:
        WeightsError: it has none, an index names another kind of file or one elsewhere, or no library opens its name.
    """
    require_name(folder)
    for index in sorted(folder.glob("*.index.json")):
        _check_index(index)
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(path for path in folder.glob("*") if path.suffix in _PICKLES)
    if pickles:
        raise WeightsError(f"{pickles[0]} is a pickle, which can run code when it is opened, so it is not. {_CONVERT}")
    raise WeightsError(f"{folder} has no .safetensors file. Copy or download the whole folder again.")


def require_name(path: Path) -> None:
    """Fails on a name that is no Unicode, under which safetensors opens nothing.

    Raises:
        WeightsError: it is one; without this the file itself would be called damaged.
    """
    if (shown := spelt_out(str(path))) != str(path):
        raise WeightsError(
            f"{shown} is no Unicode, and safetensors opens no other names. Rename it, or copy it elsewhere."
        )


def _check_index(index: Path) -> None:
    if not index.name.endswith(".safetensors.index.json"):
        return  # nobody reads it, as safetensors are asked for
    with reading_foreign(index, WeightsError, "is no index of weights"):
        names = {str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
    for name in sorted(names):
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise WeightsError(
                f"{index} leads to {name!r}, which is no safetensors file beside it; others can run code when they are "
                f"opened, so it is not. {_CONVERT}"
            )
