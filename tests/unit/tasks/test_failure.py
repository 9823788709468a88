"""What is retried, and what would only fail again."""

from __future__ import annotations

import errno

import pytest

pytest.importorskip("prefect", reason='Prefect comes with pip install "reelops[orchestration]"')

from prefect.states import Failed

from reelops.errors import Cancelled, MachineError, PictureError, TrackingError, WeightsError
from tasks.failure import passes_by_itself, retry_if_it_may_pass


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        TimeoutError("slow"),
        OSError(errno.EIO, "a remote disk hiccups"),
        caused(TrackingError("MLflow did not take the run"), ConnectionResetError()),
        caused(WeightsError("the hub did not answer"), TimeoutError()),
    ],
)
def test_networks_and_busy_disks_are_tried_again(error: Exception) -> None:
    assert passes_by_itself(error)


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
        FileNotFoundError(errno.ENOENT, "gone"),
        ValueError("a fault of ours"),
    ],
)
def test_what_would_fail_again_is_not(error: Exception) -> None:
    assert not passes_by_itself(error)


def test_prefect_asks_with_the_state_that_it_would_record() -> None:
    assert retry_if_it_may_pass(None, None, Failed(data=ConnectionResetError()))
    assert not retry_if_it_may_pass(None, None, Failed(data=PictureError("a text file")))
