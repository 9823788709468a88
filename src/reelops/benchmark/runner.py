"""Runs a benchmark part by part, and keeps what each found as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from reelops.benchmark.case import Bench, Case, Part
from reelops.benchmark.machine import limited_to, record_machine
from reelops.benchmark.nested_progress import within
from reelops.benchmark.page import write_report
from reelops.benchmark.report import PartReport, Report, read_report
from reelops.benchmark.timing import clock
from reelops.params import Config
from reelops.production.output_names import require_place
from reelops.progress import QUIET, RunContext
from reelops.system.exclusive_lock import exclusive_lock
from reelops.system.scratch import scratch_folder
from reelops.tracking.lineage import code_commit

_SCRATCH = Path(".cache")


def measure_and_keep(
    case: Case,
    config: Config,
    parts: Sequence[str] = (),
    clips: Sequence[Path] = (),
    context: RunContext = QUIET,
) -> Report:
    """Measures, and puts report and page in their place as each part is done; nobody else measures meanwhile.

    Raises:
        InputError, MachineError: the report cannot be written, or another benchmark is running.
        SettingsError: see `run_case`.
    """
    place = config.root / case.report
    require_place(place)
    busy = f"Another `reelops benchmark` is measuring in {config.root}, and each would slow the other. Wait for it."
    with exclusive_lock(config.cache / "benchmark.lock", busy):
        keep = partial(write_report, case, root=config.root)
        return run_case(case, config, read_report(place, case.name), parts, clips, keep, context)


def run_case(
    case: Case,
    config: Config,
    earlier: Report,
    parts: Sequence[str] = (),
    clips: Sequence[Path] = (),
    keep: Callable[[Report], None] = lambda _: None,
    context: RunContext = QUIET,
) -> Report:
    """Measures the parts that are asked for; all others stay what they were.

    Args:
        earlier: what was measured before.
        parts: by name; none are those that are measured by default.
        clips: in place of all clips that benchmark.yaml names.
        keep: given the report after each part, so that none is lost if the run is stopped.
        context: its progress counts the seconds that the parts take on two free cores.

    Raises:
        SettingsError: there is no part of a name, or nothing to measure on.
        Cancelled: somebody asked the run to stop; what was measured is kept.
    """
    selected, report = case.select(parts), earlier
    with scratch_folder(config.root / _SCRATCH) as scratch:
        bench = Bench(config, scratch, clips)
        for part in selected:
            for kind in part.files:
                bench.files(kind)
        total, done = sum(part.seconds for part in selected), 0.0
        for part in selected:
            context.raise_if_stopped("Stopped as asked. What was measured before is kept.")
            found = _measured(case, part, bench, within(context, part.name, done, part.seconds, total))
            report = _in_order(case, report.with_part(part.name, found))
            keep(report)
            done += part.seconds
    return report


def _measured(case: Case, part: Part, bench: Bench, context: RunContext) -> PartReport:
    place = bench.scratch / part.name
    place.mkdir()
    with limited_to(case.cores):
        at, machine, began = datetime.now(UTC), record_machine(case.with_torch), clock()
        figures = part.measure(Bench(bench.config, place, bench.clips), context)
        took = clock() - began
    return PartReport(
        measured_at=at.replace(microsecond=0),
        command=case.command(part),
        commit=code_commit(),
        machine=machine,
        took_seconds=round(took.wall, 1),
        figures=figures,
        targets=tuple(part.targets(figures)),
    )


def _in_order(case: Case, report: Report) -> Report:
    """Parts in the order of the case; what it does not know any longer is dropped."""
    return report.model_copy(
        update={"parts": {part.name: report.parts[part.name] for part in case.parts if part.name in report.parts}}
    )
