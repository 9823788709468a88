"""What a real MLflow server has of a run logged while it runs, when requests, answers or the server get lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

pytest.importorskip("mlflow", reason='MLflow comes with pip install "reelops[tracking]"')

from faulty_proxy import FaultyProxy, OnlyTimes
from mlflow import MlflowClient
from tracked_runs import QUICK, only_run, points, record

from reelops.errors import Cancelled
from reelops.tracking import live_run as live_run_module
from reelops.tracking.live_run import LiveRun
from reelops.tracking.runs import log_run

CURVE = [(step, 1.0 / step) for step in range(1, 50)]


def log_curve(run: LiveRun, steps: range = range(1, 50)) -> None:
    for step in steps:
        run.log({"loss": 1.0 / step}, step)


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
