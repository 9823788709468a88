"""The flow, alone: `python -m flows generate-video` with Prefect and MLflow embedded, as `make demo` runs it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

pytest.importorskip("prefect", reason='Prefect comes with pip install "reelops[orchestration]"')
pytest.importorskip("mlflow", reason='MLflow comes with pip install "reelops[tracking]"')

from studio import Studio

from reelops.system.digest import sha256_of
from reelops.tracking.lineage import Lineage
from reelops.video.provenance import read_provenance


@pytest.fixture
def ran(studio: Studio) -> tuple[Studio, Path, str]:
    clip = studio.outputs / "clip.mp4"
    arguments = [str(studio.picture), "a harbour, slow zoom in", "-o", str(clip), "-p", str(studio.model)]
    done = studio.run("flows", "generate-video", *arguments, "--steps", "2", "--seed", "5", "--verbose")
    assert done.returncode in (0, 3), done.stderr
    assert "Traceback" not in done.stderr
    return studio, clip, done.stdout


def test_one_command_leaves_clip_sheet_scores_verdict_and_run(ran: tuple[Studio, Path, str]) -> None:
    studio, clip, told = ran
    take = json.loads(clip.with_suffix(".json").read_text())

    assert take["sha256"] == sha256_of(clip)
    assert clip.with_suffix(".contact.jpg").stat().st_size > 1000
    provenance = read_provenance(clip)
    assert provenance is not None
    assert (provenance["seed"], provenance["steps"], provenance["prompt"]) == (5, 2, "a harbour, slow zoom in")
    assert provenance["lineage"] == take["lineage"] == str(Lineage.parse(take["lineage"]))

    for shown in (str(clip), str(clip.with_suffix(".contact.jpg")), take["lineage"], take["tracking"]["run_id"]):
        assert shown in told
    assert take["verdict"]["decision"] in ("accept", "review", "reject")
    for reason in take["verdict"]["reasons"]:
        assert reason["text"] in " ".join(told.split())

    home = studio.folder / "home"
    with sqlite3.connect(home / "prefect" / "prefect.db") as prefect:
        assert prefect.execute("select state_type from flow_run").fetchall() == [("COMPLETED",)]
        (report,) = prefect.execute("select data from artifact where key = 'generated-clip'").fetchone()
    assert take["lineage"] in report and take["verdict"]["decision"].capitalize() in report
    with sqlite3.connect(home / "mlflow.db") as mlflow:
        tags = dict(mlflow.execute("select key, value from tags"))
    assert tags["lineage"] == take["lineage"]
    assert [sha256_of(kept) for kept in home.glob("mlartifacts/**/clip.mp4")] == [take["sha256"]]

    assert studio.half_written() == []
    assert list((studio.folder / "user").iterdir()) == [], "nothing lands in the user's home"
