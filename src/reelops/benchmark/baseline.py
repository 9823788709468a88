"""The regression gate: has anything that was asked for become worse since an earlier report?

Targets are compared, figure by figure. A target that was met and is not any longer is a regression wherever it was
measured. A figure that is worse by more than a tolerance is one only where both reports are of the same machine, as
seconds of different machines say nothing about the code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reelops.benchmark.report import PartReport, Report
from reelops.benchmark.table import Table, in_words
from reelops.benchmark.target import Target
from reelops.errors import SettingsError

TOLERANCE = 0.1
"""Share by which a figure may be worse, on the same machine."""


@dataclass(frozen=True)
class Change:
    """A figure in two reports.

    Attributes:
        same_machine: both were measured on the same processor and as many cores.
    """

    part: str
    before: Target
    after: Target
    same_machine: bool

    @property
    def worse_by(self) -> float | None:
        """Share of the earlier value by which it is worse, below 0 where it is better.

        None where one is missing, or the earlier one is 0.
        """
        if not self.before.measured or self.after.measured is None:
            return None
        growth = (self.after.measured - self.before.measured) / abs(self.before.measured)
        return growth if self.after.bound.side == "at most" else 0.0 - growth

    @property
    def lost(self) -> bool:
        """The target was met, and is not, or not measured, now."""
        return bool(self.before.met) and not self.after.met

    def regressed(self, tolerance: float = TOLERANCE) -> bool:
        """It is lost, or on the same machine worse by more than the tolerance."""
        return self.lost or (self.same_machine and (self.worse_by or 0.0) > tolerance)


def compare_reports(before: Report, after: Report) -> list[Change]:
    """Every figure that both reports have, by part.

    Raises:
        SettingsError: they are of different benchmarks, or have no figure in common.
    """
    if before.benchmark != after.benchmark:
        raise SettingsError(
            f"One report is of `reelops benchmark {before.benchmark}`, the other of {after.benchmark}. Give two of one."
        )
    changes = [
        change
        for name, part in after.parts.items()
        if name in before.parts
        for change in _changes(name, before.parts[name], part)
    ]
    if not changes:
        raise SettingsError("The reports have no figure in common that something was asked of. Measure the same parts.")
    return changes


def _changes(name: str, before: PartReport, after: PartReport) -> Iterator[Change]:
    machines = before.machine, after.machine
    same = len({(machine.processor, machine.cores) for machine in machines}) == 1
    known = {target.figure: target for target in before.targets}
    for target in after.targets:
        if target.figure in known:
            yield Change(name, known[target.figure], target, same)


def changes_table(changes: Sequence[Change], tolerance: float = TOLERANCE) -> Table:
    """All figures, before and after."""
    rows = tuple(
        (
            change.part,
            change.before.figure,
            in_words(change.before.measured),
            in_words(change.after.measured),
            change.after.wanted,
            "-" if change.worse_by is None else f"{change.worse_by:+.1%}",
            "worse" if change.regressed(tolerance) else "fine",
        )
        for change in changes
    )
    columns = ("Part", "Figure", "Before", "After", "Wanted", "Worse by", "Verdict")
    elsewhere = sorted({change.part for change in changes if not change.same_machine})
    note = (
        f"Measured on different machines, so that only lost targets count: {', '.join(elsewhere)}." if elsewhere else ""
    )
    return Table("What was asked, before and after", columns, rows, note)
