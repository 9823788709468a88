"""The reports in the repository have the shape that benchmarks write today."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelops.benchmark.case import Case
from reelops.benchmark.catalogue import CASES
from reelops.benchmark.page import to_markdown
from reelops.benchmark.report import read_report

REPOSITORY = Path(__file__).resolve().parents[3]
MEASURED = [case for case in CASES.values() if (REPOSITORY / case.report).is_file()]
"""What wants a GPU or a quiet machine may not have been measured yet."""


@pytest.mark.parametrize("case", MEASURED, ids=lambda case: case.name)
def test_a_committed_report_is_whole_and_its_page_and_targets_follow_from_it(case: Case, repository: Path) -> None:
    path = repository / case.report
    report = read_report(path, case.name)
    assert report.to_text() == path.read_text()
    assert to_markdown(case, report) == path.with_suffix(".md").read_text()
    parts = {part.name: part for part in case.parts}
    for name, found in report.parts.items():
        assert list(parts[name].targets(found.figures)) == list(found.targets)
        assert found.command.startswith(f"reelops benchmark {case.name}")


def test_most_benchmarks_have_a_report_in_the_repository() -> None:
    assert len(MEASURED) > len(CASES) / 2


def test_every_benchmark_has_a_name_and_a_report_of_its_own() -> None:
    assert [case.name for case in CASES.values()] == list(CASES)
    assert len({case.report for case in CASES.values()}) == len(CASES)
    for case in CASES.values():
        assert len({part.name for part in case.parts}) == len(case.parts)
