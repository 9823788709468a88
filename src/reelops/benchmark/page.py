"""A report as a page for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reelops.benchmark.case import Case
from reelops.benchmark.report import PartReport, Report
from reelops.benchmark.table import Table, in_words
from reelops.system.files import write_text_atomically

_ANSWERS = {True: "yes", False: "no", None: "not measured"}


def write_report(case: Case, report: Report, root: Path) -> None:
    """Puts the report under the project's folder, a page beside it, and whatever else its parts make."""
    path = root / case.report
    report.write(path)
    write_text_atomically(path.with_suffix(".md"), to_markdown(case, report))
    for part in case.parts:
        if part.name in report.parts:
            for ending, make in part.beside.items():
                write_text_atomically(path.with_suffix(ending), make(report.parts[part.name].figures))


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
    columns = ("Part", "When", "Commit", "Processor", "Cores", "GPU", "Load before", "Seconds", "Metrics")
    rows = tuple((name, *_about(part)) for name, part in report.parts.items())
    return Table("When and on what it was measured", columns, rows)


def _about(part: PartReport) -> Iterator[str]:
    """Cells of a row; older reports do not say everything."""
    machine, unknown = part.machine, "unknown"
    yield f"{part.measured_at:%Y-%m-%d %H:%M}"
    yield part.commit or unknown
    yield from (machine.processor, str(machine.cores), ", ".join(machine.gpus) or "none")
    yield from (unknown if value is None else in_words(value) for value in (machine.load_before, part.took_seconds))
    yield machine.versions.get("metrics", unknown)
