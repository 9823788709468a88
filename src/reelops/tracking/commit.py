"""Which commit code is of. What git cannot say is said to be unknown, never taken for the better case.

Only the standard library is imported: setup.py runs this file, where nothing is installed yet.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

DIGITS = 12
DIRTY = "-dirty"
UNKNOWN = "unknown"
UNSURE = f"-{UNKNOWN}"

NOTE_NAME = "commit"  # what setup.py writes beside the files that a wheel carries

# Whatever Python can import from these decides results, whether git has been told of it or not.
_CODE = ("src/*.py", "flows/*.py", "tasks/*.py")
_TIMEOUT_SECONDS = 30
# A monitor or a cache that somebody set up may be behind the files.
_CAREFUL = ("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false")
_KEPT_VARIABLES = ("GIT_CONFIG", "GIT_EXEC_PATH")


def commit_of(folder: Path) -> str | None:
    """Short commit of the code in a checkout, or of the checkout that a wheel was built from.

    Only a checkout of ReelOps itself counts: a wheel installed somewhere inside another project's repository must not
    report that project's commit, so `.git` has to be right here.

    Returns:
        `3f2a91c07b1e`; with `-dirty` behind it where a tracked file was changed or there is a module that git does not
        know; with `-unknown` where git cannot say whether. `unknown` alone where git cannot name the commit of a
        checkout. None outside a checkout, where nothing was noted.
    """
    if not os.path.lexists(folder / ".git"):
        return _noted(folder)
    checkout = folder.resolve()
    head = _head_of(checkout)
    return UNKNOWN if head is None else head[:DIGITS] + _changes(checkout)


def refused_by_git(folder: Path) -> str | None:
    """Why git does not name the commit of a checkout that it sees, and what to do, in a sentence; None where it does.

    It trusts no checkout of another user, such as one that is mounted into a container.
    """
    if not os.path.lexists(folder / ".git"):
        return None
    checkout = folder.resolve()
    try:
        done = _asked(checkout, "rev-parse", "HEAD")
    except (OSError, subprocess.SubprocessError):
        return None
    if done.returncode == 0 or b"dubious ownership" not in done.stderr:
        return None
    trust = shlex.join(["git", "config", "--global", "--add", "safe.directory", str(checkout)])
    return f"the commit of this code is unknown, because {checkout} belongs to another user; `{trust}` lets git look"


def _noted(shipped: Path) -> str | None:
    try:
        return (shipped / NOTE_NAME).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return UNKNOWN


def _head_of(checkout: Path) -> str | None:
    """The commit that is checked out right here; None where git cannot say, or speaks of another folder."""
    answer = _git(checkout, "rev-parse", "--show-toplevel", "HEAD")
    top, _, head = (answer or b"").rpartition(b"\n")
    return head.decode() if top and Path(os.fsdecode(top)) == checkout else None


def _changes(checkout: Path) -> str:
    """What stands behind the commit: nothing only where git has looked at every tracked file and at all code."""
    changed = _git(checkout, "status", "--porcelain", "--untracked-files=no")
    modules = _git(checkout, "ls-files", "-v", "--cached", "--others", "--", *_CODE)
    marks = {line[:1] for line in (modules or b"").splitlines()}
    if changed or b"?" in marks:
        return DIRTY
    told_not_to_look = b"S" in marks or any(mark.islower() for mark in marks)
    return UNSURE if changed is None or modules is None or told_not_to_look else ""


def _git(checkout: Path, *arguments: str) -> bytes | None:
    """What git prints, without the last line's end; None where it fails, is missing, or takes too long."""
    try:
        done = _asked(checkout, *arguments)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.rstrip(b"\n") if done.returncode == 0 else None


def _asked(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - no shell
        ["git", "-C", str(checkout), *_CAREFUL, *arguments],  # noqa: S607 - whichever git the user has
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
        env=_environment(checkout),
    )


def _environment(checkout: Path) -> Mapping[str, str]:
    """Ours without what would send git to another repository, as it is inside a hook, or let it search above."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT_VARIABLES)
    }
    # Runs go on side by side, and a lock on the index would be in their way.
    return kept | {"GIT_CEILING_DIRECTORIES": str(checkout.parent), "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
