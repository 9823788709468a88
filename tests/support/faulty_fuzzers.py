"""Fuzzers whose parsers fail in every way that one can, for the tests of the runner."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from random import Random

from reelops.errors import MachineError, PictureError
from tests.fuzz.fuzzer import Fuzzer, Mutant


def numbered(random: Random) -> Mutant:
    """A byte from 0 to 7, which decides what its parser does."""
    return Mutant(bytes([random.randrange(8)]), ".odd")


def parse(path: Path) -> None:
    """One fault for each byte but 0."""
    _FAULTS[path.read_bytes()[0]](path)


def hang(_: Path) -> None:
    time.sleep(600)


def _segfault(_: Path) -> None:
    ctypes.string_at(0)


def _leave(_: Path) -> None:
    os._exit(7)


def _eat(_: Path) -> None:
    bytearray(os.urandom(1000) * 150_000)


def _refuse(path: Path) -> None:
    raise PictureError(f"{path} is odd.")


def _refuse_in_two_lines(path: Path) -> None:
    raise PictureError(f"{path} is odd.\nVery odd.")


def _refuse_namelessly(_: Path) -> None:
    raise PictureError("It is odd.")


def _blame_the_machine(path: Path) -> None:
    raise MachineError(f"{path} is too much for this machine.")


_FAULTS = (
    lambda _: None,
    _refuse,
    _refuse_in_two_lines,
    _refuse_namelessly,
    _blame_the_machine,
    _segfault,
    _leave,
    _eat,
)
FAULTY = Fuzzer("faulty", 0, 0, numbered, parse, (PictureError,), libraries=("pillow",), memory_mb=100)
HANGING = Fuzzer("hanging", 0, 0, numbered, hang, (PictureError,), seconds=1)
