"""What a source of the data set lists, without a network and without its videos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reelops.dataset.entry import Entry
from reelops.dataset.params import DatasetParams, open_source

Listed = dict[str, Entry]


def listed(source: dict[str, Any], root: Path, *files: Path) -> tuple[Listed, list[str]]:
    """Entries by their ids, and what was noted.

    Args:
        source: its block of params.yaml.
        root: the folder that its paths count from.
        files: its annotations, where it has such.
    """
    (params,) = DatasetParams.model_validate({"sources": [source]}).sources
    notes: list[str] = []
    return {entry.clip_id: entry for entry in open_source(params, root).entries(files, notes.append)}, notes
