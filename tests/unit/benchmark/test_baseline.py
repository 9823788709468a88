"""A benchmark is compared with an earlier one: what was lost, and what became worse on the same machine."""

from __future__ import annotations

import pytest

from reelops.benchmark.baseline import Change, changes_table, compare_reports
from reelops.benchmark.machine import MachineRecord
from reelops.benchmark.report import PartReport, Report
from reelops.benchmark.target import Target, at_least, at_most
from reelops.errors import SettingsError


def report(*targets: Target, processor: str = "A", name: str = "quality") -> Report:
    fields = {
        "measured_at": "2026-11-28T10:00:00Z",
        "command": "",
        "commit": None,
        "machine": MachineRecord(processor=processor, cores=2),
        "took_seconds": 1,
        "figures": {},
        "targets": targets,
    }
    return Report(benchmark=name, parts={"suite": PartReport.model_validate(fields)})


def change(before: Target, after: Target, processor: str = "A") -> Change:
    (found,) = compare_reports(report(before), report(after, processor=processor))
    return found


def test_a_figure_that_shrinks_is_better_or_worse_by_its_bound() -> None:
    assert change(at_most("seconds", 1.0, 2), at_most("seconds", 1.25, 2)).worse_by == pytest.approx(0.25)
    assert change(at_least("clips per hour", 200, 100), at_least("clips per hour", 150, 100)).worse_by == 0.25
    assert change(at_most("seconds", 2.0, 2), at_most("seconds", 1.0, 2)).worse_by == -0.5


def test_a_lost_target_is_a_regression_on_any_machine() -> None:
    assert change(at_most("seconds", 1.9, 2), at_most("seconds", 2.1, 2), processor="B").regressed(tolerance=1)
    assert change(at_most("seconds", 1.9, 2), at_most("seconds", None, 2)).regressed()
    assert not change(at_most("seconds", 2.5, 2), at_most("seconds", 2.4, 2)).regressed()


def test_slower_within_the_target_is_a_regression_on_the_same_machine_alone() -> None:
    before, after = at_most("seconds", 1.0, 2), at_most("seconds", 1.2, 2)
    assert change(before, after).regressed() and not change(before, after).regressed(tolerance=0.25)
    assert not change(before, after, processor="B").regressed()


def test_the_table_names_verdicts_and_machines() -> None:
    table = changes_table([change(at_most("seconds", 1.0, 2), at_most("seconds", 1.2, 2), processor="B")])
    assert table.rows == (("suite", "seconds", "1", "1.2", "at most 2", "+20.0%", "fine"),)
    assert table.note.endswith("only lost targets count: suite.")


def test_reports_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(SettingsError, match="One report is of `reelops benchmark quality`, the other of data"):
        compare_reports(report(), report(name="data"))
    with pytest.raises(SettingsError, match="no figure in common"):
        compare_reports(report(at_most("seconds", 1, 2)), report(at_most("minutes", 1, 2)))
