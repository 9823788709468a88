"""Checks and measures what wants a CUDA GPU, within ten minutes, and records it in reports/gpu.

    make gpu

First tests/gpu, each recorded in reports/gpu/checks.json as soon as it has ended, with what it measured; then, in the
time that is left, 20 training steps of the 5B's architecture (reports/gpu/train.json). Run it again where it was
stopped: what has passed on this GPU and commit is not done twice.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from reelops.system.files import write_text_atomically
from reelops.tracking.lineage import code_commit

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "reports/gpu/checks.json"
SECONDS = 600


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


def main() -> None:
    if not torch.cuda.is_available():
        raise SystemExit("There is no CUDA GPU here that torch can use; `reelops doctor` says what it sees.")
    began = time.monotonic()
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    code = check([str(ROOT / "tests/gpu")], REPORT, {"gpus": gpus, "commit": code_commit(), "torch": torch.__version__})
    left = SECONDS - (time.monotonic() - began)
    try:
        steps = subprocess.run([sys.executable, "-m", "reelops.cli", "benchmark", "train", "--gpu"], timeout=left)
        code = code or steps.returncode
    except subprocess.TimeoutExpired:
        print(f"The training steps did not end within {SECONDS} s; run them alone: reelops benchmark train --gpu")
        code = code or 1
    print(f"{REPORT.relative_to(ROOT)}: what was checked and measured")
    sys.exit(code)


if __name__ == "__main__":
    main()
