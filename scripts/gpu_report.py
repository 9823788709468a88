"""Checks and measures what wants a CUDA GPU, within eight minutes, and records it in reports/gpu.

    make gpu                                     on a GPU
    python scripts/gpu_report.py --small         the same on a small network, on any processor, into a scratch folder

One case after the other, the most valuable first, each in a process of its own; its report is written when it has
ended. Run it again where it was stopped: what was measured on this GPU and commit is not measured twice. tests/gpu is
one of the cases: each test is recorded in reports/gpu/checks.json, with what it measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reelops.system.files import write_text_atomically
from reelops.tracking.lineage import code_commit

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "reports/gpu"
SECONDS = 480
LEAST_SECONDS = 20
"""With less time left a case is not begun."""


class Recorder:
    """A plugin of pytest that keeps what came of each test, in a file that is whole after each of them.

    Args:
        facts: of the machine and the code; a record of others is begun anew.
    """

    def __init__(self, file: Path, facts: dict[str, Any]) -> None:
        self._file, self._facts = file, facts
        try:
            before = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = {}
        same = all(before.get(name) == value for name, value in facts.items())
        self.checks: dict[str, dict[str, Any]] = before.get("checks", {}) if same else {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if self.checks.get(item.nodeid, {}).get("outcome") != "passed"]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        check: dict[str, Any] = {"outcome": report.outcome, "seconds": round(report.duration, 1)}
        if not report.passed:
            check["why"] = str(report.longrepr).strip().splitlines()[-1]
        self.checks[report.nodeid] = check | dict(report.user_properties)
        record = self._facts | {"checks": dict(sorted(self.checks.items()))}
        write_text_atomically(self._file, json.dumps(record, indent=2) + "\n")


def check(tests: Sequence[str], file: Path, facts: dict[str, Any]) -> int:
    """Pytest's exit code; 0 also where all had passed before."""
    code = pytest.main(["-q", "-p", "no:cacheprovider", *tests], plugins=[Recorder(file, facts)])
    return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else int(code)


@dataclass(frozen=True)
class Step:
    """A case: its name, and the command that does it."""

    name: str
    command: Sequence[str]


def steps_of(small: bool, report: Path, checks: Path) -> list[Step]:
    """The parts of `reelops benchmark gpu` and the tests of tests/gpu, the most valuable first."""
    from reelops.benchmark.cases.gpu.case import gpu_case

    own = ["--small"] if small else []
    parts = [
        Step(
            part.name,
            [
                *(sys.executable, "-m", "reelops.cli", "benchmark", "gpu"),
                *own,
                "--part",
                part.name,
                "--out",
                str(report),
            ],
        )
        for part in gpu_case(small).parts
    ]
    tests = Step("checks", [sys.executable, __file__, "--checks", str(checks)])
    return [*parts[:2], tests, *parts[2:]]


def measured_before(report: Path, gpus: Sequence[str]) -> set[str]:
    """Parts that were measured on these GPUs by this commit."""
    from reelops.benchmark.report import read_report

    commit = code_commit()
    if commit is None or not commit.isalnum():  # files were changed since, or nobody can say
        return set()
    found = read_report(report, "gpu").parts
    return {name for name, part in found.items() if part.commit == commit and list(part.machine.gpus) == list(gpus)}


def run_steps(steps: Sequence[Step], done: set[str], seconds: float) -> dict[str, str]:
    """What became of each step: done, done before, failed, out of time."""
    began, became = time.monotonic(), {}
    for step in steps:
        left = seconds - (time.monotonic() - began)
        if step.name in done:
            became[step.name] = "done before"
        elif left < LEAST_SECONDS:
            became[step.name] = "out of time; run it again"
        else:
            became[step.name] = _run(step, left)
        print(f"{step.name}: {became[step.name]}", flush=True)
    return became


def _run(step: Step, seconds: float) -> str:
    try:
        code = subprocess.run(step.command, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        return "out of time; run it again"
    return "done" if code == 0 else f"failed with {code}"


def main() -> None:
    import torch

    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--small", action="store_true", help="a small network, on any processor")
    options.add_argument("--folder", type=Path, help="where reports go")
    options.add_argument("--seconds", type=float, default=SECONDS, help="how long it may take")
    options.add_argument("--checks", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    if given.checks:
        facts = {"gpus": gpus, "commit": code_commit(), "torch": torch.__version__}
        sys.exit(check([str(ROOT / "tests/gpu")], given.checks, facts))
    if not gpus and not given.small:
        raise SystemExit(
            "There is no CUDA GPU here that torch can use; `reelops doctor` says what it sees. Without one, "
            "scripts/gpu_report.py --small tries all of it on a small network."
        )
    folder = given.folder or (Path(tempfile.mkdtemp(prefix="reelops-gpu-")) if given.small else REPORTS)
    folder.mkdir(parents=True, exist_ok=True)
    report = folder.resolve() / ("small.json" if given.small else "gpu.json")
    steps = steps_of(given.small, report, folder.resolve() / "checks.json")
    became = run_steps(steps, measured_before(report, gpus), given.seconds)
    print(f"{folder}: what was checked and measured")
    sys.exit(0 if set(became.values()) <= {"done", "done before"} else 1)


if __name__ == "__main__":
    main()
