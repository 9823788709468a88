"""`reelops benchmark`: small clips, whole parts, one report."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from bench_project import project
from typer.testing import CliRunner, Result

import reelops.cli
from reelops.benchmark.catalogue import CASES
from reelops.benchmark.report import Report
from reelops.errors import InputError, MachineError, SettingsError
from reelops.params import load_config
from reelops.system.exclusive_lock import exclusive_lock

__all__ = ["project"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(reelops.cli.build_app(), ["benchmark", *arguments], catch_exceptions=False)


def report_in(project: Path) -> Report:
    return Report.model_validate_json((project / "reports/quality/benchmark.json").read_text())


def test_parts_are_measured_apart_and_kept_together_in_one_report_and_page(project: Path) -> None:
    run("quality", "--part", "suite")
    before = report_in(project).parts["suite"]
    assert [row["clip"] for row in before.figures["clips"]] == ["0.mp4", "1.mp4"]

    answer = run("quality", "--only", "folder", str(project / "clips/0.mp4"), "--json")
    after = report_in(project)
    assert list(after.parts) == ["suite", "folder"] and after.parts["suite"] == before
    assert after.parts["folder"].figures["clips"] == 6
    assert Report.model_validate_json(answer.stdout) == after
    page = (project / "reports/quality/benchmark.md").read_text()
    assert "## Targets" in page and "| 0.mp4 | 5 | 96x64 |" in page


@pytest.mark.parametrize("name", CASES)
def test_every_benchmark_has_its_command(name: str) -> None:
    told = run(*name.split(), "--help").stdout
    assert "--out" in told and ("--part" in told or len(CASES[name].parts) == 1)


def test_what_cannot_be_measured_is_named_with_what_can(project: Path) -> None:
    with pytest.raises(SettingsError, match=r"has no part 'speed'\. Choose of: suite, cold"):
        run("quality", "--part", "suite,speed")


def test_another_file_is_not_written_over(project: Path) -> None:
    (project / "notes.json").write_text("[1, 2]")
    with pytest.raises(SettingsError, match=r"notes\.json is no report of a benchmark"):
        run("quality", "--part", "suite", "--out", "notes.json")
    assert (project / "notes.json").read_text() == "[1, 2]"


@pytest.mark.parametrize("out", ["notes.json", "notes.md"])
def test_nor_are_notes_where_its_page_would_stand(project: Path, out: str) -> None:
    (project / "notes.md").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.md would be replaced by the report's page"):
        run("quality", "--part", "suite", "--out", out)
    assert (project / "notes.md").read_text() == "mine"


def test_a_place_that_takes_no_report_is_refused_before_anything_is_measured(project: Path) -> None:
    (project / "a-file").touch()
    with pytest.raises(InputError, match=r"a-file/b\.json cannot be written"):
        run("quality", "--part", "suite", "--out", "a-file/b.json")


def test_a_report_that_became_worse_ends_with_3(repository: Path, tmp_path: Path) -> None:
    committed = repository / "reports/quality/benchmark.json"
    assert run("compare", str(committed), str(committed)).exit_code == 0
    facts = json.loads(committed.read_text())
    facts["parts"]["suite"]["targets"][0]["measured"] = 0.1
    (tmp_path / "before.json").write_text(json.dumps(facts))
    answer = run("compare", str(tmp_path / "before.json"), str(committed))
    assert answer.exit_code == 3 and "worse" in answer.output


def test_what_is_no_report_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.json cannot be read: No such file"):
        run("compare", str(tmp_path / "absent.json"))


def test_the_list_names_every_benchmark_and_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = run("list").output
    for case in CASES.values():
        assert f"reelops benchmark {case.name}" in shown
        assert all(part.name in shown for part in case.parts)


def test_one_measures_at_a_time(project: Path) -> None:
    with (
        exclusive_lock(load_config().cache / "benchmark.lock", "not this one"),
        pytest.raises(MachineError, match=r"Another `reelops benchmark` is measuring in .*Wait for it"),
    ):
        run("quality", "--part", "suite")
    assert not (project / "reports/quality/benchmark.json").exists()


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingsError, match=r"pipe is no file"):
        run("compare", str(tmp_path / "pipe"), str(tmp_path / "pipe"))
