"""Profiles: read from params.yaml or from a folder, refused in one line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from small_model import FRAMES, HEIGHT, PROMPT_LENGTH, WIDTH

from reelops.cogvideox.profiles import Profile, find_profile, load_profiles
from reelops.errors import SettingsError, WeightsError
from reelops.params import load_config


def params(folder: Path, text: str) -> Path:
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_projects_own_profiles_are_sound(repository):
    profiles = load_profiles(load_config(params_file=repository / "params.yaml"))
    tiny, five_b = profiles["tiny"], profiles["cogvideox-5b-i2v"]
    assert tiny.folder == repository / "models" / "tiny-i2v"
    assert (tiny.num_frames, tiny.fps, tiny.width, tiny.height) == (49, Fraction(8), 240, 160)
    assert (five_b.num_frames, five_b.fps, five_b.width, five_b.height) == (49, Fraction(8), 720, 480)
    assert (tiny.picture_shape, tiny.size) == (True, "480p") and (five_b.picture_shape, five_b.size) == (False, None)
    assert five_b.hub == "zai-org/CogVideoX-5b-I2V" and five_b.prompt_length == 226
    assert profiles["cogvideox-5b-i2v-random"].weights == "random"


def test_relative_folders_count_from_params_yaml_wherever_one_stands(tmp_path, monkeypatch):
    path = params(tmp_path, "profiles:\n  a: {folder: w, num_frames: 9, fps: 8, width: 48, height: 32}\n")
    monkeypatch.chdir("/")
    assert find_profile("a", load_config(params_file=path)).folder == tmp_path / "w"


def test_any_folder_in_diffusers_layout_is_a_profile_with_its_own_format(small_model, tmp_path):
    profile = find_profile(
        str(small_model),
        load_config(
            params_file=params(tmp_path, "profiles:\n  a: {hub: x/y, num_frames: 9, fps: 8, width: 8, height: 8}\n")
        ),
    )
    assert (profile.num_frames, profile.width, profile.height) == (FRAMES, WIDTH, HEIGHT)
    assert profile.prompt_length == PROMPT_LENGTH and profile.fps == 8


def test_rates_stay_exact_fractions(tmp_path):
    text = "profiles:\n  a: {{folder: w, num_frames: 9, fps: {}, width: 48, height: 32}}\n"
    assert load_profiles(load_config(params_file=params(tmp_path, text.format("30000/1001"))))["a"].fps == Fraction(
        30000, 1001
    )
    with pytest.raises(SettingsError, match=r"30000/1001, not 29\.97"):
        load_profiles(load_config(params_file=params(tmp_path, text.format("29.97"))))


def test_an_unknown_name_lists_those_there_are_and_guesses(repository):
    with pytest.raises(SettingsError, match=r"'tinny'.*mean tiny\?.*cogvideox-5b-i2v"):
        find_profile("tinny", load_config(params_file=repository / "params.yaml"))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("profiles:\n  a: {num_frames: 9, fps: 8, width: 4, height: 4}\n", "exactly one of"),
        ("profiles:\n  a: {folder: w, hub: x/y, num_frames: 9, fps: 8, width: 4, height: 4}\n", "exactly one of"),
        ("profiles:\n  a: {folder: w, num_frames: 9, fps: 8, width: 4, height: 4, stepz: 3}\n", "profiles.a.stepz"),
        ("profiles:\n  a: {folder: w, num_frames: 9, fps: 8, width: 4, height: 4, steps: 0}\n", "profiles.a.steps"),
        ("profiles:\n  a: {folder: w, num_frames: 9, fps: 0, width: 4, height: 4}\n", "profiles.a.fps"),
        ("profiles:\n  a: 7\n", "profiles.a is 7"),
        ("profiles: []\n", "no `profiles` block"),
        ("a: [\n", "not valid YAML"),
        ("profiles:\n  a: {weights: random, num_frames: 9, fps: 8, width: 4, height: 4}\n", "architecture"),
    ],
)
def test_a_wrong_params_file_is_one_line_that_names_the_place(tmp_path, text, word):
    with pytest.raises(SettingsError, match=word) as caught:
        load_profiles(load_config(params_file=params(tmp_path, text)))
    assert "\n" not in str(caught.value)


def test_a_missing_params_file_says_what_to_do(tmp_path):
    with pytest.raises(SettingsError, match="REELOPS_PARAMS_FILE"):
        load_config(params_file=tmp_path / "params.yaml")


def test_a_folder_that_is_no_model_says_what_is_missing(tmp_path, repository):
    with pytest.raises(WeightsError, match=r"model_index\.json is missing"):
        find_profile(str(tmp_path), load_config(params_file=repository / "params.yaml"))


def test_only_a_commit_or_a_folder_is_pinned():
    sizes = {"num_frames": 9, "fps": 8, "width": 8, "height": 8}
    assert not Profile(name="a", hub="x/y", revision="main", **sizes).pinned
    assert Profile(name="a", hub="x/y", revision="0" * 40, **sizes).pinned
    assert Profile(name="a", folder="w", **sizes).pinned
