"""What every generator promises; a new one is added to GENERATORS and passes the same suite."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_model import PLAIN_CPU

from reelops.clip import ClipOrder
from reelops.errors import Cancelled, InputError, PictureError, PromptError
from reelops.generators.contract import GeneratedFrames, Generator
from reelops.params import load_config

Built = tuple[Generator, ClipOrder]
FACTS = {"base", "base_revision", "adapter_sha256", "dtype", "offload", "device", "steps", "guidance", "seed"}


def cogvideox(request: pytest.FixtureRequest, picture: Path, home: Path) -> Built:
    from reelops.generators.cogvideox import CogVideoXGenerator

    generator = CogVideoXGenerator(load_config(home=home), PLAIN_CPU)
    profile = str(request.getfixturevalue("small_model"))
    return generator, ClipOrder(picture, "slow zoom in", profile=profile, seed=3, steps=2, guidance=3.0)


GENERATORS: dict[str, Callable[[pytest.FixtureRequest, Path, Path], Built]] = {"cogvideox": cogvideox}


def draw(path: Path, colour: tuple[int, int, int]) -> Path:
    """A picture wider than any generator's clip: a block on a plain ground."""
    image = Image.new("RGB", (200, 90), colour)
    image.paste((250, 240, 30), (70, 20, 120, 70))
    image.save(path)
    return path


@pytest.fixture(scope="module", params=list(GENERATORS))
def built(request, tmp_path_factory) -> Built:
    folder = tmp_path_factory.mktemp("order")
    return GENERATORS[request.param](request, draw(folder / "picture.png", (20, 60, 160)), folder / "home")


@pytest.fixture(scope="module")
def made(built) -> GeneratedFrames:
    generator, order = built
    return generator.generate(order)


def test_frames_have_the_stated_format(made):
    clip = made.format
    assert made.frames_THWC.shape == (clip.num_frames, clip.height, clip.width, 3)
    assert made.frames_THWC.dtype == np.uint8 and made.frames_THWC.flags.c_contiguous
    assert made.picture_HWC.shape == (clip.height, clip.width, 3) and made.picture_HWC.dtype == np.uint8


def test_facts_are_complete_and_fit_for_json(made):
    facts = json.loads(json.dumps(dict(made.facts)))
    assert set(facts) >= FACTS | {"picture_sha256", "notes"}
    assert facts["seed"] == 3 and len(facts["picture_sha256"]) == 64 and facts["base_revision"]
    assert all(isinstance(note, str) and note for note in facts["notes"])


def test_what_was_cut_from_the_picture_is_said_aloud(made):
    assert any("crop" in note for note in made.facts["notes"])


def test_time_and_memory_are_measured(made):
    assert made.seconds and all(seconds >= 0 for seconds in made.seconds.values())
    assert made.peak_memory_bytes["rss"] > 10_000_000


def test_same_order_is_the_same_clip(built, made):
    generator, order = built
    assert np.array_equal(generator.generate(order).frames_THWC, made.frames_THWC)


def test_clip_follows_the_picture(built, made, tmp_path):
    generator, order = built
    other = replace(order, picture=draw(tmp_path / "other.png", (200, 30, 30)))
    assert not np.array_equal(generator.generate(other).frames_THWC, made.frames_THWC)


def test_progress_never_goes_back_and_ends_complete(built):
    generator, order = built
    seen = []
    generator.generate(order, on_progress=seen.append)
    stages = list(dict.fromkeys(step.stage for step in seen))
    assert [step.stage for step in seen] == sorted((step.stage for step in seen), key=stages.index)
    for stage in stages:
        done = [step.done for step in seen if step.stage == stage]
        assert done == sorted(done)
    assert all(0 <= step.done <= step.total for step in seen) and seen[-1].done == seen[-1].total


def test_a_stop_ends_it_at_once_and_the_next_order_is_unharmed(built, made):
    generator, order = built
    with pytest.raises(Cancelled):
        generator.generate(order, should_stop=lambda: True)
    asked = iter([False] * 4)
    with pytest.raises(Cancelled):
        generator.generate(order, should_stop=lambda: next(asked, True))
    assert np.array_equal(generator.generate(order).frames_THWC, made.frames_THWC)


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_an_empty_prompt_is_refused(built, prompt):
    generator, order = built
    with pytest.raises(PromptError):
        generator.generate(replace(order, prompt=prompt))


def test_a_picture_that_is_none_is_refused_in_one_line(built, tmp_path):
    generator, order = built
    (tmp_path / "text.png").write_text("not a picture")
    for path in (tmp_path / "absent.png", tmp_path / "text.png"):
        with pytest.raises(PictureError) as caught:
            generator.generate(replace(order, picture=path))
        assert "\n" not in str(caught.value) and path.name in str(caught.value)


@pytest.mark.parametrize("wrong", [{"num_frames": 3}, {"width": 7}, {"steps": 0}, {"guidance": -1.0}, {"seed": -1}])
def test_an_order_that_cannot_be_carried_out_is_an_input_error_that_names_the_value(built, wrong):
    generator, order = built
    with pytest.raises(InputError, match=str(next(iter(wrong.values())))):
        generator.generate(replace(order, **wrong))
