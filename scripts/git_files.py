"""What git knows of a checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

# Versioned files and those that could be; one that is in conflict is named once.
VERSIONED_OR_NEW = ("--cached", "--others", "--exclude-standard", "--deduplicate")


def git(folder: Path, *arguments: str) -> str:
    """What git answers in that folder.

    Raises:
        subprocess.CalledProcessError: git refuses.
    """
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever git the user has
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def files_of(checkout: Path, *chosen: str) -> list[str]:
    """Names of files, as `git ls-files` with these arguments chooses them."""
    return list(filter(None, git(checkout, "ls-files", "-z", *chosen).split("\0")))
