"""How far a flow is from the truth, where photographs are moved in known ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from reelops.benchmark.cases.flow.footage import Flow, photograph
from reelops.benchmark.cases.flow.golden import GoldenValues, opencv_flow
from reelops.benchmark.known_flow import MOTIONS, KnownMotion, end_point_error, moved_pair
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_most
from reelops.optical_flow.tvl1.engine import TvL1
from reelops.optical_flow.working_size import STATED_ROWS, WORKING_ROWS, at_rows
from reelops.progress import RunContext

OPENCV_ROWS = (120, 240)
"""Heights that OpenCV is fast enough at to be measured beside ours."""

_ALL = "all"

Errors = Mapping[str, Mapping[str, float | None]]
"""By motion, and over all motions: by side and height, `ours_160`, the mean end-point error in pixels at 480 rows."""


def measure_known_motion(pictures: Sequence[Path], ours: TvL1, golden: GoldenValues, context: RunContext) -> Errors:
    """Errors of both flows; OpenCV's at 480 rows where there is a golden value."""
    errors: dict[str, dict[str, float | None]] = {}
    for number, motion in enumerate(MOTIONS):
        context.progress("known motion", number, len(MOTIONS), "motions", f"known motion, {motion.name}")
        pairs = [moved_pair(photograph(path), motion) for path in pictures]
        kept = [golden.error_on(path, motion) for path in pictures]
        errors[motion.name] = {
            **{f"ours_{rows}": _error(ours.flow, pairs, motion, rows) for rows in (WORKING_ROWS, STATED_ROWS)},
            **{f"opencv_{rows}": _error(opencv_flow, pairs, motion, rows) for rows in OPENCV_ROWS},
            f"opencv_{STATED_ROWS}": _mean(kept),
        }
    columns = next(iter(errors.values()))
    return errors | {_ALL: {name: _mean([row[name] for row in errors.values()]) for name in columns}}


def _error(flow: Flow, pairs: Sequence[tuple[np.ndarray, np.ndarray]], motion: KnownMotion, rows: int) -> float:
    return float(np.mean([end_point_error(flow(at_rows(a, rows), at_rows(b, rows)), motion) for a, b in pairs]))


def _mean(values: Sequence[float | None]) -> float | None:
    """None where one is missing."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def known_motion_tables(errors: Errors) -> Iterator[Table]:
    columns = {"Motion": "motion"}
    for name in errors[_ALL]:
        whose, _, rows = name.partition("_")
        columns[f"{'Ours' if whose == 'ours' else 'OpenCV'} at {rows} rows"] = name
    rows_of = ({"motion": motion, **row} for motion, row in errors.items())
    yield Table.of("Mean end-point error on known motion, px at 480 rows", rows_of, columns)


def known_motion_targets(errors: Errors) -> Iterator[Target]:
    """Ours may err by a twentieth more than OpenCV's best height."""
    over_all = errors[_ALL]
    best = min(value for name, value in over_all.items() if name.startswith("opencv") and value is not None)
    for name in (name for name in over_all if name.startswith("ours")):
        rows = name.removeprefix("ours_")
        yield at_most(f"error in px on known motion at {rows} rows", over_all[name], 1.05 * best)
