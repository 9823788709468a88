"""Every parameter of every flow has its range, in Prefect's form, in a run, and on the command line."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from prefect.exceptions import ParameterTypeError
from prefect.utilities.callables import parameter_schema

from flows.__main__ import FLOWS, load_command
from flows.prepare_dataset import look_at_shard, prepare_dataset
from flows.score_clips import score_clips
from flows.train_lora import train_lora
from reelops.errors import InputError

BadParameter = typer.BadParameter
FUNCTIONS = [
    *(getattr(importlib.import_module(f"flows.{name.replace('-', '_')}"), name.replace("-", "_")).fn for name in FLOWS),
    look_at_shard.fn,
]


def numbers_in(schema: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Every number of a schema, however deep."""
    if isinstance(schema, dict):
        if schema.get("type") in ("integer", "number"):
            yield where, schema
        for key, inner in schema.items():
            yield from numbers_in(inner, f"{where}.{key}")
    elif isinstance(schema, list):
        for inner in schema:
            yield from numbers_in(inner, where)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_number_in_prefects_form_has_a_least_and_a_greatest_value(function: Any) -> None:
    for where, number in numbers_in(parameter_schema(function).model_dump()):
        assert "minimum" in number or "exclusiveMinimum" in number, where
        assert "maximum" in number or "exclusiveMaximum" in number, where


@pytest.mark.parametrize(
    ("flow", "wrong"),
    [
        (score_clips, {"videos": ["a.mp4"], "batch_size": 0}),
        (score_clips, {"videos": ["a.mp4"], "batch_size": -1}),
        (score_clips, {"videos": ["a.mp4"], "batch_size": 10**12}),
        (score_clips, {"videos": []}),
        (prepare_dataset, {"shards": -1}),
        (prepare_dataset, {"deployment": "look-at-shard"}),
        (look_at_shard, {"shard": "first"}),
        (train_lora, {"stage": "--force"}),
        (train_lora, {"stage": ""}),
        (train_lora, {"stage": "../elsewhere/dvc.yaml:stage"}),
    ],
)
def test_a_run_with_a_parameter_beyond_its_range_does_not_begin(flow: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterTypeError):
        flow.validate_parameters(wrong)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["score-clips", "a.mp4", "--batch-size", "0"], "Input should be greater than or equal to 1"),
        (["prepare-dataset", "--shards", "-1"], "Input should be greater than or equal to 0"),
        (["prepare-dataset", "--deployment", "look-at-shard"], "--deployment is 'look-at-shard': string should match"),
        (["train-lora", "--stage", "--force"], "--stage is '--force': string should match"),
    ],
)
def test_the_command_of_a_flow_refuses_it_in_one_line(arguments: list[str], told: str) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    group = typer.main.get_group(app)
    group.add_command(load_command(arguments[0]), arguments[0])
    with pytest.raises((InputError, BadParameter)) as caught:
        group.main(arguments, standalone_mode=False)
    text = str(getattr(caught.value, "message", caught.value))
    assert told in text and "\n" not in text
