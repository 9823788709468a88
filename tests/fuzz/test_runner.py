"""Whatever a parser does to its process, the runner finds it, saves the mutant and goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from importlib import metadata
from pathlib import Path
from random import Random

import pytest
from faulty_fuzzers import FAULTY, HANGING

from tests.fuzz.__main__ import main
from tests.fuzz.fuzzer import Fuzzer, fuzzers
from tests.fuzz.mutation import chosen_mutation, cut, edge_number, glued, spoilt
from tests.fuzz.runner import FuzzReport, run_fuzzer

NUMBERS = range(40)


@pytest.fixture(scope="module")
def kinds() -> Counter[int]:
    """How often each fault is among the mutants."""
    return Counter(FAULTY.make(3, number).data[0] for number in NUMBERS)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("findings")


@pytest.fixture(scope="module")
def report(findings: Path) -> FuzzReport:
    return run_fuzzer(FAULTY, NUMBERS, seed=3, findings=findings, workers=2)


def counted(report: FuzzReport, name: str) -> int:
    return sum(one.count for one in report.findings if one.name == name)


def test_every_mutant_is_accounted_for(report: FuzzReport, kinds: Counter[int]) -> None:
    assert set(kinds) == set(range(8)), "the seed shows every fault"
    assert report.mutants == len(NUMBERS)
    assert (report.passed, report.refused) == (kinds[0], {"PictureError": kinds[1]})
    assert sum(one.count for one in report.findings) == len(NUMBERS) - kinds[0] - kinds[1]


def test_refusals_that_say_too_little_are_findings(report: FuzzReport, kinds: Counter[int]) -> None:
    assert counted(report, "a refusal that is not one printable line") == kinds[2]
    assert counted(report, "a refusal that does not name the file") == kinds[3]


def test_an_error_that_is_not_allowed_is_a_finding(report: FuzzReport, kinds: Counter[int]) -> None:
    assert counted(report, "MachineError") == kinds[4]


def test_a_process_that_dies_is_a_finding_with_its_stack(
    report: FuzzReport, kinds: Counter[int], findings: Path
) -> None:
    assert counted(report, "crash") == kinds[5] + kinds[6]
    segfault, *_ = (one for one in report.findings if one.told == "SIGSEGV")
    assert "_segfault" in (findings / f"{segfault.saved}.txt").read_text()


def test_too_much_memory_is_a_finding(report: FuzzReport, kinds: Counter[int]) -> None:
    assert counted(report, "memory") == kinds[7]
    assert report.most_mb >= 150


def test_a_finding_is_saved_and_can_be_made_again(report: FuzzReport, findings: Path) -> None:
    for one in report.findings:
        assert (findings / one.saved).read_bytes() == FAULTY.make(3, one.number).data


def test_the_report_names_the_libraries(report: FuzzReport) -> None:
    assert report.to_json()["libraries"] == {"pillow": metadata.version("pillow")}


def test_a_hang_is_ended_and_its_place_told(tmp_path: Path) -> None:
    (hang,) = run_fuzzer(HANGING, range(2), seed=0, findings=tmp_path).findings
    assert (hang.name, hang.count) == ("hang", 2)
    assert "in hang" in (tmp_path / f"{hang.saved}.txt").read_text()


def test_a_mutant_is_decided_by_its_seed_and_number() -> None:
    assert [FAULTY.make(1, 5), FAULTY.make(2, 5)] == [FAULTY.make(1, 5), FAULTY.make(2, 5)]
    assert len({FAULTY.make(1, number).data for number in range(50)}) == 8


@pytest.mark.parametrize("data", [b"\0", b"abc", bytes(range(256)) * 8])
def test_mutations_never_empty_a_file_and_mostly_change_it(data: bytes) -> None:
    made = [chosen_mutation(data, [data, b"xyz"], Random(number)) for number in range(300)]
    assert all(made)
    assert sum(one != data for one in made) > 200


def test_each_mutation_does_what_it_says() -> None:
    data = bytes(range(1, 200))
    assert data.startswith(cut(data, Random(1)))
    assert glued(data, b"\xff" * 50, Random(1)).endswith(b"\xff")
    assert spoilt(data, Random(1), edits=1) != data
    assert {len(edge_number(Random(number), 4, "big")) for number in range(50)} == {4}


@pytest.mark.parametrize("fuzzer", fuzzers().values(), ids=list(fuzzers()))
def test_no_mutant_of_a_short_run_is_a_finding(fuzzer: Fuzzer, tmp_path: Path) -> None:
    report = run_fuzzer(fuzzer, range(fuzzer.in_tests), seed=0, findings=tmp_path)
    assert report.mutants == fuzzer.in_tests
    assert not report.findings
    assert report.passed, "some mutants are still sound; else parsers are hardly reached"
    assert report.refused, "some are not"


def test_the_command_keeps_what_the_report_says_of_other_fuzzers(tmp_path: Path, repository: Path) -> None:
    path = tmp_path / "fuzz.json"
    path.write_text('{"another": {"mutants": 7}}')
    name = next(iter(fuzzers()))
    command = [sys.executable, "-m", "tests.fuzz", "--only", name, f"--{name}", "2", "--report", str(path)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    written = json.loads(path.read_text())
    assert (written["another"], written[name]["mutants"]) == ({"mutants": 7}, 2)


def test_a_number_without_its_fuzzer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--number", "4"]) == 2
    assert "--only" in capsys.readouterr().err
