"""Which pictures are taken, and how prompts go round on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from training_ground import VALIDATE

from reelops.dataset.table import CLIPS, write_clips
from reelops.errors import PictureError
from reelops.validation.params import ValidateParams
from reelops.validation.trials import find_pictures, plan_trials

MOVES = ["zoom in", "zoom out", "pan left"]


def params_of(**changes):
    return ValidateParams.model_validate(VALIDATE | {"held_out": ["pictures/*"], "pictures": 4} | changes)


@pytest.fixture
def root(tmp_path, trained) -> Path:
    """A table of six held-out clips cut from two photographs, one clip to learn from, and two pictures in a folder."""
    template = trained.rows()[-1]
    names = [*(f"images/{number}.png" for number in range(7)), "pictures/a.png", "pictures/b.png"]
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((32, 48, 3), 20 * number, np.uint8)).save(tmp_path / name)
    rows = [
        replace(
            template,
            clip_id=f"set/{number}",
            origin=f"photograph/{number % 2}",
            split="train" if number == 6 else "validation",
            image_path=Path(names[number]),
        )
        for number in range(7)
    ]
    write_clips(rows, tmp_path / CLIPS, (tmp_path / CLIPS).with_suffix(".jsonl"))
    return tmp_path


def test_every_photograph_is_taken_before_a_second_picture_of_any(root):
    pictures, notes = find_pictures(params_of(), root)
    assert Counter(picture.photograph for picture in pictures) == dict.fromkeys(
        ("photograph/0", "photograph/1", "a.png", "b.png"), 1
    )
    assert notes == []
    more, _ = find_pictures(params_of(pictures=8), root)
    assert more[:4] == pictures and len(more) == 8
    assert "set/6" not in {picture.name for picture in more}, "it was trained on"


def test_the_seed_alone_decides_which(root):
    one, again = (find_pictures(params_of(pictures=2), root)[0] for _ in range(2))
    others = [find_pictures(params_of(pictures=2, seed=seed), root)[0] for seed in range(1, 6)]
    assert one == again
    assert any(other != one for other in others)


def test_what_is_not_there_is_left_out_and_said(root):
    pictures, notes = find_pictures(params_of(held_out=["nowhere/*"]), root)
    assert {picture.photograph for picture in pictures} == {"photograph/0", "photograph/1"}
    assert notes == ["nowhere/* of validate.held_out is not here and was left out"]
    (root / CLIPS).unlink()
    pictures, (note,) = find_pictures(params_of(), root)
    assert [picture.name for picture in pictures] and "run `reelops metadata` first" in note


def test_a_picture_that_is_none_is_refused_before_anything_is_made(root):
    (root / "pictures/a.png").write_bytes(b"text")
    with pytest.raises(PictureError, match=r"a\.png"):
        find_pictures(params_of(), root)


def test_prompts_go_round_on_the_pictures_and_no_pair_of_them_is_tried_twice(root):
    params = params_of(moves={"pictures": 2, "prompts": MOVES}, style=None)
    pictures, _ = find_pictures(params, root)
    trials = plan_trials(params, pictures)
    assert len({(trial.prompt, trial.picture.sha256) for trial in trials}) == len(trials) == 6
    assert set(Counter(trial.picture.name for trial in trials).values()) == {1, 2}, "all are used, none much more"
    assert [trial.asked.words for trial in trials] == [move for move in MOVES for _ in range(2)]


def test_a_pairs_seed_outlives_other_prompts_and_pictures(root):
    """So that its clips are found again when a prompt is added."""
    few = params_of(moves={"pictures": 4, "prompts": MOVES[2:]}, style=None)
    many = params_of(moves={"pictures": 4, "prompts": MOVES}, style=None)
    pictures, _ = find_pictures(few, root)
    seeds = {(trial.prompt, trial.picture): trial.seed for trial in plan_trials(few, pictures)}
    assert seeds.items() <= {(trial.prompt, trial.picture): trial.seed for trial in plan_trials(many, pictures)}.items()
    assert len(set(seeds.values())) == len(seeds)
