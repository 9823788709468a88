"""The embedded model in shapes other than its own: what is measured of it there."""

from __future__ import annotations

from pathlib import Path

import pytest
from footage import textured
from PIL import Image

from reelops.camera.moves import CameraMove
from reelops.cogvideox.profiles import find_profile
from reelops.generators.camera_moves import CameraMovesGenerator
from reelops.params import load_config
from reelops.pretraining.evaluate import evaluate_shapes


def test_each_shape_is_measured_with_every_move_in_about_as_many_pixels(tmp_path: Path) -> None:
    """A camera that films the picture itself, in the model's place, follows every move and keeps all of the picture."""
    Image.fromarray(textured(480, 320)).save(tmp_path / "picture.png")
    (tmp_path / "params.yaml").write_text("profiles: {tiny: {kind: camera_moves, num_frames: 17}}\n")
    camera = CameraMovesGenerator(load_config(params_file=tmp_path / "params.yaml", home=tmp_path / "home"))
    profile = find_profile("tiny", load_config())
    rows = evaluate_shapes(camera.generate, [tmp_path / "picture.png"], profile, shapes=[(2, 3), (16, 9)])
    assert [(row["shape"], row["size"]) for row in rows] == [("2:3", "160x240"), ("16:9", "256x144")]
    for row in rows:
        assert row["clips"] == len(CameraMove)
        assert row["move_accuracy"] == pytest.approx(1.0)
        assert row["content_kept"] > 25
