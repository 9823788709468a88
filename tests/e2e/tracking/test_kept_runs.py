"""What a real MLflow server keeps of finished runs, models and versions when requests or answers get lost."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path
from uuid import uuid4

import pytest

pytest.importorskip("mlflow", reason='MLflow comes with pip install "reelops[tracking]"')

from faulty_proxy import FaultyProxy, OnlyTimes
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus
from tracked_runs import QUICK, only_run, points, record

from reelops.errors import TrackingError
from reelops.tracking.adapters import register_challenger
from reelops.tracking.live_run import LiveRun
from reelops.tracking.runs import add_to_run, log_run

# ---- its model ----


@pytest.mark.parametrize(
    "rule",
    [
        OnlyTimes(1, "logged-models", 503),
        OnlyTimes(1, "logged-models", "lose", "POST"),
        OnlyTimes(1, "adapter.bin", 503),
        OnlyTimes(1, "logged-models", "lose", "PATCH"),
    ],
)
def test_a_run_that_ended_well_has_its_model_once(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, tmp_path: Path, rule: OnlyTimes
) -> None:
    (tmp_path / "adapter.bin").write_bytes(b"weights")
    proxy.rule = rule
    with LiveRun(record(experiment), proxy.url, last_waits=QUICK) as run:
        run.begin()
        run.keep_model("press", tmp_path, {"rank": "4"}, {"adapter_sha256": "ab"})
        run.keep_model("press", tmp_path, {"rank": "4"}, {"adapter_sha256": "ab"})  # as a second `reelops train` does
    assert rule.left == 0 and run.failure is None
    found = only_run(client, experiment)
    (model,) = client.search_logged_models([found.info.experiment_id])
    assert model.model_id == run.model_id and model.status == LoggedModelStatus.READY
    assert found.info.status == "FINISHED" and model.source_run_id == found.info.run_id


def test_a_run_without_its_model_has_not_ended_well(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, tmp_path: Path
) -> None:
    (tmp_path / "adapter.bin").write_bytes(b"weights")
    proxy.rule = lambda _, path: 503 if "adapter.bin" in path else None
    with LiveRun(record(experiment), proxy.url, last_waits=(0.01,)) as run:
        run.begin()
        run.keep_model("press", tmp_path, {}, {"adapter_sha256": "ab"})
    assert run.model_id is None and run.failure is not None and "did not take the model press" in run.failure
    assert only_run(client, experiment).info.status == "FAILED"


# ---- a run that is written at once ----


@pytest.mark.parametrize(
    "rule",
    [
        OnlyTimes(1, "log-batch", 503),
        OnlyTimes(1, "report.txt", "drop"),
        OnlyTimes(1, "report.txt", "lose"),
        OnlyTimes(1, "clips.json", "lose", "PUT"),
        OnlyTimes(1, "runs/create", "lose"),
        OnlyTimes(1, "runs/update", "lose"),
    ],
)
def test_a_run_that_is_written_again_is_one_run(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, file: Path, rule: OnlyTimes
) -> None:
    proxy.rule = rule
    one = record(experiment, files=[file], metrics={"score": 0.5}, tables={"clips.json": {"clip": ["a", "b"]}})
    tracked = log_run(one, proxy.url)
    assert rule.left == 0
    assert log_run(one, proxy.url).run_id == tracked.run_id
    found = only_run(client, experiment)
    assert found.info.run_id == tracked.run_id and found.info.status == "FINISHED"
    assert points(client, tracked.run_id, "score") == [(0, 0.5)]
    table = json.loads(Path(client.download_artifacts(tracked.run_id, "clips.json")).read_text())
    assert table["data"] == [["a"], ["b"]]
    assert json.loads(found.data.tags["mlflow.loggedArtifacts"]) == [{"path": "clips.json", "type": "table"}]


def test_a_client_that_asks_twice_by_itself_makes_one_run(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    made = OnlyTimes(1, "runs/create", "lose")
    proxy.rule = made
    tracked = log_run(record(experiment), proxy.url)
    assert len([path for _, path in proxy.seen if "runs/create" in path]) == 2 and made.left == 0
    assert only_run(client, experiment).info.run_id == tracked.run_id


def test_two_records_alike_are_two_runs(proxy: FaultyProxy, client: MlflowClient, experiment: str) -> None:
    runs = {log_run(record(experiment), proxy.url).run_id for _ in range(2)}
    assert len(runs) == 2


def test_a_run_that_the_server_never_takes_is_marked_failed(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.rule = lambda _, path: 403 if "report" in path else None
    with pytest.raises(TrackingError, match="did not take the run"):
        log_run(record(experiment, files=[file]), proxy.url)
    assert only_run(client, experiment).info.status == "FAILED"


# ---- what is found out later ----


def test_the_newest_validation_is_what_is_read_and_the_earlier_ones_are_kept(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, tmp_path: Path
) -> None:
    run_id = log_run(record(experiment, tags={"lineage": "trained"}), proxy.url).run_id
    files = {name: tmp_path / name for name in ("index.html", "first.mp4", "second.mp4")}

    def validated(style: float, answer: str, videos: str, **more: float) -> None:
        for path in files.values():
            path.write_text(answer)
        found = record(
            experiment,
            metrics={"style": style, **more},
            tags={"lineage": "validated"},
            files=[files["index.html"], files[videos]],
            folder="validate",
            note=f"Validation: {answer}.",
        )
        assert add_to_run(run_id, found, proxy.url, {"validation": answer}).run_id == run_id

    validated(0.4, "failed", "first.mp4", dropped=0.1)
    proxy.rule = OnlyTimes(1, "log-batch", "lose")
    validated(0.9, "passed", "second.mp4")
    run = only_run(client, experiment)
    assert run.data.metrics["validate/style"] == 0.9 and run.data.tags["validation"] == "passed"
    assert math.isnan(run.data.metrics["validate/dropped"]), "it was not measured the second time"
    assert points(client, run_id, "validate/style") == [(1, 0.4), (2, 0.9)]
    assert run.data.tags["validate.1"] == "Validation: failed." and run.data.tags["validate.2"] == "Validation: passed."
    names = {one.path for one in client.list_artifacts(run_id, "validate")}
    assert names == {"validate/index.html", "validate/second.mp4"}
    assert Path(client.download_artifacts(run_id, "validate/index.html")).read_text() == "passed"
    assert run.info.status == "FINISHED" and run.data.tags["lineage"] == "trained"


def test_a_validation_whose_training_run_is_gone_is_a_run_of_its_own(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, file: Path
) -> None:
    found = record(experiment, metrics={"style": 0.9}, files=[file], folder="validate")
    tracked = add_to_run("0" * 32, found, proxy.url, {"validation": "passed"})
    run = only_run(client, experiment)
    assert run.info.run_id == tracked.run_id and run.data.metrics == {"validate/style": 0.9}
    assert run.data.tags["validation"] == "passed"
    assert [one.path for one in client.list_artifacts(run.info.run_id, "validate")] == ["validate/report.txt"]


# ---- the registry ----


def test_the_same_weights_registered_by_two_at_once_are_one_version(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, tmp_path: Path
) -> None:
    weights, name = tmp_path / "adapter.bin", f"press-{uuid4().hex}"
    weights.write_bytes(b"weights")
    with LiveRun(record(experiment), proxy.url) as run:
        run.begin()
        run.keep_model("press", tmp_path, {}, {"adapter_sha256": "ab"})
    both = threading.Barrier(2, timeout=60)

    def together(method: str, path: str) -> None:
        if method == "POST" and "model-versions/create" in path:
            both.wait()  # each has seen that there is no version yet

    proxy.rule = together
    assert run.run_id and run.model_id
    answers = []

    def register() -> None:
        answers.append(register_challenger(proxy.url, name, weights, run.run_id or "", run.model_id or "", {}))

    threads = [threading.Thread(target=register) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 2 and answers[0] == answers[1]
    (version,) = client.search_model_versions(f"name = '{name}'")
    assert str(version.version) == answers[0].version
    assert str(client.get_model_version_by_alias(name, "challenger").version) == answers[0].version
