"""The documents and params.yaml against the models in which every default stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from reelops.params import load_config
from reelops.training.params import LatentParams, TrainParams
from reelops.validation.params import ValidateParams

BLOCKS: dict[str, type[BaseModel]] = {"latents": LatentParams, "train": TrainParams, "validate": ValidateParams}
BESIDE = {"limits", "moves", "style", "prompts"}  # groups of keys


def defaults_of(model: type[BaseModel], above: str = "") -> dict[str, Any]:
    """Every key by its path, with its default as YAML has it; an empty string where there is none."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        default = "" if field.is_required() else field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            found |= defaults_of(type(default), f"{above}{name}.")
        else:
            found[above + name] = str(default) if isinstance(default, Path) else default
    return found


def documented(text: str, block: str) -> dict[str, Any]:
    table = text.split(f"| `{block}` | default | |\n|---|---|---|\n")[1].split("\n\n")[0]
    found: dict[str, Any] = {}
    for row in table.splitlines():
        names, value = row.split("|")[1:3]
        keys = re.findall(r"`([^`]+)`", names)
        values = [yaml.safe_load(value) if value.strip() else ""] if len(keys) == 1 else yaml.safe_load(f"[{value}]")
        found |= dict(zip(keys, values, strict=True))
    return found


@pytest.mark.parametrize("block", list(BLOCKS))
def test_the_documents_list_every_key_with_its_default(repository, block):
    told = documented((repository / "docs/training.md").read_text(), block)
    defaults = {
        name: list(value) if isinstance(value, tuple) else value for name, value in defaults_of(BLOCKS[block]).items()
    }
    assert told == defaults


@pytest.mark.parametrize("block", list(BLOCKS))
def test_params_yaml_names_no_default(repository, block):
    """A value that stands in two places is changed in one of them."""
    named = yaml.safe_load((repository / "params.yaml").read_text())[block]
    model = load_config(params_file=repository / "params.yaml").block(block, BLOCKS[block])
    for name, field in BLOCKS[block].model_fields.items():
        if name in named and name not in BESIDE and not field.is_required():
            assert getattr(model, name) != field.get_default(call_default_factory=True), f"{block}.{name}"
