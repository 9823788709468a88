"""What can be said of a page without following it: where its links lead, and whether commands and files exist."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Container, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import typer

from scripts.docs_pages import Page

ROOT = Path(__file__).resolve().parents[1]

_OUTSIDE = re.compile(r"https?:|mailto:")
_OPTION = re.compile(r"--?[a-zA-Z][\w-]*")
_FILE = re.compile(
    r"[\w.-]+(?:/[\w.-]+)*\.(?:py|md|yaml|sh|toml)|(?:src|docs|tests|scripts|flows|tasks)(?:/[\w.-]+)+/?"
)
# A shell's own words, and programs of the system: nothing of ours or of what we bring.
_OF_THE_SYSTEM = {
    "source",
    "export",
    "git",
    "curl",
    "cp",
    "rsync",
    "xdg-open",
    "echo",
    "apt",
    "pip",
    "pytest",
    "python",
}


def problems_of_links(page: Page, repository: Path, pages: Sequence[Page]) -> Iterator[str]:
    """Links to files and headings that are not there."""
    anchors = {other.name: other.anchors for other in pages}
    for link in page.links:
        if _OUTSIDE.match(link):
            continue
        path, _, anchor = link.partition("#")
        target = ((repository / page.name).parent / path).resolve()
        if path and not target.exists():
            yield f"{page.name}: the link {link} leads nowhere"
            continue
        name = str(target.relative_to(repository)) if path else page.name
        if anchor and name in anchors and anchor not in anchors[name]:
            yield f"{page.name}: {name} has no heading #{anchor}"


def problems_of_files(page: Page, tracked: Sequence[str], not_here: Container[str]) -> Iterator[str]:
    """Files of the repository that its prose names and that are not there."""
    for span in page.spans:
        if not _FILE.fullmatch(span) or span in not_here:
            continue
        if not any(f"/{span.strip('/')}/" in f"/{file}/" for file in tracked):
            yield f"{page.name}: there is no {span}"


def problems_of_options(page: Page, foreign: frozenset[str]) -> Iterator[str]:
    """Options that stand alone in its prose and that none of our commands has."""
    for span in page.spans:
        option = span.split()[0] if span.split() else ""
        if option.startswith("--") and _OPTION.fullmatch(option) and option not in foreign | all_options():
            yield f"{page.name}: no command has {option}"


def problems_of_commands_in_prose(page: Page) -> Iterator[str]:
    """Commands of ours that its prose names, parts left out, which do not parse."""
    for span in page.spans:
        if not re.match(r"(reelops|make|python -m flows) \S", span):
            continue
        if problem := problem_of(shlex.split(span), whole=False):
            yield f"{page.name}: {span}: {problem}"


def is_ours(words: Sequence[str]) -> bool:
    """Whether a command line is parsed by this repository's own code."""
    return bool(words) and (words[0] in ("reelops", "make") or list(words[:3]) == ["python", "-m", "flows"])


def problem_of(words: Sequence[str], whole: bool = True) -> str | None:
    """Why a command line is none that its program takes; None where it is one, or the program is the system's.

    Args:
        words: the program and its arguments.
        whole: whether arguments that have to be there must be.
    """
    program, *rest = words
    if program == "reelops":
        return _problem_of_ours(_ours("reelops"), rest, whole)
    if program.startswith("python") and rest[:2] == ["-m", "flows"]:
        return _problem_of_ours(_ours("flows"), rest[2:], whole)
    if program == "make":
        return _problem_for_make(rest)
    if not re.fullmatch(r"[\w+-]+", program):
        return None  # the rest of an assignment such as TOKEN=$(cat FILE)
    return None if program in _OF_THE_SYSTEM else _problem_of_foreign(program, rest)


@cache
def _ours(name: str) -> Any:
    if name == "flows":
        from flows.__main__ import build_app
    else:
        from reelops.cli import build_app
    return typer.main.get_command(build_app())


def _problem_of_ours(group: Any, words: Sequence[str], whole: bool) -> str | None:
    """Parses as the program itself does, and runs nothing."""
    arguments = list(words)
    try:
        command, context = group, group.context_class(group, info_name=group.name)
        while hasattr(command, "resolve_command") and arguments and not arguments[0].startswith("-"):
            name, command, arguments = command.resolve_command(context, arguments)
            if command is None:
                return f"there is no command {words[0]}"
            context = command.context_class(command, info_name=name, parent=context)
        with contextlib.redirect_stdout(io.StringIO()):  # --help is told as soon as it is parsed
            command.make_context(command.name, arguments, parent=context)
    except Exception as error:
        # typer carries its own click, whose errors have no public class.
        if type(error).__name__ == "Exit" or type(error).__name__ == "NoArgsIsHelpError":
            return None
        if not whole and type(error).__name__ in ("MissingParameter", "BadOptionUsage"):
            return None  # an argument or the value of an option is left out
        if not hasattr(error, "format_message"):
            raise
        return str(error.format_message())
    return None


def all_options() -> frozenset[str]:
    """Every option of every command of ours."""
    return frozenset(_options_of(_ours("reelops"))) | frozenset(_options_of(_ours("flows")))


def _options_of(command: Any, parent: Any = None) -> Iterator[str]:
    context = command.context_class(command, info_name=command.name, parent=parent)
    for parameter in command.get_params(context):
        yield from (*parameter.opts, *parameter.secondary_opts)
    for name in getattr(command, "commands", {}):
        yield from _options_of(command.resolve_command(context, [name])[1], context)


def _problem_for_make(words: Sequence[str]) -> str | None:
    done = subprocess.run(
        ["make", "--dry-run", *words],  # noqa: S607 - whichever make the reader has
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip() if done.returncode else None


def _problem_of_foreign(program: str, words: Sequence[str]) -> str | None:
    """Each option has to be in the help of the program, its command or the command of that."""
    commands = [word for word in words if re.fullmatch(r"[a-z][a-z-]+", word)][:2]
    helps = [_help_of(program, *commands[:depth]) for depth in range(len(commands) + 1)]
    if not any(helps):
        return f"{program} {' '.join(commands)} --help fails"
    for word in words:
        option = word.partition("=")[0]
        if _OPTION.fullmatch(option) and not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", "\n".join(helps)):
            return f"{program} {' '.join(commands)} has no option {option}"
    return None


@cache
def _help_of(program: str, *commands: str) -> str:
    """Nothing where it has none."""
    beside = Path(sys.executable).with_name(program)
    done = subprocess.run(
        [str(beside) if beside.exists() else program, *commands, "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    return "" if done.returncode else done.stdout
