"""Importing the tasks says where Prefect's home is to be, and makes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run(program: str, home: Path, repository: Path) -> str:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "REELOPS_"))}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository,
        env=bare | {"REELOPS_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_importing_tasks_makes_no_folder(repository: Path, tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    said = run("import os, tasks; print(os.environ['PREFECT_HOME'])", home, repository)
    assert said == str(home / "prefect") and not (tmp_path / "deep").exists()


def test_prefect_finds_its_home_inside_ours(repository: Path, tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    said = run("import tasks.failure, prefect.settings as s; print(s.get_current_settings().home)", home, repository)
    assert said == str(home / "prefect")
