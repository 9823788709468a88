"""Runs written to MLflow by a process beside this one, which gets ready while this one generates.

Importing MLflow and opening its store take seconds. A thread would take most of them from this process, as Python
imports one module at a time; a process takes them on another core.

Run as a program, this module is that process: it reads the store's address and then records from a connection, and
answers each with where the run is, or why it is not.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from reelops.errors import TrackingError, may_pass
from reelops.shown_address import shown
from reelops.system.interpreter import configure_interpreter
from reelops.tracking.runs import RunRecord, TrackedRun, log_run
from reelops.tracking.silence import silence_of
from reelops.tracking.store import innermost_cause, is_local, open_store

# What the other end of a connection sees when its process has ended; not every OSError, of which a task's time limit
# is one.
_ENDED = (EOFError, ConnectionError)
# The process marks the run as failed in this time, or the next one does.
_LAST_SECONDS = 10.0


# An error, and the cause beside it where that is a network that does not carry: pickled, an error loses its causes, by
# which is told whether to try again. What else goes wrong may not be picklable.
_Failure = tuple[TrackingError, ConnectionError | TimeoutError | None]


class RunWriter:
    """The MLflow server, or the embedded store, that runs are logged to.

    Attributes:
        uri: the store's address.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._is_open = False
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._one_at_a_time = threading.Lock()

    def open_ahead(self) -> tuple[str, ...]:
        """Gets ready to log, once for all runs.

        Returns:
            What to tell the user before the work: that the server does not answer.
        """
        if self._is_open:
            return ()
        self._is_open = True
        self._start()
        why = silence_of(self.uri)
        told = (
            f"MLflow at {shown(self.uri)} does not answer ({why}); the clip is made all the same, and logged if it does"
        )
        return (f"{told} by then",) if why else ()

    def _start(self) -> None:
        """Starts the process that gets ready; it ends with this one. Where none can be started, nothing happens."""
        if not Path(sys.executable or "").name.startswith("python"):
            return
        ours, theirs = Pipe()
        # Without -P a file in the working folder that is called like a library would be run in its place.
        command = [sys.executable, "-P", "-m", __name__, str(theirs.fileno())]
        try:
            # A session of its own: Ctrl-C is for this process, which decides what becomes of the run.
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            ours.send(self.uri)
            self._connection = ours
        except OSError:
            ours.close()
        finally:
            theirs.close()

    def log(self, record: RunRecord) -> TrackedRun:
        """Write a run and its files, all or marked as failed.

        Raises:
            TrackingError: the store cannot be reached or refuses; the files themselves are untouched.
        """
        with self._one_at_a_time:
            if self._connection is None:
                return log_run(record, self.uri)
            try:
                self._connection.send(record)
                answer = self._connection.recv()
            except _ENDED:
                self._connection = None
                return log_run(record, self.uri)
            except BaseException:
                self._stop()
                raise
        if isinstance(answer, tuple):
            error, network = answer
            raise error from network
        assert isinstance(answer, TrackedRun)
        return answer

    def close(self) -> None:
        """Lets the process end; it does by itself when this one ends."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _stop(self) -> None:
        """Ends the writing of a run, which is then marked as failed."""
        process, self._process = self._process, None
        self.close()
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # a server keeps it waiting, and whoever asked to stop does not wait for that
            process.wait()


def serve(connection: Connection) -> None:
    """Gets ready, then writes what comes until nobody is at the other end.

    SIGTERM ends the writing of a run, and nothing else: a store that was left in the middle of being made would be
    refused by MLflow ever after.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    uri = connection.recv()
    _get_ready(uri)
    with suppress(*_ENDED):
        while True:
            record = connection.recv()
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
            connection.send(_answer(record, uri))
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _get_ready(uri: str) -> None:
    # What goes wrong here goes wrong again when a run is written, which then says why.
    with suppress(Exception):
        import mlflow  # noqa: F401 - importing it is what takes the time

        if is_local(uri):
            with open_store(uri):
                pass


def _answer(record: RunRecord, uri: str) -> TrackedRun | _Failure:
    try:
        return log_run(record, uri)
    except TrackingError as error:
        cause = innermost_cause(error)
        if may_pass(error) and not isinstance(cause, ConnectionError | TimeoutError):
            cause = ConnectionError(str(cause))  # an error of a library may not be picklable
        return error, cause if isinstance(cause, ConnectionError | TimeoutError) else None


if __name__ == "__main__":
    configure_interpreter()
    serve(Connection(int(sys.argv[1])))
