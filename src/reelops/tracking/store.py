"""MLflow's store: a server, or a SQLite file in ReelOps' home; how it is opened, asked, and what it says when it fails.

MLflow is told to be quiet and careful before it is imported: no telemetry, no job runner (it would add 2 GB of
processes), no unpickling.
"""

from __future__ import annotations

import logging
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from reelops.addresses import sqlite_file
from reelops.errors import TrackingError, all_behind, causes, may_pass, stop_among
from reelops.shown_address import shown, shown_in
from reelops.system.exclusive_lock import patient_lock
from reelops.system.proxies import ask_this_machine_directly, problem_of_proxy_for

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")
NOT_INSTALLED = 'MLflow is not installed; pip install "reelops[tracking]", or use --no-track'

HARDENED = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # It would go to standard output, which is for answers, with the password that is in it.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # MLflow's own patience, 7 retries with backoff, lets an absent server hold a finished clip for four minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
# What a store answers that is locked, overloaded, or behind a proxy that does not reach it.
_BUSY = frozenset({"TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"})
_GONE = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})
# By name, as requests and urllib3 are imported with MLflow only.
_SILENCE = frozenset({"ConnectionError", "Timeout", "ProtocolError"})
_WAITS = (1.0, 3.0)
_LONGEST_REASON = 300
_LOCAL_PAGES = "http://127.0.0.1:5000"  # where `mlflow ui` serves unless it is told otherwise


@contextmanager
def asking_store(uri: str, wanted: str, remedy: str = "") -> Iterator[None]:
    """Within it whatever MLflow raises is a TrackingError in one line; what asks to stop passes as it is.

    Args:
        wanted: what is wanted of the store, as the end of a sentence: "did not take the run".
        remedy: what to do, as a sentence; by default, to look after the store.

    Raises:
        TrackingError: the store cannot be reached or refuses.
    """
    handled = sys.exception()
    try:
        yield
    except Exception as error:
        part_from(error, handled)
        if (stop := stop_among(error)) is not None:
            raise stop from None
        if is_not_installed(error):
            raise TrackingError(f"{NOT_INSTALLED}.") from error
        raise TrackingError(
            f"MLflow at {shown(uri)} {wanted}: {reason_of(error)}. {remedy or _remedy_for(uri)}"
        ) from error


def _remedy_for(uri: str) -> str:
    if sqlite_file(uri) is None:
        return "Check that it runs and that MLFLOW_TRACKING_URI is right, or unset it to use the local store."
    return "Where another program has the file open, wait for that; once it is moved away, a new store is begun."


@contextmanager
def open_store(uri: str) -> Iterator[MlflowClient]:
    """MLflow's client, with a local store's migrations done by one process at a time."""
    with one_at_a_time(uri):
        client = new_client(uri)
        client.search_experiments(max_results=1)
    yield client


def persist(
    action: Callable[[], T], waits: Sequence[float] = _WAITS, passes: Callable[[BaseException], bool] | None = None
) -> T:
    """What `action` returns, which is called again where it failed in passing.

    Args:
        waits: seconds before each further call.
        passes: whether a failure does; by default, whether the store was busy.
    """
    for wait in waits:
        try:
            return action()
        except Exception as error:
            if stop_among(error) is not None or not (passes or is_busy)(error):
                raise
        time.sleep(wait)
    return action()


def is_busy(error: BaseException) -> bool:
    """Whether the store is there and may take the same call in a moment."""
    chain = causes(error)
    if any(isinstance(link, ConnectionRefusedError) for link in chain):
        return False  # nobody is there, and MLflow has asked more than once
    return may_pass(error) or any(_is_busy_answer(link) for link in chain)


def does_not_answer(error: BaseException) -> bool:
    """Whether nobody is there at all."""
    return any(_is_silence(link) for link in causes(error))


def is_refused(error: BaseException) -> bool:
    """Whether the store does not take a value, whenever it is asked."""
    return getattr(error, "error_code", None) == "INVALID_PARAMETER_VALUE"


def is_gone(error: BaseException) -> bool:
    """Whether the store answers that it has no such thing."""
    return getattr(error, "error_code", None) in _GONE


def is_there_already(error: BaseException) -> bool:
    """Whether the store answers that it has such a thing."""
    return getattr(error, "error_code", None) in ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS")


@contextmanager
def suppress_if(expected: Callable[[BaseException], bool]) -> Iterator[None]:
    """Within it an answer of the store that was to be expected is none."""
    try:
        yield
    except Exception as error:
        if not expected(error):
            raise


def is_not_installed(error: BaseException) -> bool:
    """Whether MLflow is missing; a driver that it misses itself is another matter."""
    return isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "mlflow"


def new_client(uri: str) -> MlflowClient:
    """MLflow's client; a local store must not be asked for the first time by two processes at once."""
    harden()
    if why := problem_of_proxy_for(uri, "requests"):
        raise TrackingError(why)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It would print the traceback of what is told in one line here.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def experiment_id_of(client: MlflowClient, name: str, uri: str) -> str:
    """The id of an experiment, which is made where there is none; a local store keeps its artifacts beside it."""
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    store = sqlite_file(uri)
    location = (store.parent / "mlartifacts" / name).as_uri() if store else None
    with suppress_if(is_there_already):  # made by another process meanwhile
        client.create_experiment(name, artifact_location=location)
    return str(client.get_experiment_by_name(name).experiment_id)


@contextmanager
def one_at_a_time(uri: str) -> Iterator[None]:
    """Two processes that create the same SQLite store at once break each other's migrations."""
    store = sqlite_file(uri)
    if store is None:
        yield
        return
    with patient_lock(store.with_suffix(".lock")):
        yield


def where_to_look(uri: str, experiment_id: str, run_id: str) -> str:
    """The run's page on a server, or the command that serves a local store, and the page there.

    MLflow's own first page shows nothing of runs.
    """
    page = f"#/experiments/{experiment_id}/runs/{run_id}"
    if uri.startswith(("http://", "https://")):
        return f"{shown(uri).rstrip('/')}/{page}"
    return f"mlflow ui --backend-store-uri {shlex.quote(shown(uri))}, then {_LOCAL_PAGES}/{page}"


def is_local(uri: str) -> bool:
    """Whether the store is a file of this machine, not a server."""
    return sqlite_file(uri) is not None


def harden() -> None:
    """Set MLflow's environment where the user has not; it is read when mlflow is imported and at each request."""
    for name, value in HARDENED.items():
        os.environ.setdefault(name, value)
    ask_this_machine_directly()


def part_from(error: BaseException, handled: BaseException | None) -> None:
    """Python hangs every error to the one that was being handled when it was raised, which is none of its causes."""
    if handled is not None and error is not handled:
        for link in all_behind(error):
            if link.__context__ is handled:
                link.__context__ = None


def _is_busy_answer(error: BaseException) -> bool:
    # Two that write the same row at once are told of the database's constraint, and the second finds what it wanted.
    return getattr(error, "error_code", None) in _BUSY or "IntegrityError" in str(error)


def _is_silence(error: BaseException) -> bool:
    named = any(cls.__name__ in _SILENCE for cls in type(error).mro())
    return isinstance(error, ConnectionError | TimeoutError) or named


def innermost_cause(error: BaseException) -> BaseException:
    """What began it; the error itself where nothing else did."""
    return causes(error)[-1]


def reason_of(error: BaseException) -> str:
    """The innermost cause in a few words; MLflow wraps a refused connection in three sentences of addresses."""
    chain = causes(error)
    error = chain[-1]
    if any(_is_silence(link) for link in chain):
        words = [link.strerror for link in chain if isinstance(link, OSError) and link.strerror]
        return f"it does not answer ({words[-1] if words else type(error).__name__})"
    lines = str(error).strip().splitlines()
    return shown_in(lines[0])[:_LONGEST_REASON].rstrip(".") if lines else type(error).__name__
