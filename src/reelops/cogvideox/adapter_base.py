"""Which base an adapter was trained on, by its own header, and whether it may be applied to another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from reelops.errors import WeightsError
from reelops.foreign import NO_JSON

# Where our training writes what it trained on, as JSON.
HEADER_KEY = "reelops"
# Where diffusers and peft keep theirs; and the same as a plain entry, as other trainers write it.
PEFT_KEY = "lora_adapter_metadata"
# Before the names of tensors and of peft's fields, where diffusers keeps them for the transformer of a pipeline.
PREFIX = "transformer."
_NAMES_IN_PEFT = (f"{PREFIX}base_model_name_or_path", "base_model_name_or_path")
_PLAIN_NAMES = ("base_model_name_or_path", "base_model")
_SHOWN = 19


@dataclass(frozen=True)
class Base:
    """A base model: what it is called, and the exact weights where they are known.

    Attributes:
        name: a hub repository, or a folder.
        revision: the hub's commit, or `sha256:` and a digest of a folder's content.
    """

    name: str | None = None
    revision: str | None = None

    def __bool__(self) -> bool:
        return bool(self.name or self.revision)

    def __str__(self) -> str:
        return " ".join([self.name or "weights without a name", *([self.revision[:_SHOWN]] if self.revision else [])])

    def is_other_than(self, loaded: Base) -> bool:
        """Whether these are known to be two: by their revisions; where one has none, by their names.

        Of a name its last part counts, in whatever case: the same model is called THUDM/CogVideoX-5b-I2V,
        zai-org/CogVideoX-5b-I2V, and CogVideoX-5b-I2V in somebody's folder.
        """
        if self.revision and loaded.revision:
            return self.revision != loaded.revision
        return bool(self.name and loaded.name) and _last_part(self.name) != _last_part(loaded.name)


UNKNOWN_BASE = Base()


def stated_base(header: Mapping[str, str]) -> Base:
    """What the header of a safetensors file says of it; an empty one where it says nothing."""
    ours = _object_in(header, HEADER_KEY)
    if base := Base(_text(ours.get("base")), _text(ours.get("base_revision"))):
        return base
    peft = _object_in(header, PEFT_KEY)
    names = [*(peft.get(key) for key in _NAMES_IN_PEFT), *(header.get(key) for key in _PLAIN_NAMES)]
    return Base(next((text for name in names if (text := _text(name))), None))


def peft_entry(config: Mapping[str, Any]) -> dict[str, str]:
    """The entry of a header in which plain `load_lora_weights` of diffusers finds peft's configuration."""
    stated = {f"{PREFIX}{key}": sorted(value) if isinstance(value, set) else value for key, value in config.items()}
    return {PEFT_KEY: json.dumps(stated, indent=2, sort_keys=True)}


def require_base(adapter: PurePath, stated: Base, loaded: Base, other_base: bool) -> tuple[str, ...]:
    """Notes for the user, once the adapter may be applied to the base that is loaded.

    Args:
        stated: what it was trained on; an empty one is applied to any base that it fits.
        other_base: the user knows, and wants it.

    Raises:
        WeightsError: it was trained on another base.
    """
    if not stated.is_other_than(loaded):
        return ()
    if other_base:
        return (f"adapter {adapter.name} was trained on {stated} and is applied to another base, {loaded}, as asked",)
    raise WeightsError(
        f"Adapter {adapter} was trained on {stated}, and this base is {loaded}. Choose the profile of its base, train "
        "it again, or apply it all the same: --other-base, or `other_base` in Python and in params.yaml."
    )


def _object_in(header: Mapping[str, str], key: str) -> Mapping[str, Any]:
    try:
        content = json.loads(header[key])
    except (KeyError, TypeError, *NO_JSON):
        return {}
    return content if isinstance(content, dict) else {}


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _last_part(name: str | None) -> str:
    """Of a repository or a path; the hub's cache keeps the repository's name above the commit."""
    parts = [part for part in (name or "").replace("\\", "/").split("/") if part]
    if len(parts) > 1 and parts[-1] == "transformer":
        parts.pop()  # the base's part that peft was given
    kept = next((part for part in parts if part.startswith("models--")), None)
    last = kept.rpartition("--")[2] if kept else parts[-1] if parts else ""
    return last.partition("@")[0].casefold()
