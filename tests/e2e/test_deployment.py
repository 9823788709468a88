"""docs/flows.md, followed to the letter: pools, deployments, an order, and a worker that carries it out."""

from __future__ import annotations

import json
import logging
import re
import shlex
from pathlib import Path

import published
import yaml
from publisher import SMALL_WINDOW
from studio import Server, Studio, end


def test_the_commands_of_the_page_bring_an_order_to_a_worker_that_carries_it_out(
    studio: Studio, servers: dict[str, Server], repository: Path
) -> None:
    prefect = servers["prefect"]
    environment = {
        "PREFECT_API_URL": f"{prefect.url}/api",
        "MLFLOW_TRACKING_URI": servers["mlflow"].url,
        "PREFECT_HOME": str(studio.folder / "prefect"),
        "PYTHONPATH": str(repository),
    }
    shown = commands_of(repository / "docs/flows.md")
    assert ["export", "PYTHONPATH=$PWD"] in shown
    told = [line for line in shown if line[0] == "prefect"]
    *once, start_worker, order = told
    assert [line[1] for line in told] == ["work-pool", "work-pool", "--no-prompt", "worker", "deployment"]
    for command in once:
        done = studio.run(*command, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Warning" not in done.stderr, done.stderr

    deployment = json.loads(prefect.get("/api/deployments/name/generate-video/generate-video"))
    assert deployment["work_pool_name"] == "gpu"
    assert set(deployment["parameter_openapi_schema"]["required"]) == {"order"}

    project = lay_out_project(studio)
    in_project = {**environment, "REELOPS_PARAMS_FILE": str(project / "params.yaml")}
    # It comes up while the other one works.
    worker = studio.start("prefect", "worker", "start", "--pool", "cpu", **in_project)
    try:
        order_a_clip(studio, prefect, order, start_worker, environment)
        prepare_on_a_worker(studio, project, in_project)
    finally:
        end(worker)


def commands_of(page: Path) -> list[list[str]]:
    """The words of each command line that a page shows, behind a `$`."""
    lines = re.findall(r"^\$ (.+)$", page.read_text(), re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def order_a_clip(
    studio: Studio, prefect: Server, order: list[str], start_worker: list[str], environment: dict[str, str]
) -> None:
    """The order of the page, for a picture and a model that are here; it waits in its pool until a worker comes."""
    clip = studio.outputs / "ordered.mp4"
    *command, parameters = order
    name, _, given = parameters.partition("=")
    asked = {**json.loads(given), "picture": str(studio.picture), "profile": str(studio.model), "steps": 2}
    ordered = studio.run(*command, f"{name}={json.dumps(asked)}", "-p", f"output={clip}", **environment)
    assert ordered.returncode == 0, ordered.stdout + ordered.stderr
    worker = studio.run(*start_worker, "--run-once", **environment)
    assert worker.returncode == 0, worker.stdout + worker.stderr

    run = prefect.flow_runs("generate-video")[0]
    log = prefect.post("/api/logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}})
    assert run["state"]["type"] == "COMPLETED", (run["state"], worker.stdout, worker.stderr)
    warned = [line["message"] for line in log if line["level"] >= logging.WARNING]
    assert not [message for message in warned if "Concurrency limit" in message or "shadows" in message], warned
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
