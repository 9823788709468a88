"""Options made from a function's parameters: what is an argument, what is an option, and where help comes from."""

from __future__ import annotations

from typing import Any

import typer
from typer.testing import CliRunner

from reelops.cli.parameter_options import explained, takes_parameters_of


def judge(videos: list[str], limit: float = 0.5, prompt: str | None = None, track: bool = True) -> None:
    """Judge videos.

    Args:
        videos: what is judged,
            in order.
        limit: from here on they pass.

    Raises:
        ValueError: nothing is judged.
    """


def app(seen: list[dict[str, Any]]) -> typer.Typer:
    @takes_parameters_of(judge)
    def command(**parameters: Any) -> None:
        """Judge here."""
        seen.append(parameters)

    app = typer.Typer()
    app.command()(command)
    return app


def test_a_docstring_explains_parameters_and_nothing_else() -> None:
    assert explained(judge) == {"videos": "what is judged, in order.", "limit": "from here on they pass."}


def test_what_has_no_default_is_an_argument_and_the_rest_are_options() -> None:
    seen: list[dict[str, Any]] = []
    assert CliRunner().invoke(app(seen), ["a.mp4", "b.mp4", "--limit", "0.7", "--no-track"]).exit_code == 0
    assert seen == [{"videos": ["a.mp4", "b.mp4"], "limit": 0.7, "prompt": None, "track": False}]
    assert CliRunner().invoke(app(seen), []).exit_code == 2


def test_help_has_the_words_of_the_docstring() -> None:
    shown = CliRunner().invoke(app([]), ["--help"], env={"COLUMNS": "200"}).stdout
    assert "Judge here." in shown and "From here on they pass." in shown
