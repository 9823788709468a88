"""The commands by name, and how one is loaded when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "generate": "Turn a picture and a sentence into a short clip, scored, judged and logged.",
    "batch": "Turn the orders of a file into clips, each scored, judged and logged.",
    "serve": "Serve the API on this machine, with a worker that makes the clips.",
    "mcp": "Serve agents the tools to ask for clips, follow them, score and compare them.",
    "worker": "Make the clips that the service was asked for, until it is stopped.",
    "jobs": "Look at the jobs of the service, and cancel, pause, move or retry them.",
    "keys": "Create, list, rotate and revoke keys of the API.",
    "score": "Score clips, and judge them by the limits of params.yaml.",
    "info": "Show what is in videos and pictures: size, exact rate, frames, sound, and how ReelOps made them.",
    "recipes": "List the recipes, or try one: a clip with it and one without, and what each switch did, by count.",
    "doctor": "Say what this machine can run, and why not what it cannot.",
    "fetch": "Bring the clips that params.yaml names into data/raw/, each whole or not at all.",
    "metadata": "Check the fetched clips, choose their windows, split them, and write data/metadata/.",
    "latents": "Encode the clips of the table, their pictures and captions, into data/latents/.",
    "train": "Train the adapter that params.yaml describes on data/latents/, and publish it to models/adapters/.",
    "validate": "Hold an adapter against its base: the same pictures, prompts and seeds, scored and compared in pairs.",
    "pretrain": "Train the embedded model and publish it if it is better than the one that is there.",
    "naturalness": "Learn from good clips what clips look like, and from faults what counts against them.",
    "vote": "Judge clips: two side by side, blind and in random order, on a page that this machine alone can open.",
    "gate": "Hold the gate against what people say.",
    "benchmark": "Measure our parts beside what they replace.",
}
"""The module of each command in this package, in the order of the list in `--help`, and its line there.

The line repeats the first paragraph of the command's own help, so that the list needs no module of a command.
"""


def listed(lines: Mapping[str, str], load: Callable[[str], Any]) -> type[TyperGroup]:
    """A group that lists commands by name and line, and loads the one that is called.

    `--help`, completion of names and a mistyped name ask for names and lines only.

    Args:
        lines: by name, what the list says of each command.
        load: gives a command's object with its options, or its commands; called once it is needed.
    """

    class CommandsLoadedWhenCalled(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            for name, line in lines.items():
                self.add_command(TyperCommand(name, help=line))

        def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
            name, listed, rest = super().resolve_command(ctx, args)
            return name, listed and load(str(name)), rest

    return CommandsLoadedWhenCalled


def load_command(name: str) -> Any:
    """A command of `reelops` with its options, or its commands.

    Its module registers it by `register(app)`, and may import at its top whatever does not bring in torch.
    """
    return made_by(importlib.import_module(f"reelops.cli.{name}").register, name)


def made_by(register: Callable[[typer.Typer], Any], name: str) -> Any:
    """The object of the one command that `register` adds to an app."""
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    register(app)
    return _tidied(typer.main.get_group(app).commands[name])


def _tidied(command: Any) -> Any:
    """Help whose paragraphs fill the terminal's own width, and flags that do not look as if they took a value."""
    for one in (command, *getattr(command, "commands", {}).values()):
        paragraphs = (one.help or "").split("\n\n")
        one.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        for parameter in one.get_params(typer.Context(one, info_name=one.name)):
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
    return command
