"""docs/metrics.md shows every metric as its record states it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelops.metrics.catalogue import METRICS
from reelops.metrics.metric import Metric
from reelops.metrics.page import BEGIN, END, tables, with_tables


def test_the_page_is_current(repository: Path) -> None:
    page = (repository / "docs/metrics.md").read_text(encoding="utf-8")
    assert page == with_tables(page, METRICS.values()), "run `make docs`"


def test_every_metric_has_one_row() -> None:
    rows = [line.split(" | ")[0] for line in tables(METRICS.values()).splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(f"| `{name}`" for name in METRICS)


def test_a_new_metric_has_a_row_in_its_section_and_stars_are_no_emphasis() -> None:
    new = Metric(
        "tint", "Tint", "a*b*", "lower is better", "Light and detail", "how tinted it is", "grey", low=-1, high=2
    )
    _, _, light = tables([*METRICS.values(), new]).partition("### Light and detail")
    section, _, _ = light.partition("###")
    assert r"| `tint` | a\*b\*, [-1, 2] | lower | how tinted it is | grey |" in section


def test_what_stands_around_the_tables_is_kept() -> None:
    page = f"before\n{BEGIN}\nold tables\n{END}\nafter\n"
    written = with_tables(page, [METRICS["motion"]])
    assert written.startswith("before\n") and written.endswith("\nafter\n") and "old tables" not in written


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="between which its tables are written"):
        with_tables("no marks", METRICS.values())
