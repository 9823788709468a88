"""The clips of a run as a table, and all figures as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reelops.benchmark.cases.generation.pareto import points_of
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table, in_words
from reelops.benchmark.target import Target, at_most
from reelops.system.files import csv_of

_WORDS = {"pass": "passes", "fail": "FAILS", "more runs": "needs more runs"}


def to_csv(found: Figures) -> str:
    """A row a clip: its way, order, seconds of each stage, latency, memory, verdict and scores."""
    rows = [_row(sample) for sample in found["samples"]]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return csv_of(columns, ([row.get(name, "") for name in columns] for row in rows))


def _row(sample: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "way": sample["way"],
        "order": "warm-up" if sample["order"] is None else sample["order"],
        "latency": sample["latency"],
        "yardstick": sample["yardstick"],
        **{f"{stage} s": seconds for stage, seconds in sample["seconds"].items()},
        **{f"{kind} GB": round(size, 4) for kind, size in sample["peak_gb"].items()},
        "verdict": sample["verdict"],
        **sample["scores"],
    }


def tables_of(found: Figures) -> Iterator[Table]:
    """Ways beside each other, their stages, and what is said of each candidate."""
    yield _ways(found)
    stages = list(dict.fromkeys(stage for way in found["ways"].values() for stage in way["stages"]))
    rows = ({"way": name, "load": way["load_seconds"], **_stages(way, stages)} for name, way in found["ways"].items())
    columns = {"Way": "way", "load, once": "load", "denoise, a step": "step", **{stage: stage for stage in stages}}
    yield Table.of("Seconds of each stage, median", rows, columns)
    if found["comparisons"]:
        yield _latencies(found)
        yield _qualities(found)


def _ways(found: Figures) -> Table:
    kinds = list(dict.fromkeys(kind for way in found["ways"].values() for kind in way["peak_gb"]))
    points = {point.name: point for point in points_of(found)}
    titles = ("Way", "Clips", "Seconds a clip", "Nine of ten within", "Clips an hour", "Verdicts")
    columns = (*titles, *(f"{kind.replace('_', ' ')}, GB" for kind in kinds), "Times as fast", "Worst loss, in margins")
    rows = []
    for name, way in found["ways"].items():
        verdicts = ", ".join(f"{number} {verdict}" for verdict, number in way["verdicts"].items())
        cells = [name, way["clips"], way["latency"], way["slowest_of_ten"], way["clips_an_hour"], verdicts]
        cells += [way["peak_gb"].get(kind) for kind in kinds]
        cells += [points[name].speed, points[name].loss] if name in points else ["", ""]
        rows.append(tuple(in_words(cell) for cell in cells))
    note = "Seconds are those of all work on a clip, scoring included, without loading; medians, on the wall."
    return Table("Ways", columns, tuple(rows), note)


def _stages(way: Mapping[str, Any], stages: list[str]) -> dict[str, Any]:
    return {"step": way["step_seconds"], **{stage: way["stages"].get(stage) for stage in stages}}


def _latencies(found: Figures) -> Table:
    columns = ("Candidate", "All in all", "Latency", "Pairs", "Slower by", "Surely between", "Allowed", "p")
    rows = tuple(
        (
            name,
            _WORDS[said["answer"]],
            _WORDS[said["latency"]["answer"]],
            str(said["latency"]["pairs"]),
            f"{said['latency']['slower_by']:+.1%}",
            f"{said['latency']['low']:+.1%} and {said['latency']['high']:+.1%}",
            f"{said['latency']['allowed']:+.1%}",
            in_words(said["latency"]["p_value"]),
        )
        for name, said in found["comparisons"].items()
    )
    return Table("Beside the baseline", columns, rows)


def _qualities(found: Figures) -> Table:
    columns = ("Candidate", "Metric", "Says", "Clips", "Baseline", "Candidate's", "Loss", "Between", "Allowed")
    rows = tuple(
        (
            name,
            one["metric"],
            _WORDS[one["answer"]],
            str(one["pairs"]),
            *(in_words(float(one[key])) for key in ("baseline", "candidate", "loss")),
            "too few clips" if one["low"] is None else f"{one['low']:.3g} and {one['high']:.3g}",
            in_words(one["allowed"]),
        )
        for name, said in found["comparisons"].items()
        for one in said["quality"]
        if one["answer"] is not None
    )
    return Table("Quality beside the baseline", columns, rows)


def targets_of(found: Figures) -> Iterator[Target]:
    """No candidate is slower or worse than is allowed; what cannot be told is not measured."""
    for name, said in found["comparisons"].items():
        told = said["answer"] != "more runs"
        measured = float(said["answer"] == "fail") if told else None
        yield at_most(f"{name}: worse than the baseline (1) or not (0)", measured, 0)
