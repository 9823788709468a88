"""The one door to parsers of foreign data: pictures, videos, archives, listings, headers of weights.

A parser that meets bytes it was not made for raises whatever its author did not think of: Pillow alone raises eleven
kinds of exception, of which its documentation names two. So every call into one stands in `reading_foreign`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reelops.errors import Fault, MachineError, OutOfMemory, ReelOpsError, fault_of, is_out_of_memory, machine_cause

_LONGEST_REASON = 200
LONGEST_JSON = 4_000_000
"""Letters of a JSON text that strangers wrote; what ReelOps writes itself has some thousands."""
_DEEPEST_JSON = 50
NO_JSON = (ValueError, RecursionError)
"""What `json.loads` raises for bytes that are no text, a text that is no JSON, and one nested beyond measure."""
_POINTER_START = b"version https://git-lfs.github.com/spec/"
IS_POINTER = "is a Git LFS pointer, which only stands for the file; bring that with `git lfs pull`."


@contextmanager
def reading_foreign(
    path: Path | str, error: type[ReelOpsError], what_is_wrong: str, what_to_do: str = "copy or download it again"
) -> Iterator[None]:
    """Within it whatever a parser raises is an `error` that names the file; keep the block to the parser's own call.

    An error that ReelOps raised on purpose passes as it is, and so do Ctrl-C and a signal's exception. A fault of the
    machine (too many open files, no memory, a failing disk) is never told of the file.

    Args:
        path: the file, or the address, whose bytes are read.
        error: what it is when the bytes are at fault.
        what_is_wrong: the predicate of the sentence: "is damaged or cut short".
        what_to_do: its last clause.

    Raises:
        ReelOpsError: an `error`; the file cannot be parsed.
        MachineError: this machine cannot read it now.
    """
    try:
        yield
    except ReelOpsError:
        raise
    except Exception as problem:
        # safetensors calls a file missing that this machine cannot open.
        hidden = isinstance(problem, FileNotFoundError) and Path(path).is_file()
        if hidden or fault_of(problem) is Fault.MACHINE:
            raise machine_error_on_read(path, problem) from problem
        if is_pointer(path):
            raise error(f"{printable(str(path))} {IS_POINTER}") from problem
        raise error(f"{printable(str(path))} {what_is_wrong}: {reason_of(problem)}; {what_to_do}.") from problem


def machine_error_on_read(path: Path | str, problem: BaseException) -> MachineError:
    """What this machine says against reading `path`, as an error for a person."""
    if is_out_of_memory(problem):
        return OutOfMemory.of(problem, f"reading {printable(str(path))}")
    reason = reason_of(machine_cause(problem) or problem)
    return MachineError(
        f"cannot read {printable(str(path))} on this machine now: {reason}. Nothing is known of the file; try again."
    )


def refuse_machine_fault(path: Path | str, problem: Exception) -> None:
    """What is asked before an error is taken for a fact about `path`: before it is quarantined, left out or kept so.

    Raises:
        MachineError: it is this machine's fault, and no fact.
    """
    if isinstance(problem, MachineError):
        raise problem
    if fault_of(problem) is Fault.MACHINE:
        raise machine_error_on_read(path, problem) from problem


def reason_of(problem: BaseException) -> str:
    """A parser's words in one short line, its exception's name where it gives none."""
    words = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    line = printable(" ".join(str(words).split()))
    line = line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."
    if not line or isinstance(problem, KeyError | IndexError | AttributeError | TypeError):
        line = f"{type(problem).__name__} {line}".strip()
    return line.rstrip(".")


def starts_a_pointer(start: bytes) -> bool:
    """Whether a file of these first bytes is a Git LFS pointer, as a clone without LFS has in place of large files."""
    return start.startswith(_POINTER_START)


def is_pointer(path: Path | str) -> bool:
    """Whether a file is such a pointer; False where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return starts_a_pointer(file.read(len(_POINTER_START)))
    except (OSError, ValueError):
        return False


def json_object(text: str) -> dict[str, Any]:
    """A stranger's JSON object: small enough to be handed on, and all of its numbers finite.

    Raises:
        ValueError: it is no such object.
    """
    if len(text) > LONGEST_JSON:
        raise ValueError(f"it has {len(text):,} letters, and the limit is {LONGEST_JSON:,}")
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError("its values are nested too deep") from None
    if not isinstance(value, dict):
        raise ValueError(f"it is of type {type(value).__name__}, and an object is needed")
    _check_depth(value)
    return value


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is no number that can be handed on")
    return value


def _check_depth(value: Any) -> None:
    """Deeper values are parsed here, and end whoever copies or writes them later, nearer to the end of the stack."""
    level = [value]
    for _ in range(_DEEPEST_JSON):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise ValueError(f"its values are nested more than {_DEEPEST_JSON} deep")


def printable(text: str) -> str:
    """A stranger's words, or a file's name, in one line that a terminal shows and UTF-8 holds; all else is escaped."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
