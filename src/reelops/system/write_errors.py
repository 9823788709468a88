"""What the system says of a place that cannot be written to, as an error that tells people what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reelops.errors import MachineError, ReelOpsError, is_out_of_space, may_pass


@contextmanager
def machine_error_on_write(path: Path) -> Iterator[None]:
    """Within it what the system says against writing is an error that names `path`.

    Raises:
        MachineError: a file or folder cannot be written, or the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def machine_error_if_full(path: Path) -> Iterator[None]:
    """Within it a full disk is an error that names `path`, whichever library meets it; all else passes as it is.

    Raises:
        MachineError: the disk is full.
    """
    try:
        yield
    except ReelOpsError:
        raise
    except Exception as error:
        if is_out_of_space(error):
            raise cannot_write(path, error) from error
        raise


def cannot_write(path: Path, error: Exception) -> MachineError:
    reason = getattr(error, "strerror", None) or str(error)
    if is_out_of_space(error):
        advice = "Free some space there, or choose another place."
    elif may_pass(error):
        advice = "Try again in a while; the disk, or the network behind it, did not answer as it should."
    else:
        advice = "Choose another place, or mend this one."
    return MachineError(f"cannot write {path}: {reason}. {advice}")
