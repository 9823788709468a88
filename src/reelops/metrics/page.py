"""The tables of docs/metrics.md, written from the metrics' records: `make docs`."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import get_args

from reelops.metrics.catalogue import METRICS
from reelops.metrics.metric import Metric, Section
from reelops.system.files import write_text_atomically

BEGIN = "<!-- metrics: what follows is written by `make docs` from the records in src/reelops/metrics -->"
END = "<!-- metrics: end -->"


def with_tables(page: str, metrics: Iterable[Metric]) -> str:
    """The page with the tables of these metrics in place of what is between its two marks.

    Raises:
        ValueError: it lacks a mark.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The page needs the lines {BEGIN!r} and {END!r}, between which its tables are written.")
    return f"{before}{BEGIN}\n\n{tables(metrics)}\n{END}{after}"


def tables(metrics: Iterable[Metric]) -> str:
    """Markdown: a heading and a table a section, in the order of `Section`, metrics as they come."""
    order = get_args(Section)
    by_section = groupby(sorted(metrics, key=lambda metric: order.index(metric.section)), lambda metric: metric.section)
    return "\n".join(line for section, some in by_section for line in _table(section, some))


def _table(section: str, metrics: Iterable[Metric]) -> Iterator[str]:
    yield from (
        f"### {section}",
        "",
        "| name | unit, range | better | what it measures | blind to |",
        "|---|---|---|---|---|",
    )
    for metric in metrics:
        cells = (f"`{metric.name}`", _range(metric), _better(metric), metric.description, metric.blind_to)
        yield "| " + " | ".join(cell.replace("*", r"\*") for cell in cells) + " |"
    yield ""


def _range(metric: Metric) -> str:
    if math.isfinite(metric.high):
        values = f"[{metric.low:g}, {metric.high:g}]"
    else:
        values = f"from {metric.low:g}" if math.isfinite(metric.low) else "any number"
    return f"{metric.unit}, {values}" if metric.unit else values


def _better(metric: Metric) -> str:
    return metric.direction.removesuffix(" is better")


if __name__ == "__main__":
    file = Path(sys.argv[1])
    write_text_atomically(file, with_tables(file.read_text(encoding="utf-8"), METRICS.values()))
