"""`reelops`: one command a stage or job, each in a module of this package that is loaded when it is called."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

import reelops
from reelops.cli.commands import COMMANDS, listed, load_command
from reelops.errors import (
    DONE,
    EXIT_CODES,
    FAILED,
    TERMINATED,
    UNUSABLE,
    Cancelled,
    Fault,
    ReelOpsError,
    causes,
    fault_of,
    is_out_of_space,
    machine_cause,
)
from reelops.foreign import reason_of
from reelops.system.interpreter import configure_interpreter, end_process
from reelops.system.out_of_memory import explaining_out_of_memory
from reelops.system.plain_text import printable
from reelops.system.proxies import ask_this_machine_directly
from reelops.system.write_errors import cannot_write

_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}

EXAMPLES = """
[bold]Examples[/bold]

  reelops generate photo.jpg "A lighthouse at dusk, slow zoom in" -o clip.mp4

  reelops generate photo.jpg "pan left" --profile cogvideox-5b-i2v --seeds 1,2,3 --json

  reelops batch orders.csv -o clips/

  reelops score clip.mp4

  reelops doctor
"""

HELP_ON_EXIT_CODES = f"Exit codes: {'; '.join(f'{code} {words}' for code, words in EXIT_CODES.items())}."


def build_app() -> typer.Typer:
    """The command line with every command listed."""
    app = typer.Typer(
        name="reelops",
        cls=listed(COMMANDS, load_command),
        help=f"One picture and a sentence become a short video clip, scored, judged and tracked.\n{EXAMPLES}",
        epilog=HELP_ON_EXIT_CODES,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_common_options)
    return app


def main() -> None:
    """The console script."""
    configure_interpreter()
    ask_this_machine_directly(*map(os.environ.get, ("REELOPS_MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_URI")))
    app = build_app()
    end_process(run_guarded(lambda: app(standalone_mode=False)))


def run_guarded(run: Callable[[], Any]) -> int:
    """Runs a command and turns what it raises into one line for a person and an exit code.

    What nobody foresaw keeps its traceback: it is a fault of ReelOps, and whoever mends it needs every line.
    """
    signal.signal(signal.SIGTERM, _stop_on_sigterm)
    _spell_out_what_is_no_text()
    try:
        with explaining_out_of_memory("with this command"):
            code = run()
    except ReelOpsError as error:
        _complain(str(error))
        return _say_stopped() if isinstance(error, Cancelled) else error.exit_code
    except KeyboardInterrupt:
        return _say_stopped()
    except BrokenPipeError:
        return _end_unheard()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # rich has met it, and would say that we failed
            return _end_unheard()
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            _complain(f"{error.filename} is too long a name for this disk; give a shorter one.")
            return UNUSABLE
        if isinstance(error, FileNotFoundError) and _is_working_folder_gone():
            _complain("the folder that you are in is gone; change to one that is there.")
            return UNUSABLE
        if (told := _told_of_the_machine(error)) is not None:
            _complain(told)
            return FAILED
        if _is_usage_error(error):
            # typer carries its own click, whose errors have no public class: they are told by their methods.
            _complain(_usage_in_a_line(error))
            return error.exit_code  # type: ignore[attr-defined,no-any-return] # typer names no class
        traceback.print_exc()
        _complain("this is a fault in ReelOps, not in what you gave it. Please report it with the lines above.")
        return FAILED
    if code == Cancelled.exit_code:
        return _say_stopped()
    return code if isinstance(code, int) else 0


def _end_unheard() -> int:
    """Whoever read our output has had enough, as in `reelops score ... | head`; nothing failed, and nobody is left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _is_working_folder_gone() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _told_of_the_machine(error: Exception) -> str | None:
    """What this machine, its disk or its network said, in a line; None where the error is no fault of theirs."""
    if isinstance(error, OSError) and error.filename and error.errno in _NOT_ALLOWED:
        return (
            f"{error.filename} cannot be used: {reason_of(error)}. Mend its permissions, or take another place; "
            "REELOPS_HOME moves the stores."
        )
    if fault_of(error) is not Fault.MACHINE:
        return None
    full = next((link for link in causes(error) if isinstance(link, OSError) and is_out_of_space(link)), None)
    if full is not None:
        return str(cannot_write(Path(full.filename or "what is to be kept"), full))
    return f"this machine, or its network, failed: {reason_of(machine_cause(error) or error)}. Try again in a while."


def _spell_out_what_is_no_text() -> None:
    """A file's name may be no Unicode, and a terminal may know few letters: neither stops an answer."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"reelops {reelops.__version__}")
        raise typer.Exit


def _common_options(
    _version: Annotated[
        bool,
        typer.Option("--version", "-V", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


def _is_usage_error(error: Exception) -> bool:
    return hasattr(error, "show") and hasattr(error, "exit_code")


def _usage_in_a_line(error: Any) -> str:
    """What was wrong with the command line, and where its help is; a prompt without quotes is many arguments."""
    told = " ".join(str(error.format_message()).split())
    command = error.ctx.command_path if getattr(error, "ctx", None) else "reelops"
    quotes = " Put a prompt of several words in quotes." if "unexpected extra argument" in told else ""
    return f"{told}{'' if told.endswith(('.', '?', '!')) else '.'}{quotes} See {command} --help."


def _complain(message: str) -> None:
    typer.secho(printable(f"reelops: {message}"), fg="red", err=True)


def _say_stopped() -> int:
    typer.secho("Stopped. Unfinished files were removed; finished clips are whole.", fg="yellow", err=True)
    return Cancelled.exit_code


def _stop_on_sigterm(_signal: int, _frame: FrameType | None) -> None:
    """Unwinds like Ctrl-C, so that unfinished files go, and ends with the code that supervisors expect of SIGTERM."""
    raise SystemExit(TERMINATED)
