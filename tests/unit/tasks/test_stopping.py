"""A SIGTERM ends a run even where the exception it raises gets lost."""

from __future__ import annotations

import os
import signal

import pytest

pytest.importorskip("prefect", reason='Prefect comes with pip install "reelops[orchestration]"')

from prefect.exceptions import TerminationSignal

from tasks.stopping import raise_if_terminated, sigterm_noted


class Loses:
    """Python prints what a finaliser raises, and drops it."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_got_lost_is_heeded_at_the_next_step() -> None:
    before = signal.getsignal(signal.SIGTERM)
    reached = []
    with pytest.raises(TerminationSignal), sigterm_noted():
        loses = Loses()
        del loses
        reached.append("the exception was lost")
        raise_if_terminated()
        reached.append("the signal too")
    assert reached == ["the exception was lost"]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_step_after_the_signal_is_needed() -> None:
    with pytest.raises(TerminationSignal), sigterm_noted():
        Loses()


def test_a_signal_goes_to_the_handler_there_was() -> None:
    seen = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with pytest.raises(TerminationSignal), sigterm_noted():
            os.kill(os.getpid(), signal.SIGTERM)
        assert seen == [signal.SIGTERM]
        with sigterm_noted():
            raise_if_terminated()  # an earlier run's signal is not this one's
    finally:
        signal.signal(signal.SIGTERM, before)
