"""Puts all that a bare machine with a GPU needs into one folder: wheels, this checkout, a script that installs them.

    make gpu-bundle BUNDLE=outputs/gpu-bundle

The other machine needs Linux, the same Python and an NVIDIA driver, and no network: copy the folder there and run
`bash install.sh`, then `make gpu` in the checkout that it unpacks. Wheels are those of requirements.lock for this
Python; PyTorch is its build for GPUs, which is what pip finds where TORCH_INDEX_URL names no other index.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTALL = """#!/usr/bin/env bash
# Unpacks the checkout and installs everything from the wheels beside this script; asks no network for anything.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p reelops && tar -xzf reelops.tar.gz -C reelops
cd reelops
{python} -m venv .venv
.venv/bin/python -m pip install --quiet --no-index --find-links ../wheels --requirement requirements.lock
.venv/bin/python -m pip install --quiet --no-index --find-links ../wheels --no-deps --no-build-isolation --editable .
{{ pwd; cksum requirements.lock pyproject.toml; }} >.venv/ready
echo "ready: cd reelops && make gpu"
"""


def commands(folder: Path, python: str) -> list[list[str]]:
    """What fills the folder, one after the other."""
    wheels, lock = str(folder / "wheels"), ROOT / "requirements.lock"
    pip = [python, "-m", "pip", "download", "--only-binary", ":all:", "--dest", wheels]
    torch = next(line for line in lock.read_text(encoding="utf-8").splitlines() if line.startswith("torch=="))
    index = os.environ.get("TORCH_INDEX_URL")
    return [
        *([[*pip, "--no-deps", "-i", index, torch.split()[0]]] if index else []),
        [*pip, "--find-links", wheels, "--requirement", str(lock)],
        ["git", "-C", str(ROOT), "archive", "--format", "tar.gz", "--output", str(folder / "reelops.tar.gz"), "HEAD"],
    ]


def make_bundle(folder: Path, python: str = sys.executable, run: Sequence[str] | None = None) -> None:
    """Fills the folder; what is there already is not downloaded again.

    Args:
        run: names of programs that are run; all of them by default.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "install.sh").write_text(INSTALL.format(python=f"python{sys.version_info[0]}.{sys.version_info[1]}"))
    for command in commands(folder, python):
        if run is None or command[0] in run:
            subprocess.run(command, check=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--no-wheels", action="store_true", help="the checkout and the script alone")
    given = options.parse_args()
    try:
        make_bundle(given.folder, run=["git"] if given.no_wheels else None)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{error.cmd[0]} ended with {error.returncode}; the lines above say why.") from error
    print(f"{given.folder}: copy it to the machine and run `bash install.sh` there")


if __name__ == "__main__":
    main()
