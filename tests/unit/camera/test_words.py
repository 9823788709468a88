"""Prompts and the camera moves they ask for."""

from __future__ import annotations

import numpy as np
import pytest
from camera_sentences import FURTHER, KNOWN, UNSEEN

from reelops.camera.moves import CameraMove, CameraSpeed
from reelops.camera.request import asked_move, camera_request
from reelops.camera.words import move_phrase
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


@pytest.mark.parametrize(("prompt", "move"), [*KNOWN.items(), *UNSEEN.items(), *FURTHER.items()])
def test_a_move_is_what_the_camera_does_and_what_is_wanted(prompt: str, move: str | None) -> None:
    assert asked_move(prompt) == move


def test_the_tables_are_large_and_half_of_the_first_two_was_not_used_for_the_rules() -> None:
    assert len(KNOWN) + len(UNSEEN) >= 80 and len(UNSEEN) >= len(KNOWN) and not set(KNOWN) & set(UNSEEN)


@pytest.mark.parametrize(
    ("prompt", "speed"),
    [
        ("A fast car drives by, slow zoom in", CameraSpeed.SLOW),
        ("A slow river, the camera quickly pans right", CameraSpeed.FAST),
        ("Zoom in on a man who eats fast food", CameraSpeed.NORMAL),
        ("The camera pans over the crowd to the left slowly", CameraSpeed.SLOW),
        ("The camera zooms in on the face of the man gently", CameraSpeed.SLOW),
        ("A quick fox", CameraSpeed.FAST),
    ],
)
def test_a_speed_is_the_cameras_where_it_moves(prompt: str, speed: CameraSpeed) -> None:
    assert camera_request(prompt).speed is speed


@pytest.mark.parametrize(
    "text", ["not zoom in or " * 1500, "and pans left " * 1500, "the camera slowly " * 1500, "\0\ud83d"]
)
def test_no_text_is_too_long_or_too_odd_to_be_read(text: str) -> None:
    assert asked_move(text) in (None, CameraMove.PAN_LEFT)


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
    assert camera_request(prompt).speed is speed
