"""The process that mutants are tried in: what became of each, judged where its exception is whole."""

from __future__ import annotations

import faulthandler
import os
import pickle
import resource
import shutil
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from tests.fuzz.fuzzer import Fuzzer


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant.

    Attributes:
        kind: `passed`, `refused` by an error that is allowed, or a `finding`.
        name: the error's class; `hang`, `crash`, `memory`.
        where: the deepest line of ReelOps that it came from.
        told: its first line.
        memory: bytes taken beyond what the process held before.
    """

    number: int
    kind: Literal["passed", "refused", "finding"]
    name: str = ""
    where: str = ""
    told: str = ""
    memory: int = 0


def serve(pickled: bytes, seed: int, folder: Path, connection: Connection) -> None:
    """Tries the mutants whose numbers arrive, until the caller is gone or ends this process.

    Whatever is printed meanwhile, with the stack of a crash or a hang, is in a file beside the folder: its name, and
    `.log`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller's, who ends this process
    fuzzer: Fuzzer = pickle.loads(pickled)  # noqa: S301 - the names of our own functions
    log = _log_to(folder.with_suffix(".log"))
    fuzzer.make(seed, 0)  # what mutants are made of is not counted as the first one's
    connection.send(None)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            number = connection.recv()
            os.ftruncate(log, 0)
            faulthandler.dump_traceback_later(0.9 * fuzzer.seconds, file=log)
            connection.send(_tried(fuzzer, seed, number, folder))
            faulthandler.cancel_dump_traceback_later()


def attempt(fuzzer: Fuzzer, path: Path) -> tuple[Literal["passed", "refused", "finding"], str, str, str]:
    """Tries one file in this process: (kind, name, where, told)."""
    try:
        fuzzer.try_one(path)
    except fuzzer.allowed as error:
        if wrong := _what_is_wrong_with(str(error), path, fuzzer.names_file):
            return "finding", wrong, _where(error), str(error)
        return "refused", type(error).__name__, "", str(error)
    except Exception as error:
        return "finding", type(error).__name__, _where(error), (str(error).splitlines() or [""])[0][:200]
    return "passed", "", "", ""


def _tried(fuzzer: Fuzzer, seed: int, number: int, folder: Path) -> Outcome:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mutant = fuzzer.make(seed, number)
    path = folder / f"mutant{mutant.suffix}"
    path.write_bytes(mutant.data)
    before = _peak_reset()
    kind, name, where, told = attempt(fuzzer, path)
    memory = max(0, _peak() - before)
    if kind != "finding" and memory > fuzzer.memory_mb * 1_000_000:
        kind, name, told = "finding", "memory", f"{memory / 1e6:,.0f} MB"
    return Outcome(number, kind, name, where, told, memory)


def _what_is_wrong_with(message: str, path: Path, names_file: bool) -> str:
    if "\n" in message or not message.isprintable():
        return "a refusal that is not one printable line"
    return "a refusal that does not name the file" if names_file and path.name not in message else ""


def _where(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/reelops/" in frame.filename]
    frames = frames or list(traceback.extract_tb(error.__traceback__))
    last = frames[-1]
    return f"{Path(last.filename).name}:{last.lineno} {last.name}"


def _log_to(path: Path) -> int:
    """Sends all that is printed here to a file, by C libraries, too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable(log)
    return log


def _peak_reset() -> int:
    """Bytes held now; on Linux the peak is counted from here, elsewhere from the start of the process."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    with suppress(OSError):
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
