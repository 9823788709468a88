"""A Great Expectations suite over the table of scores, with Data Docs: pages that a reviewer reads without a program.

Three suites. `table`: what must hold of any such table, as in the contract. `gate`: which share of the clips keeps to
each limit. `summary`: one row of precomputed medians and shares, held to the limits of acceptance; Great Expectations'
own quantile expectations cannot be saved. The verdicts are the gate's; these pages show what they rest on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.gate.limits import GateLimits
from reelops.scoring.contracts import SHA256, range_of
from reelops.scoring.plots import values_of
from reelops.scoring.scored_clip import ANSWERS, UNREADABLE, ScoredClip, counts
from reelops.scoring.tables import NUMBERS, WHOLE_NUMBERS, frame_of
from reelops.tables import data_docs

if TYPE_CHECKING:
    import pandas


def write_data_docs(clips: Sequence[ScoredClip], folder: Path) -> tuple[Path, list[str]]:
    """Checks the table of scores, and writes the pages.

    Args:
        folder: becomes the site; results of earlier runs that it holds stay.

    Returns:
        The site's first page, and warnings for the user: suites that found something.

    Raises:
        MachineError: Great Expectations is not installed, or the folder cannot be written to.
    """
    data_docs.check_installed()
    limits = {clip.limits.name: clip.limits for clip in clips if clip.limits}
    suites = {
        "table": (frame_of(clips), table_expectations()),
        "gate": (frame_of(clips), gate_expectations(limits)),
        "summary": (summary_frame(clips), summary_expectations(clips)),
    }
    index, failed = data_docs.write_site("scores", "Data Docs of ReelOps scores", suites, folder)
    notes = [f"the expectations on {_WHAT[name]} are not all met; see the Data Docs." for name in failed]
    return index, notes


_WHAT = {"table": "the table itself", "gate": "single clips", "summary": "the clips as a whole"}


def table_expectations() -> list[Any]:
    """What must hold of any table of scores."""
    import great_expectations.expectations as expect

    return [
        expect.ExpectColumnValuesToNotBeNull(column="clip"),
        expect.ExpectColumnValuesToBeUnique(column="clip"),
        expect.ExpectColumnValuesToMatchRegex(column="sha256", regex=SHA256),
        expect.ExpectColumnValuesToBeInSet(column="answer", value_set=list(ANSWERS)),
        *(
            data_docs.between(name, *data_docs.with_tolerance(range_of(name)))
            for name in (*WHOLE_NUMBERS, *NUMBERS)
            if any(map(math.isfinite, range_of(name)))  # where any number will do nothing is expected
        ),
    ]


def gate_expectations(limits: Mapping[str, GateLimits]) -> list[Any]:
    """That clips keep to the limits of acceptance, for each profile that some are judged by."""
    from great_expectations.expectations.row_conditions import Column

    return [
        data_docs.between(
            metric,
            *limit.accepted,
            row_condition=Column("limits") == name,
            severity="warning",
            notes=f"Limits of profile {name}. Rejected or to be reviewed are the clips beyond.",
        )
        for name, gate in limits.items()
        for metric, limit in gate.metrics.items()
        if metric in NUMBERS
    ]


def summary_frame(clips: Sequence[ScoredClip]) -> pandas.DataFrame:
    """One row: the share of each answer, and of each metric the median and the fifth and ninety-fifth percentile."""
    import numpy as np
    import pandas

    row: dict[str, float] = {"clips": float(len(clips))}
    row |= {f"share_{answer}": number / max(1, len(clips)) for answer, number in counts(clips).items()}
    for metric in NUMBERS:
        if values := values_of(clips, metric):
            p05, median, p95 = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
            row |= {f"{metric}_p05": p05, f"{metric}_median": median, f"{metric}_p95": p95}
    return pandas.DataFrame([row])


def summary_expectations(clips: Sequence[ScoredClip]) -> list[Any]:
    """That every clip could be scored, and the median clip would be accepted."""
    judged = [clip.limits for clip in clips if clip.limits]
    limits = judged[0].metrics if judged and all(one == judged[0] for one in judged) else {}
    medians = [
        data_docs.between(f"{metric}_median", *limit.accepted, notes="Limits of acceptance.")
        for metric, limit in limits.items()
        if values_of(clips, metric)
    ]
    return [data_docs.between(f"share_{UNREADABLE}", 0, 0, notes="Clips that could not be scored."), *medians]
