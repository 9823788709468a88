"""The loop that looking at clips is measured beside, and what its report keeps."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml
from footage import textured
from typer.testing import CliRunner

from reelops.camera.moves import CameraMove, film, path_of
from reelops.cli import build_app
from reelops.video.encode import encode


@pytest.fixture
def project(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    params = yaml.safe_load((repository / "params.yaml").read_text())
    params["metadata"]["window"] |= {"frames": 9, "fps": 8, "search_seconds": 4}
    params["metadata"]["limits"]["smallest_side"] = 32
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.setenv("REELOPS_PARAMS_FILE", str(tmp_path / "params.yaml"))
    pan = film(textured(), (32.0, 30.0, 84.0, 56.0), path_of(CameraMove.PAN_LEFT), (96, 64), np.linspace(0, 1, 25))
    encode(pan, tmp_path / "pan.mp4", Fraction(8), "high")
    return tmp_path


def test_the_loop_finds_what_we_find_and_many_clips_of_before_are_kept(project: Path) -> None:
    report = project / "benchmark.json"
    report.write_text(json.dumps({"machine": "another", "many": {"runs": "of yesterday"}}))
    done = CliRunner().invoke(build_app(), ["benchmark", "data", str(project / "pan.mp4"), "--out", str(report)])
    assert done.exit_code == 0, done.output
    figures = json.loads(report.read_text())
    (row,) = figures["throughput"]["clips"]
    assert row["ours_cpu_seconds"] > 0 and row["opencv_cpu_seconds"] > 0
    for name in ("motion", "sharpness"):
        ours, theirs = row[name]
        assert ours == pytest.approx(theirs, rel=0.1)
    assert figures["many"] == {"runs": "of yesterday"} and figures["machine"] != "another"
