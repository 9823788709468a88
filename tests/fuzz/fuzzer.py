"""What a fuzzer is: a name, mutants that a seed decides, and what is tried with each.

Every module of this folder that has a `FUZZERS` is found by `fuzzers()`, run by `make fuzz` and, shortly, by the tests.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from reelops.errors import InputError, ReelOpsError


@dataclass(frozen=True)
class Mutant:
    """A damaged file: its bytes, and how its name ends (`.png`)."""

    data: bytes
    suffix: str = ".bin"


@dataclass(frozen=True)
class Fuzzer:
    """Mutants of one kind of foreign data, and the doors that they are tried on.

    Attributes:
        name: one word; also the option of the command.
        mutants: how many a full run tries.
        in_tests: how many the tests try; they may take 5 seconds on one core.
        mutant: makes one. It draws from the generator that it is given and from nothing else, so that (seed, number)
            makes the same mutant again.
        try_one: reads a mutant's file in every way that ReelOps does. What else it writes beside the file is removed.
            It returns, or raises one of `allowed`; all else is a finding.
        allowed: errors that refuse a file. Their text has to be one line.
        names_file: whether a refusal has to hold the file's path.
        libraries: distributions whose versions the report tells.
        seconds: a mutant that takes longer hangs.
        memory_mb: a mutant that takes more, beyond what the process held before, takes too much.

    Both functions stand at the top of a module, because each mutant is tried in another process.
    """

    name: str
    mutants: int
    in_tests: int
    mutant: Callable[[Random], Mutant]
    try_one: Callable[[Path], object]
    allowed: tuple[type[ReelOpsError], ...] = (InputError,)
    names_file: bool = True
    libraries: tuple[str, ...] = ()
    seconds: float = 30.0
    memory_mb: int = 1000

    def make(self, seed: int, number: int) -> Mutant:
        """The mutant of a number under a seed; the same on every machine and in any order."""
        return self.mutant(Random(f"{self.name}/{seed}/{number}"))


def fuzzers() -> dict[str, Fuzzer]:
    """All fuzzers of this folder, by name."""
    folder = Path(__file__).parent
    names = sorted(module.name for module in pkgutil.iter_modules([str(folder)]))
    modules = [
        importlib.import_module(f"tests.fuzz.{name}") for name in names if not name.startswith(("test_", "__main__"))
    ]
    found = [fuzzer for module in modules for fuzzer in getattr(module, "FUZZERS", ())]
    return {fuzzer.name: fuzzer for fuzzer in found}
