"""What a prompt asks of the light."""

from __future__ import annotations

import pytest

from reelops.prompts.asked_light import asks_for_changing_light
from reelops.prompts.style_words import NIGHTFALL


@pytest.mark.parametrize(
    "prompt",
    [
        *NIGHTFALL,
        "Night falls over the city, slow pan left",
        "The lights go out one by one",
        "It gets darker",
        "The sun slowly sets behind the hills",
        "fade out",
        "Es wird dunkel",
        "la tombée de la nuit",
        "夜幕降临",
        "रात हो रही है",
    ],
)
def test_a_change_of_light_that_is_asked_for_is_understood(prompt: str) -> None:
    assert asks_for_changing_light(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "A street at sunset, pan left",
        "A dark room",
        "A light breeze moves the grass",
        "zoom in, no fade to black",
        "the man goes out",
    ],
)
def test_how_light_is_and_what_is_not_wanted_ask_for_no_change(prompt: str) -> None:
    assert not asks_for_changing_light(prompt)
