"""`python -m flows NAME`: a flow run here and shown, with an embedded server unless PREFECT_API_URL names one."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import typer

from reelops.cli import HELP_ON_EXIT_CODES, run_guarded
from reelops.cli.commands import listed, made_by
from reelops.errors import InputError
from reelops.system.plain_text import spelt_out
from reelops.system.write_errors import machine_error_on_write

FLOWS = {
    "generate-video": "Turn a picture and a sentence into a short clip: generate, encode, score, judge, log.",
    "generate-batch": "Turn the orders of a file into clips, here or on the workers of a pool.",
    "score-clips": "Score many clips: in batches, as many at once as there are cores, each in a process of its own.",
    "prepare-dataset": "Look at all clips in shards, then write the tables and reports.",
    "run-benchmark": "Make clips in several ways that take turns, and say which is slower or worse than the baseline.",
    "train-lora": "Run what DVC finds out of date up to a stage, then register the adapter as challenger.",
}
"""The flows, each in the module of its name, and their lines in `--help`: the first of each flow's own description."""


def load_command(name: str) -> Any:
    """The command of a flow; its module brings in Prefect, which makes its home but not the folders above it."""
    home = Path(os.environ["PREFECT_HOME"])
    with machine_error_on_write(home):
        home.mkdir(parents=True, exist_ok=True)
    command = importlib.import_module(f"flows.{name.replace('-', '_')}").command
    return made_by(lambda app: app.command(name)(command), name)


def build_app() -> typer.Typer:
    """The command line with every flow listed."""
    app = typer.Typer(
        name="flows",
        cls=listed(FLOWS, load_command),
        help="Run a flow here, and show what came of it.",
        epilog=HELP_ON_EXIT_CODES,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(lambda: None)
    return app


def run() -> Any:
    """The flow that the command line names.

    Raises:
        InputError: an argument is no Unicode.
    """
    for argument in sys.argv[1:]:
        if spelt_out(argument) != argument:
            raise InputError(
                f"{spelt_out(argument)} is no Unicode, and Prefect keeps a run's parameters as Unicode; rename it, or "
                "use the command reelops."
            )
    return build_app()(prog_name="python -m flows", standalone_mode=False)


if __name__ == "__main__":
    sys.exit(run_guarded(run))
