"""A file to which facts are added as they are met, a JSON object a line; it may be cut short at any moment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reelops.foreign import NO_JSON
from reelops.system.write_errors import machine_error_on_write


def add_to_journal(path: Path, facts: Mapping[str, Any]) -> None:
    """Adds a line. Led by a line end of its own, it stays whole after one that a kill cut short.

    Raises:
        MachineError: the file cannot be written to, or the disk is full.
    """
    with machine_error_on_write(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps(facts)}\n")


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """All lines, the first one first; what is no object is passed over. A file that is not there has none."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            facts = json.loads(line)
        except NO_JSON:
            continue
        if isinstance(facts, dict):
            yield facts
