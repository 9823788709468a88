"""What a run leaves in MLflow and the registry, and how DVC is asked to bring it up to date."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

pytest.importorskip("mlflow", reason='MLflow comes with pip install "reelops[tracking]"')
pytest.importorskip("dvc", reason='DVC comes with pip install "reelops[data]"')

import mlflow
import yaml
from mlflow import MlflowClient
from training_work import in_processes, make_copy, train_here

from reelops.cogvideox.adapter_file import WEIGHTS_NAME
from reelops.errors import MachineError, TrackingError
from reelops.progress import RunContext
from reelops.system.digest import sha256_of
from reelops.tracking.adapters import fetch_adapter, register_challenger
from reelops.training.checkpoint import exclusive_run
from reelops.training.reproduce import lineage_tags, read_trained, reproduce


@pytest.fixture
def no_server(monkeypatch) -> str:
    """An address where nobody answers; asked once, as trying again is `test_tracking`'s business."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return "http://127.0.0.1:9"


def test_a_run_leaves_params_its_adapter_and_each_point_of_its_curves_once_however_often_it_ended(ground):
    """Checkpoints after 2 and 4: step 3 is not sent at first, 5 is done twice."""
    uri = ground.config.mlflow_tracking_uri
    for track, end in ((False, 3), (True, 5)):
        with pytest.raises(KeyboardInterrupt):
            train_here(ground, track=track, steps=6, checkpoint_every=2, context=RunContext(interrupt_at(end)))
    report = train_here(ground, track=True, steps=6, checkpoint_every=2)
    client = MlflowClient(tracking_uri=uri)
    (run,) = client.search_runs([client.get_experiment_by_name("train-lora").experiment_id])
    assert run.info.run_id == report.tracked.run_id and run.info.status == "FINISHED"
    logged = {
        name: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]
        for name in ("loss", "held_out_loss")
    }
    rows = [json.loads(line) for line in (ground.checkpoints[-1] / "curve.jsonl").read_text().splitlines()]
    for name, points in logged.items():
        assert sorted(points) == [(row["step"], row[name]) for row in rows if name in row]
    assert run.data.params["rank"] == "4" and run.data.params["optimizer"] == "adamw"
    assert "held_out_loss" in run.data.metrics and "system/rss_gb" in run.data.metrics
    assert run.data.tags["adapter_sha256"] == report.published.sha256
    (model,) = client.search_logged_models([run.info.experiment_id])
    assert model.source_run_id == run.info.run_id and model.tags["lineage"].count(".") == 4


def runs_of(ground):
    client = MlflowClient(tracking_uri=ground.config.mlflow_tracking_uri)
    experiment = client.get_experiment_by_name("train-lora").experiment_id
    return client, {run.info.run_id: run.info.status for run in client.search_runs([experiment])}


@pytest.fixture(scope="module")
def after_a_kill(encoded, tmp_path_factory):
    """What a run leaves that is killed before its first checkpoint, and its id."""
    ground = make_copy(encoded, tmp_path_factory.mktemp("killed") / "project")
    assert in_processes(ground, 1, {"track": True, "die_at": 1}) == [-signal.SIGKILL]
    ((run_id, status),) = runs_of(ground)[1].items()
    assert status == "RUNNING" and not ground.checkpoints
    return ground, run_id


@pytest.fixture
def killed(after_a_kill, ground):
    """A run in `ground` that was killed before its first checkpoint; its id."""
    left, run_id = after_a_kill
    for name in ("home", ".cache"):
        shutil.copytree(left.folder / name, ground.folder / name, dirs_exist_ok=True)
    return run_id


def test_a_run_that_was_killed_before_its_first_checkpoint_is_resumed(ground, killed):
    report = train_here(ground, track=True)
    client, runs = runs_of(ground)
    assert report.tracked.run_id == killed and runs == {killed: "FINISHED"}
    steps = [point.step for point in client.get_metric_history(killed, "loss")]
    assert sorted(steps) == [1, 2, 3, 4]
    assert not list((ground.folder / ".cache/checkpoints").rglob("mlflow_run.txt"))


@pytest.mark.parametrize("other", [{"fresh": True}, {"lr": 0.02}])
def test_a_run_that_was_killed_and_is_not_resumed_is_ended_by_the_next_start(ground, killed, other):
    report = train_here(ground, track=True, **other)
    assert report.tracked.run_id != killed
    assert runs_of(ground)[1] == {killed: "KILLED", report.tracked.run_id: "FINISHED"}


@pytest.mark.parametrize("track", [True, False], ids=["with MLflow away", "untracked"])
def test_a_run_that_was_begun_anew_is_no_part_of_the_one_before_though_mlflow_did_not_hear_of_it(
    ground, killed, no_server, track, monkeypatch
):
    """It is ended at the next start that finds MLflow."""
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(ground), "config", ground.config_with(mlflow_tracking_uri=no_server))
        train_here(ground, track=track, fresh=True, context=RunContext(interrupt_at(1)))
    report = train_here(ground, track=True)
    client, runs = runs_of(ground)
    assert runs == {killed: "KILLED", report.tracked.run_id: "FINISHED"}
    steps = [point.step for point in client.get_metric_history(report.tracked.run_id, "loss")]
    assert sorted(steps) == [1, 2, 3, 4]
    assert not list((ground.folder / ".cache/checkpoints").rglob("mlflow_run*.txt"))


def test_a_run_that_another_process_is_at_is_left_alone(ground, killed):
    (note,) = (ground.folder / ".cache/checkpoints").rglob("mlflow_run.txt")
    with exclusive_run(note.parent):
        train_here(ground, track=True, lr=0.02)
    assert runs_of(ground)[1][killed] == "RUNNING" and note.read_text().strip() == killed


def interrupt_at(step):
    def on_event(progress):
        if "loss" in progress.figures and progress.done == step:
            raise KeyboardInterrupt

    return on_event


def test_a_tracking_server_that_is_not_there_costs_nobody_an_adapter(ground, no_server, monkeypatch):
    config = ground.config_with(mlflow_tracking_uri=no_server)
    monkeypatch.setattr(type(ground), "config", config)
    report = train_here(ground, track=True, steps=1)
    assert report.tracked is None and (report.published.folder / WEIGHTS_NAME).is_file()
    assert any("was not tracked" in note and "does not answer" in note for note in report.notes)


def test_an_adapter_becomes_challenger_once_for_the_same_weights(ground):
    train_here(ground, track=True, steps=2)
    trained = read_trained(ground.config)
    uri, weights = ground.config.mlflow_tracking_uri, ground.adapter / WEIGHTS_NAME

    def register():
        return register_challenger(uri, trained.name, weights, trained.run_id, trained.model_id, lineage_tags(trained))

    first, again = register(), register()
    assert first == again and first.sha256 == sha256_of(weights) and first.version == "1"
    client = MlflowClient(tracking_uri=uri)
    version = client.get_model_version_by_alias("shaky", "challenger")
    assert str(version.version) == "1" and version.tags["adapter_sha256"] == first.sha256
    assert {"lineage", "data", "base_revision"} <= set(version.tags)

    with pytest.raises(TrackingError, match="has no champion of shaky"):
        fetch_adapter(uri, "shaky", "champion", ground.folder / "champion")
    client.set_registered_model_alias("shaky", "champion", "1")

    train_here(ground, track=True, steps=3)
    trained = read_trained(ground.config)
    assert register().version == "2"
    champion = fetch_adapter(uri, "shaky", "champion", ground.folder / "champion")
    assert sha256_of(champion / WEIGHTS_NAME) == first.sha256 and champion.name == first.sha256
    assert fetch_adapter(uri, "shaky", "champion", ground.folder / "champion") == champion
    assert client.get_model_version_by_alias("shaky", "challenger").version in (2, "2")


@pytest.mark.parametrize("address", [None, "http://127.0.0.1:9"])
def test_after_a_handover_mlflow_is_set_to_the_store_that_it_was_set_to_before(ground, monkeypatch, address):
    """MLflow's own default is a file in the working folder, and what it is set to goes on to children."""
    mlflow.set_tracking_uri(None)  # whatever another test of this process has set it to
    if address is None:
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    before = mlflow.get_tracking_uri(), mlflow.is_tracking_uri_set()
    train_here(ground, track=True, steps=1)
    trained = read_trained(ground.config)
    weights = ground.adapter / WEIGHTS_NAME
    register_challenger(
        ground.config.mlflow_tracking_uri, trained.name, weights, trained.run_id, trained.model_id, {"lineage": "-"}
    )
    assert os.environ.get("MLFLOW_TRACKING_URI") == address
    assert (mlflow.get_tracking_uri(), mlflow.is_tracking_uri_set()) == before
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert not mlflow.is_tracking_uri_set()


def test_a_registry_that_is_not_there_says_where_the_adapter_is(ground, no_server):
    train_here(ground, steps=1)
    with pytest.raises(TrackingError, match="The adapter is whole at"):
        register_challenger(no_server, "shaky", ground.adapter / WEIGHTS_NAME, "run", "model", {})


def test_dvc_runs_what_is_out_of_date_and_its_failure_is_told_in_its_own_words(tmp_path):
    quiet = {**os.environ, "DVC_NO_ANALYTICS": "true"}
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=tmp_path, check=True, env=quiet)
    stages = {
        "good": {"cmd": "echo fine > good.txt", "outs": ["good.txt"]},
        "bad": {"cmd": "echo the disk is full of cats; exit 3"},
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    printed: list[str] = []
    context = RunContext(lambda event: printed.append(event.text))
    reproduce("good", tmp_path, context)
    assert (tmp_path / "good.txt").read_text() == "fine\n" and any("good" in line for line in printed)
    with pytest.raises(MachineError, match=r"dvc repro bad failed.*full of cats"):
        reproduce("bad", tmp_path, context)


def test_a_folder_without_git_is_told_with_what_lets_dvc_do_without(tmp_path):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    analytics = false\n")
    (tmp_path / "dvc.yaml").write_text("stages:\n  good:\n    cmd: 'true'\n")
    with pytest.raises(MachineError, match=r"in a git checkout only.*dvc config --local core\.no_scm true"):
        reproduce("good", tmp_path)
    (tmp_path / ".dvc" / "config.local").write_text("[core]\n    no_scm = true\n")
    reproduce("good", tmp_path)
