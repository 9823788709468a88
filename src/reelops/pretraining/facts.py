"""What is kept beside a trained model: how it was trained, and what was measured of the published one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reelops.errors import WeightsError
from reelops.foreign import NO_JSON, json_object, machine_error_on_read, reading_foreign

TRAINING = "training.json"
"""Beside the model's parts: seconds of its phases, its sources and how many parameters each part has."""
_KINDS = {"seconds": dict, "sources": list, "parameters": dict}


def read_facts(folder: Path) -> Mapping[str, Any]:
    """What a model's folder says of its training.

    Raises:
        WeightsError: it says nothing, or something else.
        MachineError: it cannot be read on this machine now.
    """
    path = folder / TRAINING
    if not path.is_file():
        raise WeightsError(f"There is no {path}, which says how the model was trained. Bring it again with the model.")
    with reading_foreign(path, WeightsError, "is damaged", "bring it again with the model"):
        facts = json_object(path.read_text(encoding="utf-8"))
        for name, kind in _KINDS.items():
            if not isinstance(facts.get(name), kind):
                raise ValueError(f"it has no {name}")
        if not all(type(value) is int for part in ("seconds", "parameters") for value in facts[part].values()):
            raise ValueError("its seconds or parameters are no whole numbers")
    return facts


def read_figures(path: Path, names: Iterable[str]) -> dict[str, Any] | None:
    """An earlier evaluation; None where there is none, or it lacks one of these figures.

    Raises:
        MachineError: it cannot be read on this machine now.
    """
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, *NO_JSON):
        return None
    except OSError as error:
        raise machine_error_on_read(path, error) from error
    whole = isinstance(figures, dict) and all(isinstance(figures.get(name), int | float) for name in names)
    return figures if whole else None
