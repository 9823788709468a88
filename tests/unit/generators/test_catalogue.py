"""Which generator makes a profile's clips."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelops.clip import ClipOrder
from reelops.cogvideox.profiles import find_profile, load_profiles
from reelops.errors import SettingsError
from reelops.generators.catalogue import Generators
from reelops.params import Config, load_config

PARAMS = """
profiles:
  tiny: {folder: somewhere, num_frames: 9, fps: 8, width: 64, height: 48}
  moves: {kind: camera_moves}
  wrong: {kind: camera_move}
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "params.yaml").write_text(PARAMS)
    return load_config(params_file=tmp_path / "params.yaml", home=tmp_path / "home")


def order(profile: str) -> ClipOrder:
    return ClipOrder(picture=Path("a.png"), prompt="zoom in", profile=profile)


def test_a_profile_names_its_kind_and_cogvideox_is_the_one_of_those_that_name_none(config: Config) -> None:
    generators = Generators(config)
    assert generators.of(order("moves")).kind == "camera_moves"
    assert generators.of(order("tiny")).kind == "cogvideox"
    assert generators.of(order("tiny")) is generators.of(order("tiny")), "a generator is opened once"


def test_an_unknown_kind_is_refused_with_the_ones_there_are(config: Config) -> None:
    with pytest.raises(SettingsError, match=r"profiles\.wrong\.kind is 'camera_move'.*mean camera_moves\?"):
        Generators(config).of(order("wrong"))


def test_an_unknown_profile_is_refused_with_all_there_are_of_any_kind(config: Config) -> None:
    with pytest.raises(SettingsError, match=r"mean moves\?.*tiny,.* moves, wrong"):
        Generators(config).of(order("movess")).check(order("movess"))


def test_what_trains_or_loads_weights_sees_only_profiles_that_have_a_base(config: Config) -> None:
    with_a_base = load_profiles(config)
    assert "tiny" in with_a_base and not {"moves", "wrong", "camera-moves"} & set(with_a_base)
    with pytest.raises(SettingsError, match=r"moves is of kind camera_moves, which has no base model.* tiny"):
        find_profile("moves", config)
