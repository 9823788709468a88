"""`reelops batch` as a person and as a machine use it: what it says before, and after."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from footage import textured
from PIL import Image
from typer.testing import CliRunner, Result

from reelops.cli import batch
from reelops.errors import InputError

SMALL = {"prompt": "pan left", "profile": "camera-moves", "num_frames": 5, "width": 96, "height": 64}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a picture and a home of its own."""
    monkeypatch.setenv("REELOPS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Image.fromarray(textured(160, 120)).save("quay.png")
    return tmp_path


def write_jobs(*rows: dict[str, Any]) -> None:
    Path("jobs.json").write_text(json.dumps([{"picture": "quay.png", **SMALL, **row} for row in rows]))


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.callback()(lambda: None)
    batch.register(app)
    return CliRunner().invoke(app, ["batch", "jobs.json", "--no-track", "--retries", "0", *arguments])


def test_rows_that_cannot_be_made_are_named_before_anything_is_and_may_be_left_out() -> None:
    write_jobs({"id": "good"}, {"picture": "gone.png"}, {"steps": "many"})
    refused = run()
    assert isinstance(refused.exception, InputError)
    told = str(refused.exception)
    assert told.startswith("2 of 3 orders cannot be made, so none was.")
    assert "jobs.json, row 2: gone.png" in told.replace(f"{Path.cwd()}/", "") and "row 3: steps is 'many'" in told
    assert not Path("outputs").exists()
    made = run("--leave-out-bad", "--json")
    summary = json.loads(made.stdout)
    assert made.exit_code == 2 and (summary["jobs"], summary["left_out"], summary["clips"]) == (1, 2, 1)
    with Path("outputs/jobs/batch-table.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["id"] == "good" and Path(row["clip"]).is_file() and row["profile"] == "camera-moves"
    assert len(json.loads(Path("outputs/jobs/batch-summary.json").read_text())["problems"]) == 2


def test_a_dry_run_says_what_can_be_made_and_makes_nothing() -> None:
    write_jobs({}, *({"picture": f"gone{number}.png"} for number in range(11)))
    dry = run("--dry-run")
    assert dry.exit_code == 2 and dry.stdout.startswith("1 of 12 orders can be made, into ")
    assert "gone9.png" in dry.stderr and "gone10.png" not in dry.stderr and "and 1 more" in dry.stderr
    told = json.loads(run("--dry-run", "--json").stdout)
    assert (told["rows"], told["usable"], len(told["problems"])) == (12, 1, 11)
    assert {path.name for path in Path.cwd().iterdir()} <= {"jobs.json", "quay.png", "home"}


def test_a_file_in_the_place_of_the_folder_is_refused() -> None:
    write_jobs({})
    assert "is a file, and the clips of a batch go into a folder" in str(run("-o", "quay.png").exception)
