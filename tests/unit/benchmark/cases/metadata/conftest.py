"""A bench whose clip holds a window of nine pictures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml
from footage import textured

from reelops.benchmark.case import Bench
from reelops.camera.moves import CameraMove, film, path_of
from reelops.params import load_config
from reelops.video.encode import encode


@pytest.fixture
def bench(repository: Path, tmp_path: Path) -> Bench:
    params = yaml.safe_load((repository / "params.yaml").read_text())
    params["metadata"]["window"] |= {"frames": 9, "fps": 8, "search_seconds": 4}
    params["metadata"]["limits"]["min_side"] = 32
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    pan = film(textured(), (32.0, 30.0, 84.0, 56.0), path_of(CameraMove.PAN_LEFT), (96, 64), np.linspace(0, 1, 25))
    encode(pan, tmp_path / "pan.mp4", Fraction(8), "high")
    (tmp_path / "scratch").mkdir()
    config = load_config(params_file=tmp_path / "params.yaml")
    return Bench(config, tmp_path / "scratch", clips=[tmp_path / "pan.mp4"])
