"""A flow run is seen in a real Prefect server and its clip in a real MLflow server; both are asked."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from studio import START_SECONDS, Server, Studio, end, ended, make_studio, wait_for

from reelops.tracking.lineage import Lineage
from reelops.video.provenance import read_provenance

PROMPT = "a harbour at dusk, slow zoom in"


@dataclass(frozen=True)
class Stage:
    """A studio whose runs go to the two servers."""

    studio: Studio
    prefect: Server
    mlflow: Server

    @property
    def addresses(self) -> dict[str, str]:
        return {"PREFECT_API_URL": f"{self.prefect.url}/api", "MLFLOW_TRACKING_URI": self.mlflow.url}

    def arguments(self, name: str) -> list[str]:
        clip = self.studio.outputs / f"{name}.mp4"
        return [str(self.studio.picture), PROMPT, "-o", str(clip), "-p", str(self.studio.model)]

    def flow_run(self, output: str) -> dict[str, Any]:
        """The one flow run that was asked for this output."""
        runs = self.prefect.flow_runs("generate-video")
        (run,) = [run for run in runs if str(run["parameters"].get("output", "")).endswith(output)]
        return run

    def task_runs(self, flow_run_id: str) -> dict[str, dict[str, Any]]:
        return {name.rpartition("-")[0]: run for name, run in self.prefect.task_runs(flow_run_id).items()}


@pytest.fixture
def stage(studio: Studio, servers: dict[str, Server]) -> Stage:
    return Stage(studio, servers["prefect"], servers["mlflow"])


Runs = dict[str, tuple[Stage, subprocess.CompletedProcess[str]]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, small_model: Path, servers: dict[str, Server]) -> Runs:
    """Two runs side by side, by name: one of them finds no MLflow server, and mostly waits to try again."""
    gone = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    begun = {}
    for name, environment in (("untracked", gone), ("seen", {})):
        stage = Stage(make_studio(tmp_path_factory.mktemp(name), small_model), servers["prefect"], servers["mlflow"])
        arguments = (*stage.arguments(name), "--steps", "2")
        begun[name] = stage, stage.studio.start("flows", "generate-video", *arguments, **stage.addresses | environment)
    return {name: (stage, ended(process)) for name, (stage, process) in begun.items()}


def test_a_run_is_completed_in_prefect_with_its_report_and_kept_in_mlflow_with_its_clip(runs: Runs) -> None:
    stage, done = runs["seen"]
    assert done.returncode in (0, 3), done.stderr
    clip = stage.studio.outputs / "seen.mp4"
    take = json.loads(clip.with_suffix(".json").read_text())

    run = stage.flow_run("seen.mp4")
    assert run["state"]["type"] == "COMPLETED"
    assert (
        run["state"]["name"]
        == {"accept": "Accepted", "review": "Review", "reject": "Rejected"}[take["verdict"]["decision"]]
    )
    assert set(stage.task_runs(run["id"])) == {
        "generate_footage",
        "encode_clip",
        "score_clip",
        "judge_clip",
        "log_clip",
        "show_clip",
    }
    artifact = stage.prefect.artifact(run["id"])
    assert artifact["key"] == "generated-clip"
    report = artifact["data"]
    assert report.startswith(f"# {take['verdict']['decision'].capitalize()}: ")
    assert "data:image/jpeg;base64," in report
    for reason in take["verdict"]["reasons"]:
        assert reason["text"] in report
    for shown in (take["lineage"], take["sha256"], str(clip), take["tracking"]["run_id"]):
        assert shown in report

    run_id = take["tracking"]["run_id"]
    tracked = json.loads(stage.mlflow.get(f"/api/2.0/mlflow/runs/get?run_id={run_id}"))["run"]
    assert tracked["info"]["status"] == "FINISHED"
    data = {kind: {pair["key"]: pair["value"] for pair in tracked["data"][kind]} for kind in tracked["data"]}
    assert (data["params"]["prompt"], data["params"]["steps"], data["params"]["seed"]) == (PROMPT, "2", "0")
    assert data["tags"]["lineage"] == take["lineage"] == str(Lineage.parse(take["lineage"]))
    assert data["tags"]["verdict"] == take["verdict"]["decision"]
    measured = {name: value for name, value in take["scores"].items() if value is not None}
    assert {name: data["metrics"][f"score.{name}"] for name in measured} == pytest.approx(measured)
    assert data["metrics"]["peak_memory_bytes.rss"] > 0
    for stage_name in ("load", "denoise", "decode", "write", "score"):
        assert f"seconds.{stage_name}" in data["metrics"]

    kept = tracked["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    fetched = stage.mlflow.get(f"/api/2.0/mlflow-artifacts/artifacts/{kept}/seen.mp4")
    assert hashlib.sha256(fetched).hexdigest() == take["sha256"]
    assert fetched == clip.read_bytes()
    assert stage.mlflow.get(f"/api/2.0/mlflow-artifacts/artifacts/{kept}/seen.contact.jpg")[:3] == b"\xff\xd8\xff"
    provenance = read_provenance(clip)
    assert provenance is not None and provenance["lineage"] == take["lineage"]


def test_a_users_error_fails_the_run_at_once_and_is_told_in_one_line(stage: Stage) -> None:
    stage.studio.picture.write_text("this is a text file\n")
    done = stage.studio.run("flows", "generate-video", *stage.arguments("text"), **stage.addresses)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert stage.studio.picture.name in line
    run = stage.flow_run("text.mp4")
    assert run["state"]["type"] == "FAILED"
    assert run["state"]["message"] and stage.studio.picture.name in run["state"]["message"]
    assert stage.task_runs(run["id"]) == {}, "nobody waits for a device to hear it"
    assert list(stage.studio.outputs.iterdir()) == []


def test_a_clip_is_not_lost_over_a_tracking_server_that_is_gone(runs: Runs) -> None:
    stage, done = runs["untracked"]
    assert done.returncode in (0, 3), done.stderr
    take = json.loads((stage.studio.outputs / "untracked.json").read_text())
    assert take["tracking"] is None
    assert "does not answer" in take["tracking_failure"]
    assert "does not answer" in done.stderr
    run = stage.flow_run("untracked.mp4")
    assert run["state"]["type"] == "COMPLETED"
    log = stage.task_runs(run["id"])["log_clip"]
    assert log["state"]["type"] == "FAILED"
    assert log["run_count"] > 1, "a network is tried again"


def test_a_cancelled_run_stops_and_leaves_nothing(stage: Stage) -> None:
    """What a worker does when somebody cancels in the UI: SIGTERM to the run's process."""
    process = stage.studio.start(
        "flows", "generate-video", *stage.arguments("cancelled"), "--steps", "1000", **stage.addresses
    )
    try:
        wait_for(process, lambda: bool(stage.studio.scratch))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=START_SECONDS)
    finally:
        end(process)
    assert process.returncode != 0
    assert list(stage.studio.outputs.iterdir()) == []
    assert stage.studio.half_written() == []
    assert stage.flow_run("cancelled.mp4")["state"]["type"] in ("CANCELLED", "CANCELLING", "CRASHED")
