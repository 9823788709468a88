"""A benchmark's parts are measured alone, kept together, and shown to people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from reelops.benchmark.case import Bench, Case, Part
from reelops.benchmark.machine import MachineRecord
from reelops.benchmark.page import all_tables, to_markdown
from reelops.benchmark.report import Figures, PartReport, Report, read_report
from reelops.benchmark.runner import run_case
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least
from reelops.errors import Cancelled, SettingsError
from reelops.params import Config, load_config
from reelops.progress import Event, Progress, RunContext

BENCHMARK = "{clips: [], pictures: [], product_clips: [], good_clips: []}\n"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "params.yaml").write_text("{}")
    (tmp_path / "benchmark.yaml").write_text(BENCHMARK)
    return load_config(params_file=tmp_path / "params.yaml")


def measure(bench: Bench, context: RunContext) -> Figures:
    context.progress("measuring", 1, 2, detail="the first half")
    (bench.scratch / "made").touch()
    return {"clips": [{"clip": "a.mp4", "wall": 0.5}], "count": 2}


def tables(figures: Figures) -> Iterable[Table]:
    yield Table.of("Clips", figures["clips"], {"Clip": "clip", "Seconds": "wall"})


def targets(figures: Figures) -> Iterable[Target]:
    yield at_least("clips", figures["count"], 3)


QUICK = Part("quick", "the quick part", 10, measure, tables, targets)
SLOW = Part("slow", "the slow part", 30, measure, tables)
OPTIONAL = Part("optional", "what is asked for by name", 5, measure, tables, by_default=False)
CASE = Case("example", "Example", "nothing", Path("reports/example/benchmark.json"), (QUICK, SLOW, OPTIONAL))


def run(config: Config, *parts: str, earlier: Report | None = None, **given: object) -> Report:
    return run_case(CASE, config, earlier or Report(benchmark="example"), parts, **given)


def test_parts_are_measured_alone_and_kept_together_in_their_order(config: Config) -> None:
    first = run(config, "slow")
    both = run(config, "quick", earlier=first)
    assert list(both.parts) == ["quick", "slow"]
    assert both.parts["slow"] == first.parts["slow"]
    found = both.parts["quick"]
    assert found.command == "reelops benchmark example --part quick"
    assert found.figures["count"] == 2 and found.took_seconds is not None and found.machine.cores >= 1
    assert [(name, target.met) for name, target in both.targets] == [("quick", False)]
    assert not list((config.root / ".cache/scratch").iterdir())


def test_without_names_the_default_parts_are_measured(config: Config) -> None:
    assert list(run(config).parts) == ["quick", "slow"]
    assert list(run(config, "optional").parts) == ["optional"]


def test_a_report_read_back_is_the_same(config: Config, tmp_path: Path) -> None:
    report, path = run(config), tmp_path / "reports/example.json"
    report.write(path)
    assert read_report(path, "example") == report
    assert read_report(path, "example").to_text() == path.read_text()
    assert read_report(tmp_path / "absent.json", "example").parts == {}


@pytest.mark.parametrize("text", ["[1, 2]", '{"benchmark": "another", "parts": {}}', "not JSON"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes.json").write_text(text)
    with pytest.raises(SettingsError, match=r"notes\.json is (no|a) report of .*Name another file"):
        read_report(tmp_path / "notes.json", "example")


def test_what_cannot_be_measured_is_named_with_what_can(config: Config) -> None:
    with pytest.raises(SettingsError, match=r"example has no part 'speed'\. Choose of: quick, slow, optional\."):
        run(config, "speed")


def test_nothing_is_measured_where_a_part_lacks_its_files(config: Config) -> None:
    kept: list[Report] = []
    needy = Part("needy", "clips", 1, measure, tables, files=("product_clips",))
    case = Case("example", "Example", "clips", CASE.report, (QUICK, needy))
    with pytest.raises(SettingsError, match=r"product_clips in benchmark\.yaml matches nothing here"):
        run_case(case, config, Report(benchmark="example"), keep=kept.append)
    assert not kept


def test_a_run_that_is_stopped_keeps_what_it_measured(config: Config) -> None:
    kept: list[Report] = []
    context = RunContext(should_stop=lambda: bool(kept))
    with pytest.raises(Cancelled, match="measured before is kept"):
        run(config, keep=kept.append, context=context)
    assert [list(report.parts) for report in kept] == [["quick"]]


def test_progress_counts_the_seconds_of_all_parts(config: Config) -> None:
    events: list[Event] = []
    run(config, context=RunContext(events.append))
    shown = [(event.stage, event.done, event.total, event.detail) for event in events if isinstance(event, Progress)]
    assert shown == [("quick", 5, 40, "the first half"), ("slow", 25, 40, "the first half")]


def test_the_page_begins_with_targets_and_ends_with_when_and_where(config: Config) -> None:
    page = to_markdown(CASE, run(config))
    assert page.startswith("# Example\n")
    titles = [line for line in page.splitlines() if line.startswith("## ")]
    assert titles == ["## Targets", "## Clips", "## Clips", "## When and on what it was measured"]
    assert "| quick | clips | 2 | at least 3 | no |" in page and "| a.mp4 | 0.5 |" in page
    assert [table.title for table in all_tables(CASE, run(config))] == ["Clips", "Clips", "Targets"]


def part(at: str, processor: str) -> PartReport:
    machine = MachineRecord(processor=processor, cores=2, versions={"metrics": "7"})
    fields = {"measured_at": at, "command": "", "commit": None, "machine": machine, "took_seconds": 1, "figures": {}}
    return PartReport.model_validate(fields)


def test_parts_from_another_day_or_machine_are_told() -> None:
    parts = {"suite": part("2026-11-21T10:00:00Z", "A"), "flow": part("2026-11-22T10:00:00Z", "B")}
    days, machines = Report(benchmark="example", parts=parts).differences()
    assert "different days (2026-11-21: suite; 2026-11-22: flow)" in days
    assert "different machines (A, 2 cores: suite; B, 2 cores: flow)" in machines
    assert Report(benchmark="example", parts={"suite": parts["suite"]}).differences() == []
