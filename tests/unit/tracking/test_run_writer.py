"""A process that writes runs: it says what this one would have said, and is not missed where it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from socket import socket

import psutil
import pytest

pytest.importorskip("mlflow", reason='MLflow comes with pip install "reelops[tracking]"')

from mlflow import MlflowClient

from reelops.errors import TrackingError
from reelops.tracking import run_writer
from reelops.tracking.run_writer import RunWriter
from reelops.tracking.runs import RunRecord, log_run

RECORD = RunRecord(name="take", params={"seed": 7}, metrics={"score.sharpness": 0.25}, tags={"verdict": "accept"})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('home') / 'mlflow.db'}"


@pytest.fixture
def writer(store: str) -> Iterator[RunWriter]:
    writer = RunWriter(store)
    yield writer
    writer.close()


def test_a_run_is_what_it_would_be_without_the_process(writer: RunWriter, store: str, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"clip")
    record = RunRecord(RECORD.name, RECORD.params, RECORD.metrics, RECORD.tags, files=[file])
    writer.open_ahead()
    run_ids = writer.log(record).run_id, log_run(record, store).run_id
    client = MlflowClient(tracking_uri=store)  # not before: two that make one store at a time get in each other's way
    theirs, ours = (client.get_run(run_id) for run_id in run_ids)
    assert theirs.info.status == ours.info.status == "FINISHED"
    for what in ("params", "metrics"):
        assert getattr(theirs.data, what) == getattr(ours.data, what)
    assert [one.path for one in client.list_artifacts(theirs.info.run_id)] == ["clip.mp4"]


def test_a_file_in_the_working_folder_that_is_called_like_a_library_is_not_run(
    writer: RunWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mlflow", "filelock"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_writer, "log_run", None)  # it would do what a process that has died does not
    writer.open_ahead()
    assert writer.log(RECORD).run_id and not (tmp_path / "was-run").exists()


def test_the_process_that_asks_imports_no_mlflow(store: str) -> None:
    program = (
        "import sys; from reelops.tracking.run_writer import RunWriter; from reelops.tracking.runs import RunRecord\n"
        f"writer = RunWriter({store!r}); writer.open_ahead()\n"
        "print(writer.log(RunRecord('take', {}, {}, {})).run_id, 'mlflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    run_id, imported = done.stdout.split()
    assert imported == "False"
    assert MlflowClient(tracking_uri=store).get_run(run_id).info.status == "FINISHED"


def test_a_run_is_written_here_once_the_process_is_gone(writer: RunWriter, store: str) -> None:
    before = set(psutil.Process().children())
    writer.open_ahead()
    (process,) = set(psutil.Process().children()) - before
    process.kill()
    tracked = writer.log(RECORD)
    assert MlflowClient(tracking_uri=store).get_run(tracked.run_id).info.status == "FINISHED"


def test_a_store_that_refuses_is_told_in_the_same_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    uri = f"sqlite:///{tmp_path / 'file' / 'mlflow.db'}"
    writer, told = RunWriter(uri), []
    for _ in range(2):
        with pytest.raises(TrackingError) as refused:
            writer.log(RECORD)
        told.append(str(refused.value))
        writer.open_ahead()
    writer.close()
    assert told[0] == told[1]


def test_a_server_that_is_gone_is_known_as_a_network_that_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        writer = RunWriter(f"http://127.0.0.1:{taken.getsockname()[1]}")
        writer.open_ahead()
        with pytest.raises(TrackingError, match="does not answer") as gone:
            writer.log(RECORD)
        writer.close()
    assert isinstance(gone.value.__cause__, ConnectionError)


def test_the_process_ends_with_the_one_that_started_it(store: str) -> None:
    program = (
        "import os, sys; from reelops.tracking.run_writer import RunWriter\n"
        f"writer = RunWriter({store!r}); writer.open_ahead(); print(writer._process.pid, flush=True); sys.stdin.read()"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout and started.stdin
    helper = psutil.Process(int(started.stdout.readline()))
    started.kill()
    started.wait()
    _, alive = psutil.wait_procs([helper], timeout=60)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


class TaskRunTimeoutError(TimeoutError):
    """Named as Prefect's, which a signal raises wherever the task is."""


@pytest.fixture
def silent_server() -> Iterator[socket]:
    """One that takes connections and never says a word."""
    with socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(120)
        yield listening


def raise_once_asked(server: socket, error: BaseException) -> None:
    """Raises in this thread, the main one, as soon as somebody asks the server; who only connects has not asked."""

    def signalled(*_: object) -> None:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        raise error

    def wait() -> None:
        asked = b""
        while not asked:
            connections.append(server.accept()[0])
            asked = connections[-1].recv(1)
        os.kill(os.getpid(), signal.SIGUSR1)

    connections: list[socket] = []
    signal.signal(signal.SIGUSR1, signalled)
    threading.Thread(target=wait, daemon=True).start()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143), TaskRunTimeoutError("too long")])
@pytest.mark.parametrize("beside", [True, False])
def test_whoever_stops_the_writing_is_heard_at_once_though_the_server_says_nothing(
    silent_server: socket, monkeypatch: pytest.MonkeyPatch, error: BaseException, beside: bool
) -> None:
    monkeypatch.setattr(run_writer, "_LAST_SECONDS", 0.5)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60" if beside else "10")
    before = set(psutil.Process().children())
    writer = RunWriter(f"http://127.0.0.1:{silent_server.getsockname()[1]}")
    if beside:
        writer.open_ahead()
    raise_once_asked(silent_server, error)
    with pytest.raises(type(error)) as stopped:
        writer.log(RECORD)
    assert stopped.value is error
    assert set(psutil.Process().children()) <= before
    writer.close()
