"""What the system says of a place that cannot be written to, as an error that tells people what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reelops.errors import OUT_OF_SPACE, MachineError, may_pass


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


def cannot_write(path: Path, error: OSError) -> MachineError:
    reason = error.strerror or str(error)
    if error.errno in OUT_OF_SPACE:
        advice = "Free some space there, or choose another place."
    elif may_pass(error):
        advice = "Try again in a while; the disk, or the network behind it, did not answer as it should."
    else:
        advice = "Choose another place, or mend this one."
    return MachineError(f"cannot write {path}: {reason}. {advice}")
