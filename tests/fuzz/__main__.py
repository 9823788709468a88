"""Tries mutants of foreign files on everything that reads them: `python -m tests.fuzz`, or `make fuzz`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reelops.system.files import write_text_atomically
from reelops.views.progress_bar import watching
from tests.fuzz.fuzzer import Fuzzer, fuzzers
from tests.fuzz.runner import FuzzReport, run_fuzzer

REPORT = Path("reports/fuzz.json")
FINDINGS = Path("outputs/fuzz")


def main(arguments: list[str] | None = None) -> int:
    """0 if nothing was found, 1 otherwise, 130 if stopped."""
    known = fuzzers()
    asked = _parser(known).parse_args(arguments)
    chosen = {name: known[name] for name in asked.only or known}
    if asked.number is not None:
        if len(asked.only or ()) != 1:
            print("name the one fuzzer that --number is of: --only NAME", file=sys.stderr)
            return 2
        return _try_again(known[asked.only[0]], asked.seed, asked.number)
    reports = {}
    try:
        for name, fuzzer in chosen.items():
            reports[name] = _run(fuzzer, getattr(asked, name), asked)
            _tell(name, reports[name], asked.findings)
    except KeyboardInterrupt:
        print("Stopped; the report has what was finished before.", file=sys.stderr)
        return 130
    finally:
        _write(asked.report, reports)
    return 1 if any(report.findings for report in reports.values()) else 0


def _parser(known: Mapping[str, Fuzzer]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=known, metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument("--seed", type=int, default=0, help="other mutants (0)")
    parser.add_argument("--number", type=int, help="only this mutant, in this process, with its traceback")
    parser.add_argument(
        "--workers", type=int, default=max(1, (os.cpu_count() or 1) - 1), help="processes (%(default)s)"
    )
    parser.add_argument("--report", type=Path, default=REPORT, help="JSON; others' parts stay (%(default)s)")
    parser.add_argument("--findings", type=Path, default=FINDINGS, help="folder for files that fail (%(default)s)")
    for name, fuzzer in known.items():
        parser.add_argument(f"--{name}", type=int, default=fuzzer.mutants, metavar="N", help="mutants (%(default)s)")
    return parser


def _run(fuzzer: Fuzzer, mutants: int, asked: argparse.Namespace) -> FuzzReport:
    with watching(line_at_once=True) as context:
        return run_fuzzer(
            fuzzer,
            range(mutants),
            asked.seed,
            asked.findings,
            asked.workers,
            lambda done, found: context.progress(f"Fuzzing {fuzzer.name}", done, mutants, "mutants", found=found),
        )


def _try_again(fuzzer: Fuzzer, seed: int, number: int) -> int:
    mutant = fuzzer.make(seed, number)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"mutant{mutant.suffix}"
        path.write_bytes(mutant.data)
        try:
            print("passed:", fuzzer.try_one(path))
        except fuzzer.allowed as error:
            print(f"refused: {type(error).__name__}: {error}")
    return 0


def _tell(name: str, report: FuzzReport, findings: Path) -> None:
    refused = ", ".join(f"{count:,} by {error}" for error, count in report.refused.items()) or "none"
    print(f"{name}: {report.mutants:,} mutants in {report.seconds:.0f} s; passed {report.passed:,}; refused {refused}")
    for one in report.findings:
        print(f"  {one.count:,} x {one.name} at {one.where}: {one.told}\n      {findings / one.saved}")


def _write(path: Path, reports: Mapping[str, FuzzReport]) -> None:
    """Puts these into the report; what it says of other fuzzers stays."""
    before: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    after = before | {name: report.to_json() for name, report in reports.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(path, json.dumps(dict(sorted(after.items())), indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
