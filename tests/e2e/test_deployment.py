"""prefect.yaml as an operator uses it: a pool, a deployment, an order through the API, a worker that carries it out."""

from __future__ import annotations

import json
from pathlib import Path

import published
import yaml
from publisher import SMALL_WINDOW
from studio import Server, Studio, end


def test_an_order_through_the_api_is_carried_out_by_a_worker(
    studio: Studio, servers: dict[str, Server], repository: Path
) -> None:
    prefect = servers["prefect"]
    environment = {
        "PREFECT_API_URL": f"{prefect.url}/api",
        "MLFLOW_TRACKING_URI": servers["mlflow"].url,
        "PREFECT_HOME": str(studio.folder / "prefect"),
        "PYTHONPATH": str(repository),
    }
    prefect.post("/api/work_pools/", {"name": "cpu", "type": "process"})
    for command in (
        ["--no-prompt", "work-pool", "create", "gpu", "--type", "process", "--overwrite"],
        ["--no-prompt", "deploy", "--all", "--prefect-file", str(repository / "prefect.yaml")],
    ):
        done = studio.run("prefect", *command, **environment)
        assert done.returncode == 0, done.stdout + done.stderr

    deployment = json.loads(prefect.get("/api/deployments/name/generate-video/generate-video"))
    assert deployment["work_pool_name"] == "gpu"
    assert set(deployment["parameter_openapi_schema"]["required"]) == {"order"}

    project = lay_out_project(studio)
    in_project = {**environment, "REELOPS_PARAMS_FILE": str(project / "params.yaml")}
    # It comes up while the other one works.
    worker = studio.start("prefect", "worker", "start", "--pool", "cpu", **in_project)
    try:
        order_a_clip(studio, prefect, deployment["id"], environment)
        prepare_on_a_worker(studio, project, in_project)
    finally:
        end(worker)


def order_a_clip(studio: Studio, prefect: Server, deployment_id: str, environment: dict[str, str]) -> None:
    """The order waits in the pool `gpu` until a worker comes."""
    clip = studio.outputs / "ordered.mp4"
    order = {"picture": str(studio.picture), "prompt": "pan left", "profile": str(studio.model), "steps": 2}
    parameters = {"order": order, "output": str(clip)}
    ordered = prefect.post(f"/api/deployments/{deployment_id}/create_flow_run", {"parameters": parameters})
    worker = studio.run("prefect", "worker", "start", "--pool", "gpu", "--run-once", **environment)
    assert worker.returncode == 0, worker.stdout + worker.stderr

    run = json.loads(prefect.get(f"/api/flow_runs/{ordered['id']}"))
    assert run["state"]["type"] == "COMPLETED", (run["state"], worker.stdout, worker.stderr)
    take = json.loads(clip.with_suffix(".json").read_text())
    assert take["order"]["prompt"] == "pan left"
    assert take["tracking"]["run_id"]


def lay_out_project(studio: Studio) -> Path:
    """Four clips of one's own and a params.yaml that names them."""
    root = studio.folder / "project"
    root.mkdir()
    blocks = {"dataset": {"sources": [{"kind": "folder", "path": "../mine"}]}, "metadata": SMALL_WINDOW}
    (root / "params.yaml").write_text(yaml.safe_dump(blocks))
    for number in range(4):
        clip = published.draw_video(studio.folder / "mine" / f"clip{number}.mp4", seed=number)
        clip.with_suffix(".txt").write_text(f"Soft shapes drift past, number {number}.\n")
    return root


def prepare_on_a_worker(studio: Studio, project: Path, environment: dict[str, str]) -> None:
    """The shards of a data set go to the pool `cpu`, a worker looks at them, and the flow writes the tables."""
    assert studio.run("reelops.cli", "fetch", **environment).returncode == 0
    flow = studio.run(
        "flows",
        "prepare-dataset",
        *("--shards", "2", "--deployment", "look-at-shard/look-at-shard", "--no-data-docs"),
        **environment,
    )
    assert flow.returncode == 0, flow.stdout + flow.stderr
    assert "0 clips looked at" in flow.stderr and (project / "data/metadata/clips.parquet").is_file()
