"""The list of commands: what it says of each, and that it loads none but the one that is called."""

from __future__ import annotations

import inspect
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


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_loads_no_model_and_no_other_commands_module(command: str | None) -> None:
    program = (
        "import sys; from reelops.cli import build_app\n"
        f"try: build_app()({[command] if command else []} + ['--help'], standalone_mode=False)\n"
        f"finally: print('LOADED', sorted({HEAVY} & sys.modules.keys()),\n"
        f"    [name for name in {list(COMMANDS)} if 'reelops.cli.' + name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1] == f"LOADED [] {[command] if command else []}", done.stdout + done.stderr


def test_completion_knows_the_names_of_commands_and_their_options(monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed("reelops pre") == ["pretrain"]
    assert completed("reelops train --pl") == ["--plan"]


def completed(line: str) -> list[str]:
    asked = {"_REELOPS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    program = "from reelops.cli import build_app; build_app()(prog_name='reelops', standalone_mode=False)"
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | asked, capture_output=True, text=True)
    return done.stdout.split()
