"""What a benchmark found, as a file: one shape for all of them.

Parts may be measured on different days, so each says when, on what, by which command and with which code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from reelops.benchmark.machine import MachineRecord
from reelops.benchmark.target import Target
from reelops.errors import SettingsError
from reelops.system.files import write_text_atomically

Figures = Mapping[str, Any]
"""What a part measured, as plain JSON values."""


class PartReport(BaseModel):
    """What one part of a benchmark measured.

    Attributes:
        measured_at: when it began.
        command: what measures it again.
        commit: of the code, marked `-dirty` where files were changed; None outside a checkout.
        took_seconds: from start to end, on the wall.
        targets: what was asked of its figures.
    """

    model_config = ConfigDict(frozen=True)

    measured_at: datetime
    command: str
    commit: str | None
    machine: MachineRecord
    took_seconds: float | None
    figures: Figures
    targets: tuple[Target, ...] = ()


class Report(BaseModel):
    """All parts of a benchmark that were measured so far.

    Attributes:
        benchmark: its name.
        parts: by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    benchmark: str
    parts: Mapping[str, PartReport] = {}

    @property
    def targets(self) -> list[tuple[str, Target]]:
        """What was asked, with the part that it was asked of."""
        return [(name, target) for name, part in self.parts.items() for target in part.targets]

    def with_part(self, name: str, part: PartReport) -> Report:
        """The same with a part that was measured now."""
        return self.model_copy(update={"parts": {**self.parts, name: part}})

    def differences(self) -> list[str]:
        """In a sentence each, what keeps the parts from having been measured together."""
        return list(_differences(self.parts))

    def to_text(self) -> str:
        return json.dumps(self.model_dump(mode="json"), indent=1) + "\n"

    def write(self, path: Path) -> None:
        """Puts it under `path` in one step."""
        write_text_atomically(path, self.to_text())


def open_report(path: Path) -> Report:
    """A report of any benchmark.

    Raises:
        SettingsError: there is no such file, or it is no report.
    """
    if path.exists() and not path.is_file():
        raise SettingsError(f"{path} is no file. Give the JSON file of a benchmark.")
    try:
        return Report.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}. Give the JSON file of a benchmark.") from error
    except ValidationError as error:
        raise SettingsError(f"{path} is no report of a benchmark. Name another file.") from error


def read_report(path: Path, benchmark: str) -> Report:
    """What was measured before; an empty report where there is none.

    Raises:
        SettingsError: the file is no report of this benchmark.
    """
    if not path.is_file():
        return Report(benchmark=benchmark)
    report = open_report(path)
    if report.benchmark != benchmark:
        raise SettingsError(
            f"{path} is a report of `reelops benchmark {report.benchmark}`, not of {benchmark}. Name another file with "
            "--out."
        )
    return report


def _differences(parts: Mapping[str, PartReport]) -> Iterator[str]:
    for words, value_of in (
        ("on different days", lambda part: f"{part.measured_at:%Y-%m-%d}"),
        ("on different machines", lambda part: f"{part.machine.processor}, {part.machine.cores} cores"),
        ("with different versions of the metrics", lambda part: part.machine.versions.get("metrics", "unknown")),
    ):
        if len(groups := _grouped(parts, value_of)) > 1:
            what = "; ".join(f"{value}: {', '.join(names)}" for value, names in groups.items())
            yield f"Parts were measured {words} ({what})."


def _grouped(parts: Mapping[str, PartReport], value_of: Callable[[PartReport], Hashable]) -> dict[Hashable, list[str]]:
    groups: dict[Hashable, list[str]] = {}
    for name, part in parts.items():
        groups.setdefault(value_of(part), []).append(name)
    return groups
