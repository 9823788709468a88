"""What a run leaves in MLflow can be read back, and a server that is not there costs nobody a clip."""

from __future__ import annotations

import hashlib
import os
import shlex
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("mlflow", reason='MLflow comes with pip install "reelops[tracking]"')

from mlflow import MlflowClient

from reelops.addresses import sqlite_file, sqlite_uri
from reelops.errors import TrackingError
from reelops.shown_address import shown
from reelops.tracking import live_run as live_run_module
from reelops.tracking.live_run import LiveRun
from reelops.tracking.runs import RunRecord, log_run
from reelops.tracking.store import HARDENED, where_to_look


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('home') / 'mlflow.db'}"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(range(256)) * 64)
    return path


def record(**changes: object) -> RunRecord:
    values: dict[str, object] = {
        "name": "kodim03",
        "params": {"prompt": "slow zoom in", "seed": 7, "guidance": None},
        "metrics": {"score.sharpness": 0.25, "seconds.denoise": 12.5},
        "tags": {"lineage": "abc.-.-.def.-", "verdict": "accept"},
    }
    return RunRecord(**{**values, **changes})  # type: ignore[arg-type]


def test_a_run_is_read_back_as_it_was_logged(store: str, clip: Path, tmp_path: Path) -> None:
    tracked = log_run(record(files=[clip], note="**accept**"), store)
    client = MlflowClient(tracking_uri=store)
    run = client.get_run(tracked.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"prompt": "slow zoom in", "seed": "7", "guidance": ""}
    assert run.data.metrics == {"score.sharpness": 0.25, "seconds.denoise": 12.5}
    assert run.data.tags["lineage"] == "abc.-.-.def.-"
    assert run.data.tags["mlflow.note.content"] == "**accept**"
    fetched = Path(client.download_artifacts(tracked.run_id, "clip.mp4", str(tmp_path)))
    assert hashlib.sha256(fetched.read_bytes()).digest() == hashlib.sha256(clip.read_bytes()).digest()


def test_a_run_of_files_whose_names_are_no_unicode_is_logged_with_them_spelt_out(store: str, clip: Path) -> None:
    named = clip.rename(clip.with_name(os.fsdecode(b"caf\xe9.mp4")))
    told = {"name": named.stem, "params": {"picture": named}, "tags": {"of": named.name}, "note": named.name}
    with LiveRun(record(**told), store) as live:
        live.begin()
    for tracked in (log_run(record(files=[named], **told), store), live):
        run = MlflowClient(tracking_uri=store).get_run(tracked.run_id)
        assert (run.info.run_name, run.data.tags["of"]) == (r"caf\udce9", r"caf\udce9.mp4")
        assert run.data.params["picture"].endswith(r"caf\udce9.mp4")
    home = Path(store.removeprefix("sqlite:///")).parent
    assert [path.name for path in (home / "mlartifacts").rglob("caf*")] == [named.name]


def test_artifacts_of_the_local_store_lie_beside_it(store: str, clip: Path) -> None:
    tracked = log_run(record(files=[clip]), store)
    home = Path(store.removeprefix("sqlite:///")).parent
    assert list((home / "mlartifacts").rglob(f"{tracked.run_id}/**/clip.mp4"))
    assert str(home / "mlflow.db") in tracked.look


def test_a_missing_file_marks_the_run_failed(store: str, tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="did not take the run"):
        log_run(record(name="broken", files=[tmp_path / "gone.mp4"]), store)
    client = MlflowClient(tracking_uri=store)
    experiment = client.get_experiment_by_name("generate-video")
    (run,) = client.search_runs([experiment.experiment_id], "attributes.run_name = 'broken'")
    assert run.info.status == "FAILED"


def test_a_server_that_is_not_there_is_named_soon_and_without_its_password() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    before = time.monotonic()
    with pytest.raises(TrackingError) as caught:
        log_run(record(), f"http://user:secret@127.0.0.1:{port}")
    assert f"http://127.0.0.1:{port}" in str(caught.value)
    assert "does not answer" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert time.monotonic() - before < 60, "MLflow's own patience is four minutes"


@pytest.mark.parametrize("other", ["a store of another MLflow", "no store"])
def test_a_local_store_that_is_none_of_this_mlflow_says_how_to_begin_a_new_one(other: str, tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    if other == "no store":
        file.write_bytes(bytes(range(256)) * 20)
    else:
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("create table alembic_version (version_num text)")
            database.execute("insert into alembic_version values ('of tomorrow')")
    with pytest.raises(TrackingError, match=r"did not take the run: .*once it is moved away, a new store is begun\.$"):
        log_run(record(), sqlite_uri(file))


def test_a_prompt_longer_than_mlflow_takes_does_not_lose_the_run(store: str) -> None:
    tracked = log_run(record(params={"prompt": "zoom " * 5000}, tags={"prompt": "zoom " * 5000}), store)
    assert MlflowClient(tracking_uri=store).get_run(tracked.run_id).data.params["prompt"].startswith("zoom zoom")


def test_a_run_that_is_gone_on_with_keeps_each_step_of_a_curve_once(store: str) -> None:
    """The second process begins again at steps that the first one had logged; one of the curves is further behind."""
    first = LiveRun(record(), store)
    for step in range(5):
        first.log({"loss": step} | ({"held_out": step} if step == 2 else {}), step)
    first.finish(status="KILLED")
    second = LiveRun(record(), store, first.run_id)
    for step in range(2, 8):
        second.log({"loss": 10.0 + step} | ({"held_out": 10.0 + step} if step in (2, 4) else {}), step)
    second.finish()
    assert second.failure is None and first.run_id is not None
    client = MlflowClient(tracking_uri=store)
    loss = sorted((point.step, point.value) for point in client.get_metric_history(first.run_id, "loss"))
    assert loss == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0), (5, 15.0), (6, 16.0), (7, 17.0)]
    held_out = sorted((point.step, point.value) for point in client.get_metric_history(first.run_id, "held_out"))
    assert held_out == [(2, 2.0), (4, 14.0)]


def test_a_store_that_another_process_has_locked_gets_everything_once_it_is_free(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite waits for a lock by itself, here a tenth of a second, and the lock outlasts that."""
    monkeypatch.setattr(live_run_module, "SEND_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(live_run_module, "_RESTS_PER_TRY", 0.0)
    uri = f"{store}?timeout=0.1"
    with LiveRun(record(), uri) as live:
        live.log({"loss": 1.0}, 1)
        with sqlite3.connect(store.removeprefix("sqlite:///")) as locking:
            locking.execute("BEGIN EXCLUSIVE")
            live.log({"loss": 2.0}, 2)
            assert live.failure is not None and "database is locked" in live.failure
        live.log({"loss": 3.0}, 3)
    client = MlflowClient(tracking_uri=uri)
    history = client.get_metric_history(live.run_id or "", "loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert client.get_run(live.run_id or "").info.status == "FINISHED" and live.failure is None


def test_two_processes_may_create_the_store_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from reelops.tracking.runs import RunRecord, log_run;"
        "log_run(RunRecord('x', {}, {'m': 1.0}, {}), sys.argv[1])"
    )
    uri = f"sqlite:///{tmp_path / 'home' / 'mlflow.db'}"
    runs = [subprocess.Popen([sys.executable, "-c", program, uri], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], errors


@pytest.mark.parametrize(
    ("uri", "seen"),
    [
        ("http://user:secret@host:5000", "http://host:5000"),
        ("sqlite:////home/me/mlflow.db", "sqlite:////home/me/mlflow.db"),
    ],
)
def test_an_address_is_shown_without_its_password(uri: str, seen: str) -> None:
    assert shown(uri) == seen


def test_a_servers_run_is_looked_up_on_its_page() -> None:
    assert where_to_look("http://host:5000/", "3", "abc") == "http://host:5000/#/experiments/3/runs/abc"


def test_the_command_for_a_local_store_can_be_copied_and_is_followed_by_the_page_of_the_run():
    command, page = where_to_look("sqlite:////home/jo's runs/mlflow.db", "3", "abc").split(", then ")
    assert shlex.split(command) == ["mlflow", "ui", "--backend-store-uri", "sqlite:////home/jo's runs/mlflow.db"]
    assert page == "http://127.0.0.1:5000/#/experiments/3/runs/abc"


@pytest.mark.parametrize("name", ["branch%2Fname", "100%", "home?3", "a#b & c+d;e ü 'f' \"g\" [h]"])
def test_a_store_in_a_folder_of_any_name_keeps_runs_there(tmp_path, name):
    home = tmp_path / "stores" / name
    home.mkdir(parents=True)
    (tmp_path / "clip.txt").write_text("frames")
    uri = sqlite_uri(home / "mlflow.db")
    tracked = log_run(RunRecord("one", {}, {"m": 1.0}, {}, files=[tmp_path / "clip.txt"]), uri)
    assert sqlite_file(uri) == home / "mlflow.db"
    assert (home / "mlflow.db").is_file() and len(list(home.rglob("clip.txt"))) == 1
    assert [path.name for path in home.parent.iterdir()] == [name]
    assert shlex.split(tracked.look.partition(", then ")[0])[-1] == uri


def test_mlflow_is_told_to_keep_quiet_and_not_to_unpickle() -> None:
    assert HARDENED["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert HARDENED["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    assert HARDENED["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
