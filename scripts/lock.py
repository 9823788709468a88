"""Writes requirements.lock: every package that pyproject.toml and its extras need, at one exact version.

    python scripts/lock.py               keep the versions of the present lock wherever they still fit
    python scripts/lock.py --upgrade     take the newest of everything

The versions come from pip's own resolver, so plain pip can install what it writes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
HEADER = """\
# Every package of reelops and its extras, at one exact version. Written by `make lock`; do not edit.
# torch states its own CUDA packages exactly, so a machine with a GPU needs no second lock.
"""


def wanted(pyproject: dict[str, Any]) -> list[str]:
    """Requirements of the project and of all its extras, as pyproject.toml states them."""
    project = pyproject["project"]
    return sorted({*project["dependencies"], *chain(*project["optional-dependencies"].values())})


def resolve(requirements: list[str], constraints: Path | None) -> dict[str, str]:
    """Name and version of each package pip would install into an empty environment.

    Raises:
        SystemExit: pip found no set of versions that fits; its own words have been printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed"]
        command += ["--report", str(report), *requirements]
        if constraints:
            command += ["--constraint", str(constraints)]
        if subprocess.run(command, check=False).returncode:
            raise SystemExit("No versions fit together; `make lock UPGRADE=1` lets go of the present ones.")
        installs = json.loads(report.read_text())["install"]
    # A build's local label (2.13.0+cpu) names where it came from, not what it is.
    return {item["metadata"]["name"]: item["metadata"]["version"].partition("+")[0] for item in installs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    upgrade = parser.parse_args().upgrade

    requirements = wanted(tomllib.loads((ROOT / "pyproject.toml").read_text()))
    versions = resolve(requirements, constraints=LOCK if LOCK.exists() and not upgrade else None)
    pins = [f"{name}=={version}" for name, version in versions.items()]
    LOCK.write_text(HEADER + "\n".join(sorted(pins, key=str.lower)) + "\n")
    print(f"{LOCK.name}: {len(pins)} packages")


if __name__ == "__main__":
    main()
