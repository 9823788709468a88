"""A copy of ReelOps' own source, to change a line of and to look at the difference."""

from __future__ import annotations

import shutil
from pathlib import Path

from reelops.system.making import SOURCE


class SourceTree:
    """The copy; whatever looks at it has to be told its `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(SOURCE / "reelops", folder / "reelops", ignore=shutil.ignore_patterns("__pycache__"))

    def append(self, module: str, text: str) -> None:
        """Adds lines to a module."""
        path = self.folder / "reelops" / module
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
