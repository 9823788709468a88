"""What a real MLflow server keeps of runs when requests, answers or the server itself get lost on the way."""

from __future__ import annotations

import json
import math
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

pytest.importorskip("mlflow", reason='MLflow comes with pip install "reelops[tracking]"')

from faulty_proxy import FaultyProxy, OnlyTimes, proxy_before
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus
from studio import Server

from reelops.errors import Cancelled, TrackingError
from reelops.tracking import live_run as live_run_module
from reelops.tracking.adapters import register_challenger
from reelops.tracking.live_run import LiveRun
from reelops.tracking.runs import RunRecord, add_to_run, log_run

QUICK = (0.1, 0.1, 0.1)


@pytest.fixture
def proxy(servers: dict[str, Server], monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """Asked once a call: that MLflow's client asks again by itself is not what is tested here."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(live_run_module, "SEND_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(live_run_module, "_RESTS_PER_TRY", 0.0)
    with proxy_before(servers["mlflow"].url) as proxy:
        yield proxy


@pytest.fixture
def client(servers: dict[str, Server], proxy: FaultyProxy) -> MlflowClient:
    """One that asks the server itself."""
    return MlflowClient(tracking_uri=servers["mlflow"].url)


@pytest.fixture
def experiment() -> str:
    return f"faults-{uuid4().hex}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "report.txt"
    path.write_text("whole")
    return path


def record(experiment: str, **changes: object) -> RunRecord:
    values: dict[str, object] = {
        "name": "run",
        "params": {"seed": 7},
        "metrics": {},
        "tags": {},
        "experiment": experiment,
    }
    return RunRecord(**{**values, **changes})  # type: ignore[arg-type]


def only_run(client: MlflowClient, experiment: str):
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return run


def points(client: MlflowClient, run_id: str, name: str = "loss") -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in client.get_metric_history(run_id, name)]


CURVE = [(step, 1.0 / step) for step in range(1, 50)]


def log_curve(run: LiveRun, steps: range = range(1, 50)) -> None:
    for step in steps:
        run.log({"loss": 1.0 / step}, step)


# ---- a run that is logged while it runs ----


def test_points_that_were_not_taken_are_sent_at_the_next_occasion(
    proxy: FaultyProxy, client: MlflowClient, experiment: str
) -> None:
    refused = iter(range(10**6))
    proxy.rule = lambda _, path: 503 if "log-batch" in path and next(refused) % 3 == 2 else None
    with LiveRun(record(experiment), proxy.url, last_waits=QUICK) as run:
        log_curve(run)
    assert run.failure is None and run.tracked is not None
    found = only_run(client, experiment)
    assert found.info.status == "FINISHED" and sorted(points(client, found.info.run_id)) == CURVE


@pytest.mark.parametrize("fault", ["drop", "lose", 500])
def test_a_server_that_comes_back_before_the_end_has_every_point_once(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, fault: int | str
) -> None:
    with LiveRun(record(experiment), proxy.url, last_waits=QUICK) as run:
        log_curve(run, range(1, 20))
        proxy.rule = lambda *_: fault  # type: ignore[assignment,return-value]
        log_curve(run, range(20, 50))
        assert run.failure is not None and "points" in run.failure
        proxy.rule = OnlyTimes(2, "", fault)  # type: ignore[arg-type]
    assert run.failure is None
    found = only_run(client, experiment)
    assert found.info.status == "FINISHED" and sorted(points(client, found.info.run_id)) == CURVE


def test_a_server_that_comes_up_late_has_the_whole_run(
    proxy: FaultyProxy, client: MlflowClient, experiment: str
) -> None:
    proxy.rule = lambda *_: "drop"
    with LiveRun(record(experiment), proxy.url, last_waits=QUICK) as run:
        run.begin()
        assert run.run_id is None and run.failure is not None and "did not take the run" in run.failure
        log_curve(run)
        proxy.rule = lambda *_: None
    found = only_run(client, experiment)
    assert found.info.status == "FINISHED" and sorted(points(client, found.info.run_id)) == CURVE
    assert found.data.params == {"seed": "7"} and run.failure is None


def test_a_run_that_the_server_no_longer_has_is_begun_anew(
    proxy: FaultyProxy, client: MlflowClient, experiment: str
) -> None:
    with LiveRun(record(experiment), proxy.url, run_id="0" * 32) as run:
        log_curve(run)
    assert only_run(client, experiment).info.run_id == run.run_id


def test_a_point_that_is_refused_costs_no_other(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_run_module, "SEND_EVERY_SECONDS", 60.0)  # all points in one request
    with LiveRun(record(experiment), proxy.url) as run:
        log_curve(run, range(1, 25))
        run.log({"a name\nin two lines": 1.0}, 25)
        log_curve(run, range(25, 50))
    assert run.lost_points == 1 and run.failure is not None and "did not take 1 points" in run.failure
    found = only_run(client, experiment)
    assert sorted(points(client, found.info.run_id)) == CURVE and found.data.tags["lost_points"] == "1"


def test_of_more_points_than_may_wait_the_oldest_are_lost_and_counted(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_run_module, "MOST_WAITING", 10)
    with LiveRun(record(experiment), proxy.url, last_waits=QUICK) as run:
        run.begin()
        proxy.rule = lambda *_: 503
        log_curve(run)
        proxy.rule = lambda *_: None
    assert run.lost_points == 39 and run.failure is not None and "did not take 39 points" in run.failure
    assert sorted(points(client, run.run_id or "")) == CURVE[-10:]


def test_what_was_lost_is_said_in_one_line_and_the_run_is_not_called_finished(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, file: Path
) -> None:
    proxy.rule = lambda method, path: 503 if method == "PUT" and "report" in path else None
    with LiveRun(record(experiment), proxy.url, last_waits=(0.01,)) as run:
        log_curve(run)
        run.finish([file], {"verdict": "accept"})
    assert run.failure is not None and "did not take report.txt: " in run.failure and "\n" not in run.failure
    found = only_run(client, experiment)
    assert found.info.status == "FAILED" and found.data.tags["verdict"] == "accept"
    assert sorted(points(client, found.info.run_id)) == CURVE


def test_a_server_that_stays_away_is_asked_for_one_part_alone(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, file: Path
) -> None:
    with LiveRun(record(experiment), proxy.url, last_waits=QUICK) as run:
        log_curve(run, range(1, 10))
        proxy.rule, before = (lambda *_: "drop"), len(proxy.seen)
        run.finish([file, file], {"a": "b", "c": "d"})
        assert len(proxy.seen) - before <= len(QUICK) + 1
    assert run.failure is not None and "report.txt" in run.failure and "that it has ended" in run.failure


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (KeyboardInterrupt(), "KILLED"),
        (SystemExit(143), "KILLED"),
        (Cancelled("asked"), "KILLED"),
        (ValueError(), "FAILED"),
    ],
)
def test_whatever_ends_the_process_ends_the_run(
    proxy: FaultyProxy, client: MlflowClient, experiment: str, raised: BaseException, status: str
) -> None:
    with pytest.raises(type(raised)), LiveRun(record(experiment), proxy.url) as run:
        log_curve(run)
        raise raised
    found = only_run(client, experiment)
    assert found.info.status == status and sorted(points(client, found.info.run_id)) == CURVE


def interrupted_at(part: str, then: int | str) -> object:
    """Ctrl-C while a request is under way, after which the server is gone."""

    def rule(_method: str, path: str) -> int | str | None:
        nonlocal gone
        if gone:
            return then
        if part in path:
            gone = True
            os.kill(os.getpid(), signal.SIGINT)
            return then
        return None

    gone = False
    return rule


@pytest.mark.parametrize("then", ["drop", 500])
@pytest.mark.parametrize("part", ["log-batch", "runs/create", "runs/update", "experiments/create"])
def test_ctrl_c_stays_ctrl_c_whatever_the_server_does(
    proxy: FaultyProxy, experiment: str, file: Path, part: str, then: int | str
) -> None:
    proxy.rule = interrupted_at(part, then)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        log_run(record(experiment, files=[file]), proxy.url)
    proxy.rule = interrupted_at(part, then)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt), LiveRun(record(f"{experiment}-live"), proxy.url, last_waits=QUICK) as run:
        log_curve(run)


def test_why_a_run_could_not_be_ended_is_not_taken_for_what_ended_it(proxy: FaultyProxy, experiment: str) -> None:
    with pytest.raises(Cancelled), LiveRun(record(experiment), proxy.url) as run:
        run.begin()
        proxy.rule = lambda *_: "drop"
        raise Cancelled("Stopped as asked")
    assert run.failure is not None and "does not answer" in run.failure and "Stopped" not in run.failure


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
