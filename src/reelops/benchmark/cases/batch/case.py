"""`reelops benchmark batch`: clips an hour, what is not work on clips, a batch that is killed, and memory over time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reelops.benchmark.case import Case, Part
from reelops.benchmark.cases.batch.measure import (
    CLIPS,
    CLIPS_ALONE,
    measure_alone,
    measure_killed,
    measure_pace,
    measure_plain,
)
from reelops.benchmark.cases.batch.memory import measure_line_memory, measure_memory, memory_tables, memory_targets
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least, at_most

_COLUMNS = {
    "Clips": "clips",
    "Seconds": "seconds",
    "Clips an hour": "clips_an_hour",
    "Orders with a clip": "with_a_clip",
    "Rejected by the gate": "rejected",
    "In MLflow": "tracked",
    "Seconds of work per clip": "seconds_of_work_a_clip",
}


def pace_tables(found: Figures) -> Iterator[Table]:
    """What a batch took, and each stage of its clips."""
    yield Table.of("Side by side, as a flow run", [found], _COLUMNS)
    yield Table.of(
        "Seconds of each stage per clip, those of clips beside it included", [found["stages"]], _named(found)
    )


def alone_tables(found: Figures) -> Iterator[Table]:
    """The same, with what is not work on clips."""
    further = {
        "Seconds to start, with the model": "seconds_to_start",
        "of orchestration per clip": "seconds_of_orchestration_a_clip",
        f"Share of both in a batch of {CLIPS}": "orchestration",
    }
    yield Table.of("One at a time", [found], {**_COLUMNS, **further})
    yield Table.of("Seconds of each stage per clip", [found["stages"]], _named(found))


def killed_tables(found: Figures) -> Iterator[Table]:
    """The same, with what the kill cost."""
    columns = {"Clips at the kill": "at_the_kill", **_COLUMNS, "Made twice": "made_twice"}
    yield Table.of("Killed by SIGKILL, and run again", [found], columns)


def _named(found: Figures) -> dict[str, str]:
    return {stage: stage for stage in found["stages"]}


def pace_targets(found: Figures) -> Iterator[Target]:
    """How many clips an hour."""
    yield at_least("clips an hour", found["clips_an_hour"], 300, aim=500)


def alone_targets(found: Figures) -> Iterator[Target]:
    """How little is not work."""
    yield at_most(f"share of the time of {CLIPS} clips that is not work on them", found["orchestration"], 0.1)


def killed_targets(found: Figures) -> Iterator[Target]:
    """No clip lost, none made twice."""
    yield at_least("share of orders with a clip after a kill", found["with_a_clip"], 1.0)
    yield at_most("clips made twice", found["made_twice"], 0)


BATCH = Case(
    name="batch",
    title="Many clips from a file",
    measures="clips an hour of the embedded model, what is not work on clips, and a batch that is killed amid its work",
    report=Path("reports/benchmark/batch.json"),
    with_torch=True,
    parts=(
        Part(
            "pace",
            "60 clips of the embedded model, 49 frames, 480 rows, with scores, gate, ledger, Prefect and MLflow",
            900,
            measure_pace,
            pace_tables,
            pace_targets,
            ("pictures",),
        ),
        Part(
            "plain",
            "60 clips as they are generated (--detail off), otherwise the same",
            300,
            measure_plain,
            pace_tables,
            pace_targets,
            ("pictures",),
        ),
        Part(
            "alone",
            f"{CLIPS_ALONE} clips, one at a time: the share of the time that is not work on clips",
            150,
            measure_alone,
            alone_tables,
            alone_targets,
            ("pictures",),
        ),
        Part(
            "killed",
            "12 clips, killed by SIGKILL half way and run again: what is lost, and what is made twice",
            300,
            measure_killed,
            killed_tables,
            killed_targets,
            ("pictures",),
        ),
        Part(
            "memory",
            "200 orders in one process: whether memory returns to its level after each; by name only",
            1200,
            measure_memory,
            memory_tables,
            memory_targets,
            ("pictures",),
            by_default=False,
        ),
        Part(
            "line",
            "200 orders of a small network in one process, from the order to the verdict: the same; by name only",
            300,
            measure_line_memory,
            memory_tables,
            memory_targets,
            ("pictures",),
            by_default=False,
        ),
    ),
)
