"""Captions that name a camera move, in the many ways people write prompts."""

from __future__ import annotations

import numpy as np

from reelops.camera.moves import CameraMove, CameraSpeed
from reelops.camera.words import move_phrase

SUBJECTS = (
    "a harbour", "a market square", "a city street", "a mountain lake", "a crowd", "a press conference",
    "a press briefing at city hall", "a reporter", "a woman at a window", "a man with a camera", "a train station",
    "an old bridge", "a forest path", "a field of flowers", "a red car", "a football stadium", "a court house",
    "a sailing boat", "a lighthouse", "a kitchen table", "a plate of food", "a cup of coffee", "a dog on the grass",
    "a cat on a chair", "two parrots", "a horse", "a child with a balloon", "a portrait of a smiling woman",
    "an astronaut", "a rocket on the launch pad", "a factory hall", "a hospital corridor", "a library",
    "a snowy roof", "a beach at low tide", "a waterfall", "a desert road", "a night skyline", "an empty classroom",
    "a protest march", "a minister at a lectern", "a trading floor", "a flooded village", "a wind farm",
    "a fire engine", "an airport terminal", "a vineyard", "a painter's studio", "a row of houses", "a stone wall",
    "a church tower", "a river valley", "motorcycles in a race", "hats on a wall", "a wooden door", "a rainy street",
    "an election poster", "a concert stage", "a fishing village", "the parliament", "a satellite dish", "a greenhouse",
)  # fmt: skip
SETTINGS = (
    "", "", "", "at dawn", "at dusk", "at night", "in the rain", "in bright sunlight", "under a cloudy sky",
    "in winter", "in autumn light", "after the storm", "seen from above", "the sea behind", "during the elections",
)  # fmt: skip
STYLES = (
    "", "", "", "", "news footage", "documentary style", "breaking news", "cinematic", "high quality", "realistic",
    "press photo", "wide shot", "close-up", "market commentary on breaking news", "press room Q&A session",
)  # fmt: skip


def scene_phrase(rng: np.random.Generator) -> str:
    """What a picture might show."""
    words = [SUBJECTS[rng.integers(len(SUBJECTS))], SETTINGS[rng.integers(len(SETTINGS))]]
    return " ".join(word for word in words if word)


def caption(move: CameraMove | None, speed: CameraSpeed, rng: np.random.Generator) -> str:
    """A whole prompt; None writes one that names no move."""
    style = STYLES[rng.integers(len(STYLES))]
    scene = scene_phrase(rng)
    if move is None:
        parts = [scene, style]
    else:
        phrase = move_phrase(move, speed, rng)
        order = rng.integers(6)
        if order == 0:
            parts = [phrase]
        elif order == 1:
            parts = [f"{phrase} over {scene}", style]
        elif order == 2:
            parts = [phrase, scene, style]
        elif order == 3:
            parts = [style, scene, phrase]
        else:
            parts = [scene, phrase, style]
    joint = (", ", ". ", "; ", " - ")[rng.choice(4, p=(0.5, 0.35, 0.1, 0.05))]
    text = joint.join(part for part in parts if part)
    if rng.random() < 0.5:
        text = text[0].upper() + text[1:]
    return text + (".", "")[int(rng.random() < 0.5)]
