"""Scoring is seen in a real Prefect server and its table in a real MLflow server; a cancelled run stops at once."""

from __future__ import annotations

import json
import signal
from typing import Any

from footage import filmed, write_clip
from studio import START_SECONDS, Server, Studio, end, wait_for


def addresses(servers: dict[str, Server]) -> dict[str, str]:
    return {"PREFECT_API_URL": f"{servers['prefect'].url}/api", "MLFLOW_TRACKING_URI": servers["mlflow"].url}


def flow_run(servers: dict[str, Server], folder: str) -> dict[str, Any]:
    runs = servers["prefect"].flow_runs("score-clips")
    (run,) = [run for run in runs if run["parameters"].get("videos") == [folder]]
    return run


def test_a_batch_is_completed_in_prefect_and_its_table_and_report_are_in_mlflow(
    bare_studio: Studio, servers: dict[str, Server]
) -> None:
    write_clip(bare_studio.outputs / "zoom.mp4", filmed())
    folder = str(bare_studio.outputs)
    done = bare_studio.run("flows", "score-clips", folder, **addresses(servers))
    assert done.returncode in (0, 3), done.stderr
    assert flow_run(servers, folder)["state"]["type"] == "COMPLETED"

    mlflow = servers["mlflow"]
    run_id = done.stdout.rpartition("MLflow run ")[2].split(":")[0]
    run = json.loads(mlflow.get(f"/api/2.0/mlflow/runs/get?run_id={run_id}"))["run"]
    assert run["info"]["status"] == "FINISHED"
    assert {pair["key"]: pair["value"] for pair in run["data"]["params"]}["clips"] == "1"
    kept = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    table = json.loads(mlflow.get(f"/api/2.0/mlflow-artifacts/artifacts/{kept}/clips.json"))
    assert [row[table["columns"].index("clip")] for row in table["data"]] == [str(bare_studio.outputs / "zoom.mp4")]
    assert b"Score report" in mlflow.get(f"/api/2.0/mlflow-artifacts/artifacts/{kept}/report.html")


def test_a_cancelled_batch_stops_and_keeps_what_it_has_scored(bare_studio: Studio, servers: dict[str, Server]) -> None:
    """What a worker does when somebody cancels in the UI: SIGTERM to the run's process."""
    for number in range(12):
        write_clip(bare_studio.outputs / f"{number}.mp4", filmed(num_frames=17, seed=number))
    folder, store = str(bare_studio.outputs), bare_studio.folder / "home" / "scores"
    process = bare_studio.start("flows", "score-clips", folder, "--batch-size", "6", **addresses(servers))
    try:
        wait_for(process, lambda: any(store.rglob("*.json")))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=START_SECONDS)
    finally:
        end(process)
    assert process.returncode != 0
    assert 1 <= len(list(store.rglob("*.json"))) < 12
    assert not list(store.rglob("*.partial")) and bare_studio.scratch == []
    assert flow_run(servers, folder)["state"]["type"] in ("CANCELLED", "CANCELLING", "CRASHED")
