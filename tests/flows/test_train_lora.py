"""The training flow: DVC trains and validates, the registry gets a challenger; then nothing is to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys

import pytest

pytest.importorskip("dvc", reason='DVC comes with pip install "reelops[data]"')

import yaml
from studio import START_SECONDS
from training_ground import VALIDATE, make_ground

from reelops.cogvideox.adapter_file import WEIGHTS_NAME
from reelops.system.digest import sha256_of


def test_dvc_trains_and_the_registry_gets_a_challenger_once(small_model, tmp_path, repository, servers):
    ground = make_ground(tmp_path / "project", small_model, train_clips=2)
    one_pair = {"moves": None, "style": VALIDATE["style"] | {"pictures": 1}, "side_by_sides": 0}
    ground.write_params(steps=2, held_out={"every": 0}, validate=one_pair)
    reelops = f"{sys.executable} -m reelops.cli"
    stages = {
        "latents": {"cmd": f"{reelops} latents", "deps": ["data/metadata/clips.parquet"], "outs": ["data/latents"]},
        "train": {
            "cmd": f"{reelops} train",
            "deps": ["data/latents"],
            "params": ["train"],
            "outs": ["models/adapters/${train.name}", {"reports/train/run.json": {"cache": False}}],
        },
        "validate": {
            "cmd": f"{reelops} validate",
            "deps": ["models/adapters/${train.name}"],
            "outs": [{"reports/validate/verdict.json": {"cache": False}}],
        },
    }
    (ground.folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    quiet = {**os.environ, "DVC_NO_ANALYTICS": "true"}
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=ground.folder, check=True, env=quiet)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_", "REELOPS_"))
    }
    own = {"REELOPS_PARAMS_FILE": str(ground.folder / "params.yaml"), "REELOPS_HOME": str(ground.folder / "home")}
    own |= {"PYTHONPATH": str(repository), "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    own |= {"PREFECT_API_URL": f"{servers['prefect'].url}/api"}

    def run():
        done = subprocess.run(
            [sys.executable, "-m", "flows", "train-lora"],
            cwd=repository,
            env=kept | own,
            capture_output=True,
            text=True,
            timeout=2 * START_SECONDS,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    said = run()
    sha256 = sha256_of(ground.adapter / WEIGHTS_NAME)
    assert sha256[:12] in said and "Challenger: version 1 of shaky" in said
    assert "Validation: 1 of 4 checks not passed (max_style_in_base)." in said
    assert "Challenger: version 1 of shaky" in run(), "the same weights get no second version"

    runs = servers["prefect"].flow_runs("train-lora")
    assert [(run["state"]["name"], run["state"]["type"]) for run in runs] == [("Challenger", "COMPLETED")] * 2
    page = servers["prefect"].artifact(runs[0]["id"])["data"]
    assert sha256 in page and "Clips of the base that show" in page
    with sqlite3.connect(ground.folder / "home/mlflow.db") as mlflow:
        tags = dict(mlflow.execute("select key, value from tags"))
        of_version = dict(mlflow.execute("select key, value from model_version_tags"))
    assert tags["dvc.lock.sha256"] == sha256_of(ground.folder / "dvc.lock") and tags["adapter_sha256"] == sha256
    assert (of_version["validation"], of_version["validation.failed"]) == ("failed", "max_style_in_base")
