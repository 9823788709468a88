"""What every generator promises; a new kind is added to GENERATORS and passes the same suite."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_model import PLAIN_CPU

from reelops.clip import ClipOrder
from reelops.errors import Cancelled, InputError, PictureError
from reelops.generators.catalogue import KINDS
from reelops.generators.contract import Generation, Generator
from reelops.params import load_config
from reelops.progress import RunContext

Built = tuple[Generator, ClipOrder]
# What each kind says beside what all say, and an order's formats that it cannot make.
OWN_FACTS = {
    "cogvideox": {"adapter_sha256", "dtype", "offload", "device", "steps", "guidance"},
    "camera_moves": {"num_frames", "fps"},
}
IMPOSSIBLE = {
    "cogvideox": ({"num_frames": 3}, {"width": 7}),
    "camera_moves": ({"num_frames": 1}, {"width": 7}, {"height": 33}),
}


def cogvideox(request: pytest.FixtureRequest, picture: Path, home: Path) -> Built:
    from reelops.generators.cogvideox import CogVideoXGenerator

    generator = CogVideoXGenerator(load_config(home=home), PLAIN_CPU)
    profile = str(request.getfixturevalue("small_model"))
    return generator, ClipOrder(picture=picture, prompt="slow zoom in", profile=profile, seed=3, steps=2, guidance=3.0)


def camera_moves(_request: pytest.FixtureRequest, picture: Path, home: Path) -> Built:
    from reelops.generators.camera_moves import CameraMovesGenerator

    home.mkdir(exist_ok=True)
    params = home / "params.yaml"
    params.write_text(
        "profiles:\n  moves: {kind: camera_moves, num_frames: 9, fps: 30000/1001, width: 64, height: 48}\n"
    )
    generator = CameraMovesGenerator(load_config(home=home, params_file=params))
    return generator, ClipOrder(picture=picture, prompt="slow zoom in", profile="moves", seed=3)


GENERATORS: dict[str, Callable[[pytest.FixtureRequest, Path, Path], Built]] = {
    "cogvideox": cogvideox,
    "camera_moves": camera_moves,
}


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


@dataclass(frozen=True)
class Made:
    generation: Generation
    frames_THWC: np.ndarray


def make(generator: Generator, order: ClipOrder) -> Made:
    generation = generator.generate(order)
    return Made(generation, generation.read_frames())


@pytest.fixture(scope="module")
def made(built) -> Made:
    return make(*built)


def test_every_kind_of_the_catalogue_passes_this_suite():
    assert set(GENERATORS) == set(KINDS)


def test_frames_come_one_after_the_other_in_the_stated_format(built):
    generator, order = built
    generation = generator.generate(order)
    clip, count = generation.format, 0
    for frame_HWC in generation.frames:
        count += 1
        assert frame_HWC.shape == (clip.height, clip.width, 3) and frame_HWC.dtype == np.uint8
    assert count == clip.num_frames
    picture_HWC = generation.picture_HWC
    assert picture_HWC.shape == (clip.height, clip.width, 3) and picture_HWC.dtype == np.uint8


def test_facts_are_complete_and_fit_for_json(built, made):
    generator, _ = built
    facts = json.loads(json.dumps(made.generation.facts.to_json()))
    assert set(facts) >= OWN_FACTS[generator.kind] | {"generator", "profile", "base", "picture_sha256", "notes"}
    assert facts["generator"] == generator.kind
    assert facts["seed"] == 3 and len(facts["picture_sha256"]) == 64 and facts["base_revision"]
    assert all(isinstance(note, str) and note for note in facts["notes"])


def test_facts_are_plain_values_that_another_process_reads_without_the_generators_libraries(made):
    """torch's version is a type of torch's own: whoever gets it from another process would import torch to read it."""
    plain = (str, int, float, bool, type(None))
    odd = {name: type(value) for name, value in made.generation.facts.to_json().items() if type(value) not in plain}
    assert set(odd) <= {"notes"}


def test_what_can_be_said_beforehand_is_among_the_notes_and_says_which_move_was_understood(built, made):
    generator, order = built
    told = generator.notes(order)
    assert any("slow zoom in" in note for note in told)
    assert set(told) <= set(made.generation.facts.notes)


def test_what_was_cut_from_the_picture_is_in_the_notes(made):
    assert any("crop" in note for note in made.generation.facts.notes)


def test_time_and_memory_are_measured(made):
    generation = made.generation
    assert generation.seconds and all(seconds >= 0 for seconds in generation.seconds.values())
    assert generation.peak_memory_bytes["rss"] > 10_000_000


def test_same_order_is_the_same_clip(built, made):
    generator, order = built
    assert np.array_equal(make(generator, order).frames_THWC, made.frames_THWC)


def test_clip_follows_the_picture(built, made, tmp_path):
    generator, order = built
    other = order.but(picture=draw(tmp_path / "other.png", (200, 30, 30)))
    assert not np.array_equal(make(generator, other).frames_THWC, made.frames_THWC)


def test_progress_never_goes_back_and_ends_complete(built):
    generator, order = built
    seen = []
    generator.generate(order, RunContext(seen.append)).read_frames()
    stages = list(dict.fromkeys(step.stage for step in seen))
    assert [step.stage for step in seen] == sorted((step.stage for step in seen), key=stages.index)
    for stage in stages:
        done = [step.done for step in seen if step.stage == stage]
        assert done == sorted(done)
    assert all(0 <= step.done <= step.total for step in seen) and seen[-1].done == seen[-1].total


def test_a_stop_ends_it_at_once_and_the_next_order_is_unharmed(built, made):
    generator, order = built
    with pytest.raises(Cancelled):
        generator.generate(order, RunContext(should_stop=lambda: True)).read_frames()
    asked = iter([False] * 4)
    with pytest.raises(Cancelled):
        generator.generate(order, RunContext(should_stop=lambda: next(asked, True))).read_frames()
    assert np.array_equal(make(generator, order).frames_THWC, made.frames_THWC)


def test_a_picture_that_is_none_is_refused_in_one_line(built, tmp_path):
    generator, order = built
    (tmp_path / "text.png").write_text("not a picture")
    for path in (tmp_path / "absent.png", tmp_path / "text.png"):
        for attempt in (generator.check, generator.generate):
            with pytest.raises(PictureError) as caught:
                attempt(order.but(picture=path))
            assert "\n" not in str(caught.value) and path.name in str(caught.value)


def test_a_format_that_cannot_be_made_is_an_input_error_that_names_the_value(built):
    generator, order = built
    for wrong in IMPOSSIBLE[generator.kind]:
        for attempt in (generator.check, generator.generate):
            with pytest.raises(InputError, match=str(next(iter(wrong.values())))):
                attempt(order.but(**wrong))
