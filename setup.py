"""Puts what ReelOps ships beside its code into the wheel: the embedded model, its defaults, sample pictures.

Git holds one copy, at the root of the repository; `reelops.settings.shipped_folder` finds it there or here.
"""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SHIPPED = (
    "params.yaml",
    "benchmark.yaml",
    "pretrain.yaml",
    "dvc.lock",
    "models/tiny-i2v",
    "models/naturalness",
    "data/samples",
)


class BuildWithShipped(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            ship(Path(self.build_lib) / "reelops" / "shipped")


def ship(folder: Path) -> None:
    """Copies what git versions of it, and notes the commit, which a wheel's lineage names."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in SHIPPED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.partial", ".*"))
        else:
            shutil.copyfile(source, target)
    lineage = runpy.run_path(str(ROOT / "src/reelops/tracking/commit.py"))
    if commit := lineage["commit_of"](ROOT):
        (folder / lineage["NOTE_NAME"]).write_text(commit + "\n", encoding="utf-8")


setup(cmdclass={"build_py": BuildWithShipped})
