"""`reelops validate` as a person uses it: killed and begun again, stopped, asked for its exit code."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from studio import START_SECONDS, end, wait_for
from training_ground import VALIDATE, Ground
from validation_work import make_trained

from reelops.cli import build_app, run_guarded

pytest.importorskip("pyarrow", reason='pyarrow comes with pip install "reelops[data]"')
pytest.importorskip("mlflow", reason='MLflow comes with pip install "reelops[tracking]"')


@pytest.fixture(scope="module")
def trained(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    ground = make_trained(tmp_path_factory.mktemp("validate") / "project", small_model, track=True)
    few = {"moves": None, "style": VALIDATE["style"] | {"pictures": 2}, "side_by_sides": 1}
    ground.write_params(validate=few)
    return ground


@pytest.fixture
def ground(trained: Ground, tmp_path: Path) -> Ground:
    """A copy in which nothing has been made yet."""
    made = shutil.ignore_patterns("validate")
    shutil.copytree(trained.folder, tmp_path / "project", symlinks=True, ignore=made)
    return Ground(tmp_path / "project")


def kept(ground: Ground) -> dict[str, int]:
    """Clips with their sidecars, which are written last, and when they were made."""
    sidecars = (ground.folder / ".cache/validate/clips").glob("*/*.json")
    return {path.stem: path.with_suffix(".mp4").stat().st_mtime_ns for path in sidecars}


def test_killed_and_begun_again_it_goes_on_and_finds_the_same(trained: Ground, ground: Ground) -> None:
    process = ground.start("validate", "--no-track")
    try:
        wait_for(process, lambda: len(kept(ground)) >= 2)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        end(process)
    before = kept(ground)
    assert len(before) >= 2
    done = ground.run("validate", "--no-track", "--json")
    assert done.returncode == 0, done.stderr
    assert f"{4 - len(before)} clips to make, {len(before)} kept" in done.stderr
    assert before.items() <= kept(ground).items(), "what was made is not made again"

    straight = trained.run("validate", "--json", "--strict")
    assert straight.returncode == 3, "every clip of the base moves, so a check is not passed"
    again, told = json.loads(done.stdout), json.loads(straight.stdout)
    assert again["metrics"] == told["metrics"] and again["checks"] == told["checks"]
    figures = [folder / "reports/validate/metrics.json" for folder in (ground.folder, trained.folder)]
    assert figures[0].read_bytes() == figures[1].read_bytes()
    assert_the_training_run_has_it(trained, told)


def assert_the_training_run_has_it(ground: Ground, told: dict) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=ground.config.mlflow_tracking_uri)
    run = client.get_run(told["mlflow_run"])
    assert run.info.run_id == json.loads((ground.folder / "reports/train/run.json").read_text())["mlflow_run"]
    assert run.info.status == "FINISHED" and run.data.tags["validation"] == "failed"
    assert run.data.metrics["validate/style_in_adapter"] == told["metrics"]["style_in_adapter"]
    names = {file.path for file in client.list_artifacts(run.info.run_id, "validate")}
    assert {"validate/index.html", "validate/metrics.json", "validate/verdict.json"} <= names
    assert sum(name.endswith(".mp4") for name in names) == 1


def test_ctrl_c_ends_cleanly_and_says_how_to_resume(ground: Ground) -> None:
    process = ground.start("validate", "--no-track")
    try:
        wait_for(process, lambda: len(kept(ground)) >= 1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=START_SECONDS)
    finally:
        end(process)
    assert process.returncode == 130, err
    assert "are kept, and the same command resumes from there." in " ".join(err.split()) and "Traceback" not in err
    assert not (ground.folder / "reports/validate").exists()
    assert not list((ground.folder / ".cache/validate").rglob("*.partial"))


def test_without_an_adapter_it_is_one_line_and_exit_code_2(ground: Ground) -> None:
    shutil.rmtree(ground.adapter)
    done = ground.run("validate")
    assert done.returncode == 2 and done.stdout == ""
    assert "There is no adapter at" in done.stderr and "Run `reelops train`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_that_takes_no_report_is_refused_before_a_clip_is_made(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REELOPS_PARAMS_FILE", str(ground.folder / "params.yaml"))
    (ground.folder / "a-file").touch()
    for place, told in (("a-file", "is a file; name a folder"), ("a-file/in", "cannot be written")):
        command = ["validate", "--output", str(ground.folder / place)]
        assert run_guarded(lambda: build_app()(command, standalone_mode=False)) == 2  # noqa: B023 - called at once
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and told in said
