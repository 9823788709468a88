"""Every number that a command takes has its range, and nothing beyond it begins any work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from reelops.cli import generate
from reelops.cli.commands import COMMANDS, load_command
from reelops.errors import InputError


def options_of(name: str, command: Any) -> Iterator[tuple[str, Any, Any]]:
    """Each option and argument of a command and of the commands in it."""
    for inner in getattr(command, "commands", {}).values():
        yield from options_of(f"{name} {inner.name}", inner)
    for parameter in command.params:
        yield name, command, parameter


ALL = [one for name in COMMANDS for one in options_of(name, load_command(name))]
NUMBERS = [one for one in ALL if one[2].type_descriptor.annotation in (int, float)]
FLOATS = [one for one in NUMBERS if one[2].type_descriptor.annotation is float]


def test_there_are_numbers_to_look_at() -> None:
    assert len(NUMBERS) > 15 and len(FLOATS) >= 4


@pytest.mark.parametrize(("name", "command", "option"), NUMBERS, ids=lambda one: getattr(one, "name", one))
def test_every_number_has_a_least_and_a_greatest_value(name: str, command: Any, option: Any) -> None:
    assert option.min is not None and option.max is not None


@pytest.mark.parametrize(("name", "command", "option"), FLOATS, ids=lambda one: getattr(one, "name", one))
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_is_no_plain_number_is_refused(name: str, command: Any, option: Any, value: str) -> None:
    context = command.context_class(command)
    with pytest.raises(Exception, match=r"Input should be (less|greater) than or equal to"):
        option.process_value(context, value)


@pytest.mark.parametrize("text", ["1,", "1,1", "1,01", "-1", "1.5", "²", "9" * 5000, "1;2", f"{2**63},1"])
def test_seeds_that_are_no_different_whole_numbers_are_refused(text: str) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    generate.register(app)
    command = typer.main.get_group(app).commands["generate"]
    with pytest.raises(InputError, match=r"--seeds is|seed is"):
        command.main(["photo.jpg", "zoom in", "--seeds", text], standalone_mode=False)
