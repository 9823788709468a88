"""params.yaml: a project's own blocks count before those that ReelOps ships; an old key is refused by its new name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, get_args, get_origin

import pytest
import yaml
from pydantic import Field, ValidationError

import reelops
from reelops.benchmark.params import BenchmarkParams
from reelops.errors import SettingsError
from reelops.gate.limits import Limit
from reelops.params import ParamsBlock, load_config


class Inner(ParamsBlock):
    renamed: ClassVar[Mapping[str, str]] = {"fewest": "min_words"}

    min_words: int


class Outer(ParamsBlock):
    renamed: ClassVar[Mapping[str, str]] = {"most_lost": "max_failed_share"}

    inner: Inner
    max_failed_share: float = Field(default=0.5, ge=0, le=1)


def _read(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    return load_config(params_file=tmp_path / "params.yaml").block("x-outer", Outer)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x-outer: {inner: {fewest: 3}}", r"outer\.inner\.fewest is now min_words\. Rename it\.$"),
        ("x-outer: {most_lost: 0.1}", r"outer\.most_lost is now max_failed_share\. Rename it\.$"),
        ("x-outer: {max_failed_share: 7, inner: {fewest: 3}}", r"outer\.inner\.fewest is now min_words.* 1 more"),
        (
            "x-outer: {inner: {min_word: 3, min_words: 3}}",
            r"outer\.inner\.min_word is 3: there is no such key\. Did you mean min_words\?$",
        ),
    ],
)
def test_a_key_that_was_renamed_is_refused_with_its_new_name(tmp_path, text, message):
    with pytest.raises(SettingsError, match=message):
        _read(tmp_path, text)


def test_new_keys_are_read(tmp_path):
    assert _read(tmp_path, "x-outer: {inner: {min_words: 3}}").inner.min_words == 3


def _content(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    return load_config(params_file=tmp_path / "params.yaml").content


def test_a_block_that_a_project_lacks_is_the_shipped_one(tmp_path, repository):
    shipped = yaml.safe_load((repository / "params.yaml").read_text())
    content = _content(tmp_path, "score: {temporal_rows: 240}\n")
    assert content["score"] == {"temporal_rows": 240}
    assert {**content, "score": None} == {**shipped, "score": None}


@pytest.mark.parametrize("block", ["profiles", "gate"])
def test_profiles_and_limits_are_added_or_replaced_name_by_name(tmp_path, repository, block):
    shipped = yaml.safe_load((repository / "params.yaml").read_text())
    content = _content(tmp_path, f"{block}: {{tiny: {{a: 1}}, mine: {{b: 2}}}}\n")
    assert content[block] == {**shipped[block], "tiny": {"a": 1}, "mine": {"b": 2}}


def test_a_home_that_cannot_be_written_is_refused_with_the_variable_that_moves_it(tmp_path):
    (tmp_path / "a-file").touch()
    with pytest.raises(SettingsError, match=r"a-file/home, where runs are kept, cannot be written\. Set REELOPS_HOME"):
        load_config(home=tmp_path / "a-file" / "home")


@pytest.mark.parametrize("name", ["benchmark", "pretrain"])
def test_a_block_that_has_a_file_of_its_own_now_is_refused_with_the_file(tmp_path, name):
    with pytest.raises(SettingsError, match=rf"has the block '{name}'.*Move what is in it to .*/{name}\.yaml"):
        _content(tmp_path, f"{name}: {{clips: []}}\n")


def test_a_file_of_its_own_counts_where_it_is_beside_params_yaml_and_else_the_shipped_one(tmp_path, repository):
    (tmp_path / "params.yaml").write_text("{}")
    shipped = yaml.safe_load((repository / "benchmark.yaml").read_text())
    config = load_config(params_file=tmp_path / "params.yaml")
    assert config.block("benchmark", BenchmarkParams).clips == shipped["clips"]
    (tmp_path / "benchmark.yaml").write_text(yaml.safe_dump({**shipped, "clips": ["mine/*"]}))
    assert load_config(params_file=config.params_file).block("benchmark", BenchmarkParams).clips == ["mine/*"]
    (tmp_path / "benchmark.yaml").write_text(yaml.safe_dump({**shipped, "clip": ["mine/*"]}))
    with pytest.raises(
        SettingsError, match=r"benchmark\.yaml: clip is \['mine/\*'\]: there is no such key\. Did you mean clips\?"
    ):
        load_config(params_file=config.params_file).block("benchmark", BenchmarkParams)


@pytest.mark.parametrize(
    ("name", "told"), [("gaet", "Did you mean gate"), ("Train", "Did you mean train"), ("q", "There are")]
)
def test_a_block_that_nobody_knows_is_refused_with_the_nearest_name(tmp_path, name, told):
    with pytest.raises(SettingsError, match=rf"params\.yaml: there is no block '{name}'\. {told}"):
        _content(tmp_path, f"{name}: {{}}\n")


def test_a_block_of_a_projects_own_is_passed_by(tmp_path):
    assert _content(tmp_path, "x-sizes: &sizes {width: 240}\nscore: {temporal_rows: 240}\n")["x-sizes"]


def _blocks(kind=ParamsBlock):
    for block in kind.__subclasses__():
        yield block
        yield from _blocks(block)


def _numbers(annotation, limits=()):
    """Every number in a field's type, with what limits it."""
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        limits = (*limits, *(rule for one in more for rule in getattr(one, "metadata", [one])))
    if annotation in (int, float, Fraction):
        yield limits
    elif get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from _numbers(inner, limits)


def test_every_number_that_a_person_sets_has_a_least_and_a_greatest_value():
    for _, name, _ in pkgutil.walk_packages(reelops.__path__, "reelops."):
        if name.endswith((".params", ".settings", ".limits", ".clip", ".profiles")) or ".sources." in name:
            importlib.import_module(name)
    ours = [block for block in _blocks() if block.__module__.startswith("reelops.")]
    assert len(ours) > 25
    open_ended = [
        f"{block.__name__}.{name}"
        for block in ours
        for name, field in block.model_fields.items()
        for limits in _numbers(field.annotation, tuple(field.metadata))
        if not all(
            any(hasattr(rule, side) for rule in limits for side in sides) for sides in (("ge", "gt"), ("le", "lt"))
        )
    ]
    assert open_ended == []


class Answers(ParamsBlock):
    steps: int | None = None
    shares: list[Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=list)
    rate: Fraction = Fraction(8)
    sure: bool | None = None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{steps: yes}", r"x-block\.steps is True: no yes, no, on or off is wanted here\.$"),
        ("{steps: off}", r"x-block\.steps is False: no yes"),
        ("{shares: [0.5, true]}", r"x-block\.shares is \[0\.5, True\]: no yes"),
        ("{rate: on}", r"x-block\.rate is True: no yes"),
    ],
)
def test_a_yes_or_no_is_no_number(tmp_path, text, told):
    """YAML's `no`, where somebody wants no limit, would be a limit of 0."""
    (tmp_path / "params.yaml").write_text(f"x-block: {text}\n")
    with pytest.raises(SettingsError, match=told):
        load_config(params_file=tmp_path / "params.yaml").block("x-block", Answers)


def test_a_yes_is_one_where_it_is_asked_for(tmp_path):
    (tmp_path / "params.yaml").write_text("x-block: {sure: yes, steps: 1}\n")
    assert load_config(params_file=tmp_path / "params.yaml").block("x-block", Answers).sure is True


@pytest.mark.parametrize("value", [float("inf"), float("nan"), float("-inf")])
def test_a_block_made_in_python_refuses_what_is_no_number_too(value):
    with pytest.raises(ValidationError, match=r"finite|less than|greater than"):
        Outer(inner={"min_words": 1}, max_failed_share=value)
    with pytest.raises(ValidationError, match="finite"):
        Limit(review_below=value)
