"""A report as a page for people."""

from __future__ import annotations

from collections.abc import Iterator

from reelops.benchmark.case import Case
from reelops.benchmark.report import Report
from reelops.benchmark.table import Table, in_words

_ANSWERS = {True: "yes", False: "no", None: "not measured"}


def to_markdown(case: Case, report: Report) -> str:
    """What was asked first, then all figures, and last when and on what they were measured."""
    head = (
        f"# {case.title}\n\nMade by `reelops benchmark {case.name}`, as are the figures in `{case.report.name}`; "
        "docs/benchmark.md says how to read them.\n"
    )
    notes = [f"{sentence}\n" for sentence in report.differences()]
    tables = [*_targets(report), *part_tables(case, report), _measured(report)]
    return "\n".join([head, *notes, *(table.to_markdown() for table in tables)])


def all_tables(case: Case, report: Report) -> Iterator[Table]:
    """For a terminal: figures first, and what was asked of them where one looks, at the end."""
    yield from part_tables(case, report)
    yield from _targets(report)


def part_tables(case: Case, report: Report) -> Iterator[Table]:
    """The figures of all parts that were measured."""
    for part in case.parts:
        if part.name in report.parts:
            yield from part.tables(report.parts[part.name].figures)


def _targets(report: Report) -> Iterator[Table]:
    rows = tuple(
        (
            name,
            target.figure,
            "" if target.measured is None else f"{target.measured:.4g}",
            target.wanted,
            _ANSWERS[target.met],
        )
        for name, target in report.targets
    )
    if rows:
        yield Table("Targets", ("Part", "Figure", "Measured", "Wanted", "Met"), rows)


def _measured(report: Report) -> Table:
    columns = ("Part", "When", "Commit", "Processor", "Cores", "GPU", "Load before", "Seconds")
    rows = []
    for name, part in report.parts.items():
        machine = part.machine
        cells = (machine.processor, machine.cores, ", ".join(machine.gpus) or "-", machine.load_before)
        words = (in_words(cell) for cell in (part.commit, *cells, part.took_seconds))
        rows.append((name, f"{part.measured_at:%Y-%m-%d %H:%M}", *words))
    return Table("When and on what it was measured", columns, tuple(rows))
