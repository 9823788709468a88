"""Writes requirements.lock: every package that pyproject.toml and its extras need, at one exact version.

    python scripts/lock.py               keep the versions of the present lock wherever they still fit
    python scripts/lock.py --upgrade     take the newest of everything

The versions come from pip's own resolver, run by each Python that ReelOps supports, so plain pip can install what it
writes. What differs between them has a marker. The Pythons are sought as python3.11, python3.12 and so on.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
HEADER = """\
# Every package of reelops and its extras, at one exact version. Written by `make lock`; do not edit.
# torch states its own CUDA packages exactly, so a machine with a GPU needs no second lock.
"""
# What torch's builds for GPUs bring along.
FROM_TORCH = ("nvidia-", "cuda-", "triton")


def wanted(pyproject: dict[str, Any]) -> list[str]:
    """Requirements of the project and of all its extras, as pyproject.toml states them."""
    project = pyproject["project"]
    return sorted({*project["dependencies"], *chain(*project["optional-dependencies"].values())})


def pythons(pyproject: dict[str, Any]) -> dict[str, str]:
    """The interpreter of each version that pyproject.toml's classifiers name, oldest first.

    Raises:
        SystemExit: one is not on the path.
    """
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(pyproject["project"]["classifiers"]))
    found = {version: shutil.which(f"python{version}") for version in named}
    if missing := [f"python{version}" for version, path in found.items() if path is None]:
        raise SystemExit(f"{', '.join(missing)} is not here; the lock holds for all that ReelOps supports. Install it.")
    return {version: path for version, path in found.items() if path}


def resolve(python: str, requirements: list[str], constraints: Path | None) -> dict[str, str]:
    """Name and version of each package pip would install into an empty environment of this interpreter.

    Raises:
        SystemExit: pip found no set of versions that fits; its own words have been printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "--python", python, "install", "-qq", "--dry-run", "--ignore-installed"]
        command += ["--report", str(report), *requirements]
        if constraints:
            command += ["--constraint", str(constraints)]
        if subprocess.run(command, check=False).returncode:
            raise SystemExit(
                f"No versions fit together for {python}; `make lock UPGRADE=1` lets go of the present ones."
            )
        installs = json.loads(report.read_text())["install"]
    # A build's local label (2.13.0+cpu) names where it came from, not what it is.
    versions = {item["metadata"]["name"]: item["metadata"]["version"].partition("+")[0] for item in installs}
    return {name: version for name, version in versions.items() if not name.startswith(FROM_TORCH)}


def merge(versions: Mapping[str, Mapping[str, str]]) -> list[str]:
    """One line for each package and version, with a marker where not every Python has it.

    Args:
        versions: of each Python, oldest first: name to version.
    """
    lines = []
    for name in {name for each in versions.values() for name in each}:
        for version in dict.fromkeys(each[name] for each in versions.values() if name in each):
            marker = marker_of([each.get(name) == version for each in versions.values()], list(versions))
            lines.append(f"{name}=={version}{marker}")
    return sorted(lines, key=str.lower)


def marker_of(has: list[bool], names: list[str]) -> str:
    """The marker of what only some Pythons have; empty where all have it."""
    if all(has):
        return ""
    first, last = has.index(True), len(has) - has[::-1].index(True)
    bounds = [f"python_version >= '{names[first]}'"] if first else []
    bounds += [f"python_version < '{names[last]}'"] if last < len(has) else []
    bounds += [f"python_version != '{names[each]}'" for each in range(first, last) if not has[each]]
    return " ; " + " and ".join(bounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    upgrade = parser.parse_args().upgrade

    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    constraints = LOCK if LOCK.exists() and not upgrade else None
    found = pythons(pyproject)
    lines = merge({name: resolve(python, wanted(pyproject), constraints) for name, python in found.items()})
    LOCK.write_text(HEADER + "\n".join(lines) + "\n")
    print(f"{LOCK.name}: {len(lines)} packages for Python {', '.join(found)}")


if __name__ == "__main__":
    main()
