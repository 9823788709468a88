"""The scoring flow: `python -m flows score-clips`, seen in a real Prefect server, with MLflow embedded."""

from __future__ import annotations

import csv
import json
import os
import sqlite3

import numpy as np
import pytest
from footage import filmed, textured, write_clip
from studio import Server, Studio

from reelops.camera.moves import CameraMove


def test_a_folder_is_scored_in_batches_as_the_command_line_scores_it_and_kept_in_one_run(
    bare_studio: Studio, servers: dict[str, Server]
) -> None:
    studio, prefect = bare_studio, servers["prefect"]
    write_clip(studio.outputs / "pan.mp4", filmed(CameraMove.PAN_LEFT))
    write_clip(studio.outputs / "zoom.mp4", filmed(CameraMove.ZOOM_IN))
    write_clip(studio.outputs / "frozen.mp4", np.repeat(textured(96, 64)[None], 5, axis=0))
    (studio.outputs / "broken.mp4").write_bytes(b"this is not a video")
    (studio.outputs / os.fsdecode(b"caf\xe9.mp4")).write_bytes(b"nor is a file whose name is no Unicode")
    by_flow, by_hand, report = (studio.folder / name for name in ("flow.csv", "hand.csv", "report.html"))

    flow = studio.run(
        "flows",
        "score-clips",
        *(str(studio.outputs), "--batch-size", "3", "--csv", str(by_flow), "--html", str(report)),
        PREFECT_API_URL=f"{prefect.url}/api",
    )
    assert flow.returncode == 2, flow.stderr
    assert "5 clips:" in flow.stdout and "broken.mp4 is not a video" in " ".join(flow.stderr.split())
    hand = studio.run("reelops.cli", "score", str(studio.outputs), "--fresh", "--csv", str(by_hand))
    assert hand.returncode == 2, hand.stderr
    assert by_flow.read_bytes() == by_hand.read_bytes()
    assert report.stat().st_size > 10_000

    home = studio.folder / "home"
    (run,) = [run for run in prefect.flow_runs("score-clips") if run["parameters"]["videos"] == [str(studio.outputs)]]
    assert (run["state"]["name"], run["state"]["type"]) == ("Unreadable", "COMPLETED")
    names = [name for name in prefect.task_runs(run["id"]) if name.startswith("score_batch")]
    assert sorted(names) == ["score_batch 1", "score_batch 2"]
    page = prefect.artifact(run["id"])["data"]
    assert "frozen.mp4" in page and "2 unreadable" in page and "udce9.mp4" in page

    (table,) = home.glob("mlartifacts/**/clips.json")
    kept = json.loads(table.read_text())
    with by_hand.open(newline="") as file:
        wanted = list(csv.DictReader(file))
    sharpness = kept["columns"].index("sharpness")
    assert [row[sharpness] for row in kept["data"] if row[sharpness] is not None] == pytest.approx(
        [float(row["sharpness"]) for row in wanted if row["sharpness"]], rel=1e-8
    )
    (exact,) = home.glob("mlartifacts/**/flow.csv")
    assert exact.read_bytes() == by_hand.read_bytes()
    (held,) = home.glob("mlartifacts/**/report.html")
    assert held.read_bytes() == report.read_bytes()
    with sqlite3.connect(home / "mlflow.db") as mlflow:
        metrics = dict(mlflow.execute("select key, value from metrics"))
    assert metrics["clips.unreadable"] == 2 and "mean.sharpness" in metrics
    assert studio.scratch == [] and list((studio.folder / "user").iterdir()) == []
