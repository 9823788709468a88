"""Work in a process of its own, so that its time and its peak memory are its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from reelops.benchmark import measured_command
from reelops.benchmark.timing import Seconds
from reelops.errors import MachineError

Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class CommandResult:
    """A command that has ended.

    Attributes:
        seconds: from its start to its end, and of processor time with the processes that it waited for.
        peak_mb: the most memory that one of its processes had at once (resident set), in millions of bytes.
        output: what it printed.
    """

    seconds: Seconds
    peak_mb: float
    output: str


def run_command(
    command: Sequence[str], environment: Mapping[str, str] | None = None, good_codes: Sequence[int] = (0,)
) -> CommandResult:
    """Runs a command to its end.

    Args:
        environment: variables on top of this process's.
        good_codes: exit codes that are no failure.

    Raises:
        MachineError: it failed, or could not be started; with what it wrote to standard error.
    """
    with tempfile.TemporaryDirectory(prefix="reelops-command-") as folder:
        output, errors, result = (Path(folder) / name for name in ("output", "errors", "result"))
        launcher = [sys.executable, "-I", "-S", measured_command.__file__, str(result)]
        with output.open("w") as to_output, errors.open("w") as to_errors:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                [*launcher, *command],
                stdout=to_output,
                stderr=to_errors,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
            try:
                process.wait()
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        words = errors.read_text(errors="replace").strip()
        if not result.is_file():
            raise MachineError(f"{' '.join(command)} could not be started: {words.rpartition(chr(10))[2]}")
        facts = json.loads(result.read_text())
        if facts["code"] not in good_codes:
            raise MachineError(f"{' '.join(command)} ended with {facts['code']}: {words}")
        return CommandResult(Seconds(facts["wall"], facts["cpu"]), facts["peak_mb"], output.read_text())


def call_in_own_process(call: Callable[Given, Result], what: str, *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """What `call` returns in a new interpreter; Ctrl-C here ends it.

    Args:
        call: a function at the top of a module; what it is given and returns can be pickled.
        what: it does, for the message where it dies.

    Raises:
        MachineError: the process ended without an answer.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, call, args, kwargs))
    process.start()
    theirs.close()
    try:
        result: Result = ours.recv()
    except EOFError as error:
        process.join()
        raise MachineError(
            f"The process that {what} ended with code {process.exitcode}; the lines above say why."
        ) from error
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join()
        ours.close()
    return result


def _answer(answer: Connection, call: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches whoever started this, who ends it
    answer.send(call(*args, **kwargs))
