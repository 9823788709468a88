"""The contract of a benchmark: a name, what it measures, and parts that can be measured alone."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reelops.benchmark.params import ClipKind, load_benchmark_params
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target
from reelops.errors import SettingsError
from reelops.params import Config
from reelops.progress import RunContext


@dataclass(frozen=True)
class Bench:
    """What a part works with.

    Attributes:
        scratch: a folder of its own for what is made on the way.
        clips: given in place of all clips that benchmark.yaml names.
    """

    config: Config
    scratch: Path
    clips: Sequence[Path] = ()

    def files(self, kind: ClipKind) -> list[Path]:
        """What is measured on.

        Raises:
            SettingsError: benchmark.yaml names nothing that is here.
        """
        if self.clips and kind != "pictures":
            return list(self.clips)
        found = load_benchmark_params(self.config).find(kind, self.config.root)
        if not found:
            raise SettingsError(f"{kind} in benchmark.yaml matches nothing here; name some there.")
        return found


def as_typed(options: Mapping[str, object]) -> list[str]:
    """Options of a command line; a list is one for each of its values, and what is None or empty is none."""
    given = (
        (name, each) for name, value in options.items() for each in (value if isinstance(value, tuple) else (value,))
    )
    return [f"{name} {shlex.quote(str(value))}" for name, value in given if value]


def _nothing_asked(_: Figures) -> Iterable[Target]:
    return ()


@dataclass(frozen=True)
class Part:
    """What can be measured alone.

    Attributes:
        measures: what, in a sentence without its full stop.
        seconds: about how long it takes on two free cores.
        measure: gives its figures; says how far it is by `context.progress`, in any units.
        tables: shows its figures to people.
        targets: what is asked of them.
        files: the kinds of files that it takes.
        options: of the command line that make it what it is.
        beside: by ending, as `.svg`, what is put beside the report: a text made of its figures.
        by_default: it is measured where nobody names parts.
    """

    name: str
    measures: str
    seconds: float
    measure: Callable[[Bench, RunContext], Figures]
    tables: Callable[[Figures], Iterable[Table]]
    targets: Callable[[Figures], Iterable[Target]] = _nothing_asked
    files: Sequence[ClipKind] = ()
    options: Sequence[str] = ()
    beside: Mapping[str, Callable[[Figures], str]] = field(default_factory=dict)
    by_default: bool = True


@dataclass(frozen=True)
class Case:
    """A benchmark.

    Attributes:
        name: `reelops benchmark NAME` measures it.
        title: heading of its page.
        measures: what, in a sentence without its full stop.
        report: its JSON file, relative to the project; a page for people, `.md`, is put beside it.
        parts: in their order.
        cores: as many as it may use; None leaves it all of them.
        with_torch: it computes with torch, on a GPU where there is one.
    """

    name: str
    title: str
    measures: str
    report: Path
    parts: Sequence[Part]
    cores: int | None = None
    with_torch: bool = False

    def select(self, names: Sequence[str] = ()) -> list[Part]:
        """Parts by name, in their order; by default all that are measured where nobody names any.

        Raises:
            SettingsError: there is no part of a name.
        """
        known = [part.name for part in self.parts]
        for name in names:
            if name not in known:
                raise SettingsError(
                    f"reelops benchmark {self.name} has no part {name!r}. Choose of: {', '.join(known)}."
                )
        return [part for part in self.parts if (part.name in names if names else part.by_default)]

    def command(self, part: Part) -> str:
        """What measures a part again."""
        only = ["--part", part.name] if len(self.parts) > 1 else []
        return " ".join(["reelops benchmark", self.name, *only, *part.options])
