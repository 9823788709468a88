"""Runs the tests with the Python that runs this, and records what came of them in reports/python/3.x.json.

    make python-report PYTHON=python3.12 VENV=.venv-3.12

The record says which Python, which libraries, which commit; a failure is named in it and ends with 1.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from reelops.tracking.lineage import code_commit

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("torch", "numpy", "numba", "av", "diffusers", "transformers", "prefect", "mlflow", "dvc", "pandas")


def run_tests(tests: list[str], workers: int) -> ElementTree.Element:
    """Pytest's own record of a run, as JUnit XML."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={record}", "--numprocesses", str(workers)]
        # In the order of the folders: tests that take minutes begin first, and no process waits for them at the end.
        command += ["--dist", "loadfile", "--no-loadscope-reorder"]
        subprocess.run([*command, *tests], cwd=ROOT, check=False)
        if not record.is_file():
            raise SystemExit("pytest did not come to its end; what it printed says why.")
        return ElementTree.parse(record).getroot()  # noqa: S314 - written by our own run just now


def summary(suites: ElementTree.Element) -> dict[str, Any]:
    """How many tests ended how, and which did not pass."""
    suite = suites.find("testsuite")
    if suite is None:
        raise SystemExit("pytest ran no tests.")
    count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    bad = [
        f"{case.get('classname')}.{case.get('name')}"
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    return {
        "passed": count["tests"] - count["failures"] - count["errors"] - count["skipped"],
        "failed": count["failures"] + count["errors"],
        "skipped": count["skipped"],
        "seconds": round(float(suite.get("time", 0))),
        "not_passed": bad,
    }


def environment() -> Mapping[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
        "commit": code_commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", default=["tests"], help="all of them by default")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()

    started = environment()
    ended = summary(run_tests(given.tests, given.workers))
    major, minor, _ = platform.python_version_tuple()
    report = ROOT / "reports" / "python" / f"{major}.{minor}.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps({**started, "tests": given.tests, **ended}, indent=2) + "\n", encoding="utf-8")
    print(f"{report.relative_to(ROOT)}: {ended['passed']} passed, {ended['failed']} failed, {ended['skipped']} skipped")
    sys.exit(1 if ended["failed"] else 0)


if __name__ == "__main__":
    main()
