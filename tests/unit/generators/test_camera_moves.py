"""Camera moves over a picture: the metric that measures moves sees the one that was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from footage import textured
from PIL import Image

from reelops.camera.moves import CameraMove, CameraSpeed, film, path_of
from reelops.clip import ClipOrder
from reelops.errors import SettingsError
from reelops.generators.camera_moves import CameraMovesGenerator, start_box
from reelops.metrics.camera.camera_move import measure_camera
from reelops.params import load_config
from reelops.system.device_lock import hold_device


@pytest.fixture
def generator(tmp_path: Path) -> CameraMovesGenerator:
    (tmp_path / "params.yaml").write_text(
        "profiles:\n  moves: {kind: camera_moves, num_frames: 17, width: 240, height: 160}\n"
    )
    return CameraMovesGenerator(load_config(params_file=tmp_path / "params.yaml", home=tmp_path / "home"))


@pytest.fixture
def order(tmp_path: Path) -> ClipOrder:
    Image.fromarray(textured(960, 640, seed=2)).save(tmp_path / "picture.png")
    return ClipOrder(picture=tmp_path / "picture.png", prompt="static", profile="moves")


@pytest.mark.parametrize("move", list(CameraMove))
def test_the_move_that_is_asked_for_is_the_move_that_is_measured(
    generator: CameraMovesGenerator, order: ClipOrder, move: CameraMove
) -> None:
    frames = generator.generate(order.but(prompt=f"a harbour, {move.words}")).read_frames()
    assert measure_camera(frames).move == move


def test_a_speed_word_changes_how_far_the_camera_goes(generator: CameraMovesGenerator, order: ClipOrder) -> None:
    slow, fast = (
        measure_camera(generator.generate(order.but(prompt=f"{speed} pan left")).read_frames()).shift_x
        for speed in ("slow", "fast")
    )
    assert 1.5 * abs(slow) < abs(fast)


def test_a_prompt_that_names_no_move_gets_a_slow_zoom_in_and_a_note(
    generator: CameraMovesGenerator, order: ClipOrder
) -> None:
    made = generator.generate(order.but(prompt="a harbour"))
    assert any("slow zoom in" in note for note in made.facts.notes)
    assert measure_camera(made.read_frames()).move == CameraMove.ZOOM_IN


@pytest.mark.parametrize("move", list(CameraMove))
@pytest.mark.parametrize("speed", list(CameraSpeed))
def test_no_frame_looks_beyond_the_picture(move: CameraMove, speed: CameraSpeed) -> None:
    """The corners of the first and the last frame lie in the picture; the way between them is straight."""
    path = path_of(move, speed)
    box = start_box(path, 480, 320)
    for time in (0.0, 1.0):
        matrix = path.at(time, 240, 160)
        corners = np.array([[0, 0, 1], [239, 0, 1], [0, 159, 1], [239, 159, 1]], dtype=float)
        back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
        x, y, _ = back @ corners.T
        x, y = box[0] + (x + 0.5) * box[2] / 240, box[1] + (y + 0.5) * box[3] / 160
        assert x.min() >= -0.01 and y.min() >= -0.01 and x.max() <= 480.01 and y.max() <= 320.01


def test_frames_drawn_one_by_one_are_those_of_the_whole_film(generator: CameraMovesGenerator, order: ClipOrder) -> None:
    made = generator.generate(order.but(prompt="pan left"))
    picture = np.asarray(Image.open(order.picture).resize((480, 320), Image.Resampling.LANCZOS))
    path = path_of(CameraMove.PAN_LEFT)
    whole = film(picture, start_box(path, 480, 320), path, (240, 160), np.linspace(0, 1, 17))
    assert np.abs(made.read_frames().astype(int) - whole).max() <= 6, "but for how the picture was scaled"


def test_what_has_no_effect_is_said_and_an_adapter_is_refused(
    generator: CameraMovesGenerator, order: ClipOrder
) -> None:
    made = generator.generate(order.but(steps=4, negative_prompt="fog"))
    assert any(note.startswith("steps and a negative prompt change nothing") for note in made.facts.notes)
    with pytest.raises(SettingsError, match="has no model"):
        generator.check(order.but(adapter=Path("lora")))


def test_a_clip_without_a_model_loads_no_torch_and_waits_for_no_device(repository, tmp_path) -> None:
    """In a fresh process, while another one generates in the same home folder."""
    program = f"""
import sys, reelops
from pathlib import Path
picture, home = Path({str(repository)!r}) / "data/samples/coffee.jpg", Path({str(tmp_path)!r})
reelops.generate(picture, "zoom in", home / "a.mp4", profile="camera-moves", track=False,
                 num_frames=2, width=64, height=48)
print([name for name in ("torch", "diffusers") if name in sys.modules])
"""
    bare = {
        **os.environ,
        "REELOPS_HOME": str(tmp_path / "home"),
        "REELOPS_PARAMS_FILE": str(repository / "params.yaml"),
    }
    with hold_device(tmp_path / "home"):
        bare.pop("_REELOPS_DEVICES_HELD", None)
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=bare, timeout=120)
    assert ran.stdout == "[]\n", ran.stderr
