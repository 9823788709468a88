"""Which run a work folder is of: its complete phases are taken up by the very run that they belong to, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reelops.errors import SettingsError
from reelops.foreign import NO_JSON
from reelops.pretraining.bundle import PARTS
from reelops.pretraining.plan import PretrainingPlan
from reelops.system.files import write_text_atomically
from reelops.system.known_digests import digest_of_files
from reelops.system.making import making_of

NAME = "run.json"
# These are written before it is known whose the folder is. Hidden, they are no phases to whoever is stopped meanwhile.
_DIGESTS, LOCK = ".digests", ".lock"
_TRAINING = "reelops.pretraining.stage"
# For how long a phase is trained may change from one start to the next: the phase goes on.
_TIMES = ("seconds", "decoder_seconds")


def take_up(plan: PretrainingPlan) -> None:
    """Makes an empty work folder this run's; finds of another one that it is.

    Raises:
        SettingsError: what lies there was made with other settings, files, weights, code or libraries.
        MachineError: the folder cannot be written to.
    """
    path, mine = plan.work / NAME, _identity(plan)
    if not any(plan.work.glob("[!.]*")):
        write_text_atomically(path, json.dumps(mine, indent=1) + "\n")
        return
    theirs = _read(path)
    different = [name for name, value in mine.items() if theirs.get(name) != value]
    if different:
        raise SettingsError(
            f"The phases in {plan.work} are of another run: it had other {', '.join(different)}. Remove the folder, or "
            "name another one with --work."
        )


def _identity(plan: PretrainingPlan) -> dict[str, Any]:
    """Everything that decides what the phases leave, in words of the message above."""
    start, cache = plan.start_from, plan.work / _DIGESTS
    parts = [path for part in PARTS for path in (start / part).rglob("*") if path.is_file()] if start else []
    return {
        "settings": _without_times(json.loads(json.dumps(asdict(plan.config)))),
        "pictures": _digests(plan.pictures, cache),
        "videos": _digests(plan.videos, cache),
        "weights to start from": digest_of_files(start, parts, cache) if start else None,
        "code or libraries": making_of(_TRAINING).digest,
    }


def _digests(files: Iterable[Path], cache: Path) -> list[str]:
    return sorted(digest_of_files(path.parent, [path], cache) for path in files)


def _without_times(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_times(value) if isinstance(value, Mapping) else value
        for name, value in settings.items()
        if name not in _TIMES
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, *NO_JSON):
        return {}
    return content if isinstance(content, dict) else {}
