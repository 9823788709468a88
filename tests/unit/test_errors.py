"""Whose fault an exception is, and whether it may pass."""

from __future__ import annotations

import errno

import av.error
import pytest

from reelops.errors import (
    Cancelled,
    DatasetError,
    Fault,
    MachineError,
    PictureError,
    ReelOpsError,
    TrackingError,
    VideoError,
    WeightsError,
    fault_of,
    may_pass,
    stop_among,
    this_machine_failed,
)
from reelops.system.write_errors import cannot_write


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def written(number: int) -> MachineError:
    problem = OSError(number, "as the system says")
    error = cannot_write("clip.mp4", problem)  # type: ignore[arg-type] # a name is all that it needs
    error.__cause__ = problem
    return error


class OutOfMemoryError(RuntimeError):
    """Named as torch's, which is not imported for this."""


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        TimeoutError("slow"),
        OSError(errno.EIO, "a remote disk hiccups"),
        written(errno.ESTALE),
        written(errno.EIO),
        written(errno.EBUSY),
        caused(TrackingError("MLflow did not take the run"), ConnectionResetError()),
        caused(WeightsError("the hub did not answer"), TimeoutError()),
    ],
)
def test_networks_and_busy_disks_may_pass(error: Exception) -> None:
    assert may_pass(error)


@pytest.mark.parametrize(
    "error",
    [
        PictureError("a text file"),
        caused(PictureError("cannot be read"), OSError(errno.EIO, "broken")),
        MachineError("out of memory"),
        Cancelled("stopped"),
        WeightsError("wrong shape"),
        TrackingError("the experiment was deleted"),
        OSError(errno.ENOSPC, "disk full"),
        written(errno.ENOSPC),
        written(errno.EROFS),
        FileNotFoundError(errno.ENOENT, "gone"),
        ValueError("a fault of ours"),
        type("TaskRunTimeoutError", (TimeoutError,), {})("longer than an hour"),
    ],
)
def test_what_would_fail_again_may_not(error: Exception) -> None:
    assert not may_pass(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "disk full"),
        written(errno.EDQUOT),
        OSError(errno.ENFILE, "too many open files in system"),
        caused(VideoError("clip.mp4 is not a video"), OSError(errno.EMFILE, "too many open files")),
        caused(VideoError("clip.mp4 cannot be decoded"), av.error.OSError(errno.EIO, "i/o", "clip.mp4")),
        MemoryError(),
        OutOfMemoryError("CUDA out of memory"),
        caused(DatasetError("clip 7"), caused(RuntimeError("worker"), MemoryError())),
        RuntimeError("unable to open file <lora.safetensors> in read-only mode: Too many open files (24)"),
        caused(WeightsError("cannot be read"), ValueError("I/O error: Input/output error (os error 5)")),
        RuntimeError("DefaultCPUAllocator: can't allocate memory. Error code 12 (Cannot allocate memory)"),
    ],
)
def test_machine_faults_are_the_machines_whatever_they_are_wrapped_in(error: Exception) -> None:
    assert fault_of(error) is Fault.MACHINE


@pytest.mark.parametrize(
    "error",
    [
        VideoError("clip.mp4 is cut short"),
        caused(VideoError("not a video"), av.error.InvalidDataError(errno.EINVAL, "invalid data", "clip.mp4")),
        caused(PictureError("may not be read"), PermissionError(errno.EACCES, "denied")),
        DatasetError("the caption 'No space left on device' names no move"),
    ],
)
def test_input_faults_are_the_inputs(error: Exception) -> None:
    assert fault_of(error) is Fault.INPUT


def test_what_nobody_meant_is_ours() -> None:
    assert fault_of(ValueError("shapes differ")) is Fault.OURS
    assert fault_of(caused(ReelOpsError("told"), ValueError("shapes differ"))) is Fault.INPUT


def test_an_error_told_apart_from_its_context_is_judged_alone() -> None:
    try:
        try:
            raise OSError(errno.EIO, "first")
        except OSError:
            raise VideoError("clip.mp4 is no video") from None
    except VideoError as error:
        assert fault_of(error) is Fault.INPUT


def hidden(error: Exception) -> Exception:
    """As httpcore hands on what the system said: an argument, without a cause."""
    return caused(RuntimeError("cannot connect"), ConnectionError(error))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "too many open files"),
        hidden(OSError(errno.ENFILE, "in the system")),
        caused(VideoError("cannot be opened"), OSError(errno.EIO, "a failing disk")),
        caused(DatasetError("cannot be read"), MemoryError()),
        hidden(OSError(errno.ENOSPC, "full")),
    ],
)
def test_what_this_very_machine_lacks_is_seen_through_a_librarys_words(error: Exception) -> None:
    assert this_machine_failed(error)


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(errno.ECONNREFUSED, "refused"), hidden(TimeoutError()), OSError("Invalid data")]
)
def test_a_network_that_fails_is_not_this_machine(error: Exception) -> None:
    assert not this_machine_failed(error)


def test_what_asks_to_stop_is_found_behind_a_cause_that_a_library_made_up() -> None:
    """As urllib3 raises what met it while it sent: from an error that nobody raised."""
    asked = KeyboardInterrupt()
    with pytest.raises(RuntimeError) as caught:
        try:
            raise asked
        except KeyboardInterrupt:
            raise RuntimeError("no answer") from ConnectionError("aborted")
    assert stop_among(caught.value) is asked
    caught.value.__cause__, caught.value.__suppress_context__ = None, True  # as `from None` leaves it
    assert stop_among(caught.value) is None
