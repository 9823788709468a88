"""The list of commands: what it says of each, and that it loads none but the one that is called."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys

import pytest

from reelops.cli.commands import COMMANDS, load_command

HEAVY = {"torch", "diffusers", "transformers", "mlflow", "prefect", "pandas", "numba"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_line_in_the_list_is_the_first_paragraph_of_its_own_help(name: str) -> None:
    paragraph = inspect.cleandoc(load_command(name).help).partition("\n\n")[0]
    assert COMMANDS[name] == paragraph.replace("\n", " ")


@pytest.fixture(scope="module")
def loaded() -> dict[str, tuple[list[str], list[str]]]:
    """What each command's help has loaded, in a process of its own: a copy of one that has only shown the list."""
    program = f"""
import json, os, sys
from reelops.cli import build_app

def note(command):
    try:
        build_app()([*filter(None, [command]), "--help"], standalone_mode=False)
    finally:
        modules = [name for name in {list(COMMANDS)} if "reelops.cli." + name in sys.modules]
        print("LOADED", json.dumps([command, sorted({HEAVY} & sys.modules.keys()), modules]), flush=True)

note("")
for command in {list(COMMANDS)}:
    if not os.fork():
        note(command)
        os._exit(0)
    os.wait()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    told = [json.loads(line.removeprefix("LOADED ")) for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    return {command: (heavy, modules) for command, heavy, modules in told}


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_no_model_and_no_other_commands_module(
    command: str, loaded: dict[str, tuple[list[str], list[str]]]
) -> None:
    assert loaded[command] == ([], [command] if command else [])


def test_completion_knows_the_names_of_commands_and_their_options(monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed("reelops pre") == ["pretrain"]
    assert completed("reelops train --pl") == ["--plan"]


def completed(line: str) -> list[str]:
    asked = {"_REELOPS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    program = "from reelops.cli import build_app; build_app()(prog_name='reelops', standalone_mode=False)"
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | asked, capture_output=True, text=True)
    return done.stdout.split()
