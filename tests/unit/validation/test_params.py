"""The block `validate`: what it refuses, and in which words."""

from __future__ import annotations

import pytest
import yaml
from training_ground import VALIDATE

from reelops.errors import SettingsError
from reelops.params import load_config
from reelops.validation.params import TraitLimit, ValidateParams

STYLE = VALIDATE["style"]


def read(tmp_path, **changes):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"validate": VALIDATE | changes}))
    return load_config(params_file=tmp_path / "params.yaml").block("validate", ValidateParams)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"style": STYLE | {"trait": [{"metric": "shakiness", "at_least": 1}]}},
            r"validate\.style\.trait\.0\.metric is 'shakiness': there is no such metric; one of .*flicker",
        ),
        ({"style": STYLE | {"trait": [{"metric": "flicker"}]}}, "`at_least` or `at_most` is wanted"),
        ({"style": STYLE | {"trait": []}}, r"validate\.style\.trait"),
        ({"style": STYLE | {"prompts": ["a harbour"]}}, "prompt 'a harbour' does not say the phrase 'tilted horizon'"),
        (
            {"prompts": {"prompts": ["The Tilted Horizon"]}},
            r"prompts\.prompts: 'The Tilted Horizon' says the phrase of the style",
        ),
        ({"moves": {"prompts": ["a harbour"]}}, "'a harbour' asks for no camera move"),
        ({"moves": {"prompts": ["zoom in", "zoom in"]}}, "is there twice"),
        ({"prompts": {"prompts": [" "]}}, "one of them is empty"),
        ({"style": None, "moves": None}, "one of `moves`, `style` and `prompts` is wanted"),
        ({"limits": {"max_style_in_base": 15}}, r"validate\.limits\.max_style_in_base is 15"),
        ({"limits": {"least_change": 0.1}}, r"validate\.limits\.least_change is now min_change\. Rename it\."),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_that_names_the_key(tmp_path, changes, said):
    with pytest.raises(SettingsError, match=said) as refused:
        read(tmp_path, **changes)
    assert "\n" not in str(refused.value)


def test_params_yaml_asks_for_all_seven_moves_and_the_briefs_own_prompts(repository):
    from reelops.camera.moves import CameraMove
    from reelops.camera.request import asked_move

    params = load_config(params_file=repository / "params.yaml").block("validate", ValidateParams)
    assert {asked_move(prompt) for prompt in params.moves.prompts} == set(CameraMove)
    wanted = {"Press briefing at city hall", "Market commentary on breaking news", "Press room Q&A session"}
    assert set(params.prompts.prompts) >= wanted


@pytest.mark.parametrize(("value", "holds"), [(0.1, False), (0.2, True), (0.5, True), (0.6, False)])
def test_a_limit_itself_still_holds(value, holds):
    assert TraitLimit(metric="flicker", at_least=0.2, at_most=0.5).holds(value) is holds
