"""The benchmark of the service, in small: nothing that was taken is lost, and who listens hears."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason='the service comes with pip install "reelops[service]"')

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.service import SERVICE, measure_listeners, measure_submissions
from reelops.params import load_config
from reelops.progress import QUIET


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(load_config(home=tmp_path / "home"), tmp_path)


def test_submissions_are_counted_as_the_ledger_has_them(bench: Bench) -> None:
    found = measure_submissions(bench, QUIET, a_second=5, seconds=1)
    assert (found["submissions"], found["taken"], found["lost"]) == (5, 5, 0)
    assert 0 < found["p50_ms"] <= found["p99_ms"]


def test_listeners_are_those_that_hear_of_the_end(bench: Bench) -> None:
    found = measure_listeners(bench, QUIET, listeners=5)
    assert found["heard"] == 5
    assert {part.name for part in SERVICE.parts} == {"submissions", "listeners", "reads"}
