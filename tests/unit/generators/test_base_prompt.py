"""What the base gets of a prompt, and what the user is told of it before the work."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelops.clip import ClipOrder
from reelops.cogvideox.profiles import find_profile
from reelops.generators.base_prompt import model_prompt, notes_on
from reelops.params import load_config

TINY, LARGE = (find_profile(name, load_config()) for name in ("tiny", "cogvideox-5b-i2v"))


def order(prompt: str, **more: object) -> ClipOrder:
    return ClipOrder(picture=Path("harbour.png"), prompt=prompt, **more)


@pytest.mark.parametrize(
    "prompt", ["slow zoom in", "A harbour, the camera pans left", "do not zoom in, pan right", "a bus"]
)
def test_an_english_prompt_of_one_move_reaches_every_base_as_it_is(prompt: str) -> None:
    assert model_prompt(order(prompt), TINY) == model_prompt(order(prompt), LARGE) == prompt


def test_a_move_in_another_language_reaches_the_embedded_model_in_words_that_it_knows() -> None:
    prompt = "La cámara se aleja lentamente"
    assert model_prompt(order(prompt), TINY) == "slow zoom out"
    assert model_prompt(order(prompt, adapter=Path("a")), TINY) == f"slow zoom out. {prompt}"
    assert any("given “slow zoom out”" in note for note in notes_on(order(prompt), TINY))


def test_a_base_of_whole_sentences_gets_them_with_a_note_on_its_language() -> None:
    for prompt in ("La cámara se aleja lentamente", "Гавань на закате"):
        assert model_prompt(order(prompt), LARGE) == prompt
        assert any("reads English" in note for note in notes_on(order(prompt), LARGE))
    assert notes_on(order("A harbour at dusk"), LARGE) == ()


def test_of_several_moves_the_embedded_model_makes_the_first() -> None:
    assert model_prompt(order("zoom in then pan left"), TINY) == "zoom in"
    (told, _) = notes_on(order("zoom in then pan left"), TINY)
    assert "zoom in, pan left" in told and "only one is made" in told


def test_a_prompt_that_names_no_move_is_told_which_there_are_and_what_is_done_instead() -> None:
    (told,) = notes_on(order("orbit around the tram, drone shot"), TINY)
    assert "tilt down, static" in told and told.endswith("tiny then does a slow zoom in, as a rule")


def test_settings_that_the_embedded_model_is_not_made_for_are_told() -> None:
    told = notes_on(order("pan left", steps=20, guidance=5.0, seed=3), TINY)
    assert len(told) == 4
    assert "1 step;" in told[1] and "guidance 1" in told[2] and "seeds hardly" in told[3]
    assert len(notes_on(order("pan left"), TINY)) == 1
