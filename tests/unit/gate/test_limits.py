"""A `gate` block that cannot be used is refused when it is read; a profile has its own limits or the default ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelops.errors import SettingsError
from reelops.gate.limits import GateSettings, Limit, load_gate_settings
from reelops.params import load_config

REPOSITORY = Path(__file__).resolve().parents[3]
SETTINGS = load_gate_settings(load_config(params_file=REPOSITORY / "params.yaml"))
TINY, DEFAULT = SETTINGS.limits_of("tiny"), SETTINGS.limits_of("default")


def gate_from(tmp_path: Path, text: str) -> GateSettings:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    return load_gate_settings(load_config(params_file=file))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gate: {default: {metrics: {}}}", "block 'default' with wrong_camera_move is wanted"),
        ("gate: {default: {wrong_camera_move: shrug}}", r"gate\.default\.wrong_camera_move is 'shrug'.*'accept'"),
        (
            "gate: {default: {wrong_camera_move: review, metrics: {beauty: {review_below: 1}}}}",
            r"gate\.default\.metrics.*no metric 'beauty'; one of temporal_consistency",
        ),
        (
            "gate: {default: {wrong_camera_move: review, metrics: {motion: {review_below: low}}}}",
            r"gate\.default\.metrics\.motion\.review_below is 'low': .*number",
        ),
        (
            "gate: {default: {wrong_camera_move: review, metrics: {motion: {review_below: 1, reject_below: 2}}}}",
            r"reject_below \(2\) must not be greater than review_below \(1\)",
        ),
        ("gate: {default: {wrong_camera_move: review, metrics: {motion: {}}}}", "at least one of reject_below"),
        (
            "gate: {default: {wrong_camera_move: review, metrics: {motion: {below: 1}}}}",
            r"gate\.default\.metrics\.motion\.below is 1: there is no such key",
        ),
    ],
)
def test_unusable_limits_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        gate_from(tmp_path, text)


def test_a_profile_without_limits_is_judged_by_the_default_ones_and_says_so() -> None:
    assert SETTINGS.limits_of("models/my-own").name == "default"
    assert "content_kept" in TINY.metrics and "content_kept" not in DEFAULT.metrics
    assert TINY.metrics["flicker"] == DEFAULT.metrics["flicker"]


def test_limits_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Limit(review_below=1).review_below = 2  # type: ignore[misc] # it is frozen


def test_a_clip_is_accepted_between_the_limits_of_review_or_else_of_rejection() -> None:
    assert Limit(review_below=2, reject_below=1, reject_above=9).accepted == (2, 9)
    assert Limit(review_above=0.5).accepted == (None, 0.5)


@pytest.mark.parametrize(
    ("name", "guess"), [("tinny", "Did you mean tiny"), ("Tiny", "Did you mean tiny"), ("x", "There are")]
)
def test_limits_for_a_profile_that_is_not_there_are_refused_with_the_nearest_name(
    tmp_path: Path, name: str, guess: str
) -> None:
    with pytest.raises(SettingsError, match=rf"gate\.{name} is no profile and no folder\. {guess}"):
        gate_from(tmp_path, f"gate: {{default: {{wrong_camera_move: review}}, {name}: {{metrics: {{}}}}}}")


def test_limits_for_the_folder_of_a_model_are_taken(tmp_path: Path) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    text = "gate: {default: {wrong_camera_move: review}, models/mine: {metrics: {motion: {review_below: 1}}}}"
    assert gate_from(tmp_path, text).limits_of("models/mine").metrics["motion"].review_below == 1
