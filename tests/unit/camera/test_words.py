"""Prompts and the camera moves they ask for."""

from __future__ import annotations

import numpy as np
import pytest

from reelops.camera.moves import CameraMove, CameraSpeed
from reelops.camera.words import asked_move, asked_speed, move_phrase
from reelops.pretraining.captions import caption


@pytest.mark.parametrize("move", list(CameraMove))
@pytest.mark.parametrize("speed", list(CameraSpeed))
def test_every_phrase_the_model_learns_from_is_understood(move: CameraMove, speed: CameraSpeed) -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        phrase = move_phrase(move, speed, rng)
        assert asked_move(phrase) is move, phrase


@pytest.mark.parametrize("move", list(CameraMove))
def test_a_whole_caption_names_its_move(move: CameraMove) -> None:
    rng = np.random.default_rng(2)
    for _ in range(300):
        text = caption(move, CameraSpeed.SLOW, rng)
        assert asked_move(text) is move, text


def test_captions_without_a_move_name_none() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        text = caption(None, CameraSpeed.SLOW, rng)
        assert asked_move(text) is None, text


@pytest.mark.parametrize(
    ("prompt", "move", "speed"),
    [
        ("Slow zoom in on the hat", CameraMove.ZOOM_IN, CameraSpeed.SLOW),
        ("The camera quickly pans to the right", CameraMove.PAN_RIGHT, CameraSpeed.FAST),
        ("Tilting down, harbour at dusk", CameraMove.TILT_DOWN, CameraSpeed.NORMAL),
        ("pan left, then zoom in", CameraMove.PAN_LEFT, CameraSpeed.NORMAL),
        ("Locked-off shot of the parliament", CameraMove.STATIC, CameraSpeed.NORMAL),
        ("A man left the building", None, CameraSpeed.NORMAL),
        ("A pan of rice, left on the stove", None, CameraSpeed.NORMAL),
        ("", None, CameraSpeed.NORMAL),
    ],
)
def test_prompts_as_people_write_them(prompt: str, move: CameraMove | None, speed: CameraSpeed) -> None:
    assert asked_move(prompt) is move
    assert asked_speed(prompt) is speed
