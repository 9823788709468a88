"""The quality benchmark: what was asked of scoring, the flow beneath it, the gate and the report, part by part.

One file holds all parts. Each says when and on what it was measured, since parts may be measured on different days.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from reelops.benchmark.cases.flow_truth import truth
from reelops.benchmark.cases.gate import gate
from reelops.benchmark.cases.optical_flow import benchmark_flow, num_steps
from reelops.benchmark.cases.page import report
from reelops.benchmark.cases.scoring import Bench, OnStep, cold, folder, memory, sameness, suite
from reelops.benchmark.machine import machine, on_two_cores
from reelops.errors import SettingsError
from reelops.optical_flow.working_size import WORKING_ROWS
from reelops.scoring.batch import ScoringOrder

OnPart = Callable[[str, str, float], None]
"""Told the part, what is done now, and how much of all parts is done: [0, 1]."""


@dataclass(frozen=True)
class Material:
    """What is measured on.

    Attributes:
        product_clips: of the product's format, 49 frames of 720x480: what scoring costs is measured on them.
        flow_clips, pictures: what flows are compared on.
        good_clips: what the gate must not turn away.
        golden: what OpenCV measured in hours; see `golden_flow`.
        order: whose settings and limits count.
        params_file: where they stand.
        scratch: a folder for what is made on the way.
    """

    product_clips: Sequence[Path]
    flow_clips: Sequence[Path]
    pictures: Sequence[Path]
    good_clips: Sequence[Path]
    golden: Mapping[str, Any]
    order: ScoringOrder
    params_file: Path
    scratch: Path

    def place(self, name: str) -> Path:
        """A new folder for a part."""
        place = self.scratch / name
        place.mkdir()
        return place


def benchmark_quality(
    material: Material,
    parts: Sequence[str],
    earlier: Mapping[str, Any],
    keep: Callable[[dict[str, Any]], None],
    on_part: OnPart = lambda *_: None,
) -> dict[str, Any]:
    """Measures the parts that are asked for; all others stay what they were.

    Args:
        material: what they are measured on.
        parts: of `PARTS`.
        earlier: what an earlier run returned, or {}.
        keep: given the report after each part, so that none is lost if the run is stopped.
        on_part: told how far it is.

    Returns:
        Plain JSON values; docs/metrics.md says how to read them.

    Raises:
        SettingsError: there is no part of a name.
    """
    for name in parts:
        if name not in PARTS:
            raise SettingsError(f"There is nothing called {name!r} to measure. Choose of: {', '.join(PARTS)}.")
    found: dict[str, Any] = dict(earlier.get("parts", {}))
    told: dict[str, Any] = {}
    total, done = sum(PARTS[name].seconds for name in parts), 0
    for name in parts:

        def on_step(step: str, share: float, name: str = name, before: int = done) -> None:
            on_part(name, step, (before + share * PARTS[name].seconds) / total)

        with on_two_cores():
            found[name] = _measured(name, material, on_step)
        done += PARTS[name].seconds
        ordered = {part: found[part] for part in PARTS if part in found}
        told = {"wanted": [wish.to_json() for wish in wishes(ordered)], "parts": ordered}
        keep(told)
    return told


def _measured(name: str, material: Material, on_step: OnStep) -> dict[str, Any]:
    about = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    started = time.perf_counter()
    figures = PARTS[name].measure(material, on_step)
    return {**about, "took_seconds": round(time.perf_counter() - started, 1), **figures}


def _on_bench(measure: Callable[[Bench, OnStep], dict[str, Any]]) -> Callable[[Material, OnStep], dict[str, Any]]:
    """A measurement of what scoring costs, as a part of all."""

    def measured(material: Material, on_step: OnStep) -> dict[str, Any]:
        bench = Bench(material.product_clips, material.params_file, material.place(measure.__name__))
        return measure(bench, on_step)

    return measured


def _gate(material: Material, on_step: OnStep) -> dict[str, Any]:
    return gate(material.good_clips, material.order, on_step)


def _truth(material: Material, on_step: OnStep) -> dict[str, Any]:
    scale = material.order.score_settings.temporal_scale
    return truth(material.flow_clips, material.pictures, scale, material.golden, on_step)


def _report(material: Material, on_step: OnStep) -> dict[str, Any]:
    return report(material.product_clips, material.order, material.place("report"), on_step)


def _flow(material: Material, on_step: OnStep) -> dict[str, Any]:
    done, of = 0, num_steps(material.product_clips, material.flow_clips)

    def count(step: str) -> None:
        nonlocal done
        on_step(step, min(1.0, done / of))
        done += 1

    scale = material.order.score_settings.temporal_scale
    return benchmark_flow(material.product_clips, material.flow_clips, material.pictures, scale, material.golden, count)


@dataclass(frozen=True)
class Wish:
    """What was asked of one figure, and what it is.

    Attributes:
        part: where it was measured.
        figure: what it is, for people.
        measured: None where something is missing that it takes.
        bound, limit: at least, or at most, so much.
        aim: what would be better still.
    """

    part: str
    figure: str
    measured: float | None
    bound: Literal["at least", "at most"]
    limit: float
    aim: float | None = None

    @property
    def met(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured >= self.limit if self.bound == "at least" else self.measured <= self.limit

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "met": self.met}


def wishes(parts: Mapping[str, Mapping[str, Any]]) -> Iterator[Wish]:
    """What was asked of the parts that were measured."""
    for name, part in PARTS.items():
        if name in parts:
            yield from part.wishes(parts[name])


def _of_suite(part: Mapping[str, Any]) -> Iterator[Wish]:
    yield Wish("suite", "seconds for the slowest clip, warm", part["slowest"], "at most", 2.0, aim=1.0)


def _of_cold(part: Mapping[str, Any]) -> Iterator[Wish]:
    yield Wish("cold", "seconds for `reelops score CLIP` in a fresh process", part["wall"], "at most", 5.0)


def _of_folder(part: Mapping[str, Any]) -> Iterator[Wish]:
    yield Wish("folder", "clips an hour by `reelops score FOLDER`", part["clips_an_hour"], "at least", 1800)


def _of_memory(part: Mapping[str, Any]) -> Iterator[Wish]:
    longest = part["clips"][-1]
    yield Wish("memory", f"peak MB for a clip of {longest['seconds']} s", longest["peak_mb"], "at most", 600)


def _of_sameness(part: Mapping[str, Any]) -> Iterator[Wish]:
    equal = list(part["equal"].values())
    yield Wish("sameness", "ways to score a clip that give equal scores", sum(equal), "at least", len(equal))


def _of_gate(part: Mapping[str, Any]) -> Iterator[Wish]:
    yield Wish("gate", "share of good versions not rejected", part["good_not_rejected"], "at least", 0.95, aim=1.0)
    yield Wish("gate", "share of spoilt versions not accepted", part["bad_not_accepted"], "at least", 0.97, aim=1.0)


def _of_flow(part: Mapping[str, Any]) -> Iterator[Wish]:
    timed, equal, score = part["time"], part["equal_parameters"], part["score"]
    errors = part["known_motion"]["all"]
    best = 1.05 * min(value for name, value in errors.items() if name.startswith("opencv") and value is not None)
    working, ours = f"times_faster_at_{WORKING_ROWS}_rows", f"OpenCV's at 720x480 over ours at {WORKING_ROWS} rows"
    yield Wish("flow", f"time of a pair, {ours}", _least(timed, working), "at least", 200, aim=1000)
    same = _least(timed, "times_faster_same_size")
    yield Wish("flow", "time of a pair, OpenCV's over ours, both at 720x480", same, "at least", 10)
    for name, limit in (("median", 0.05), ("mean", 0.3)):
        distance = _most(equal, f"{name}_distance")
        yield Wish("flow", f"{name} distance in px from OpenCV's with its parameters", distance, "at most", limit)
    for name in (name for name in errors if name.startswith("ours")):
        rows = name.removeprefix("ours_")
        yield Wish("flow", f"error in px on known motion at {rows} rows", errors[name], "at most", best)
    spread = _most(part["working_size"], "spread")
    yield Wish("flow", "spread of a clip's motion over working sizes", spread, "at most", 0.05)
    yield Wish("flow", "rank correlation of scores with OpenCV's", score["rank_correlation"], "at least", 0.95)
    apart = score["mean_absolute_difference"]
    yield Wish("flow", "mean difference of scores from OpenCV's", apart, "at most", 0.05)


def _of_truth(part: Mapping[str, Any]) -> Iterator[Wish]:
    """Our flow is to lead no farther from the true score than OpenCV's does."""
    if (theirs := part["error_of_opencv"]) is not None:
        figure = "error of the score on known uneven motion, at worst; OpenCV's is the limit"
        yield Wish("truth", figure, part["error_of_ours"], "at most", theirs)


def _of_report(part: Mapping[str, Any]) -> Iterator[Wish]:
    yield Wish("report", f"MB of a report of {part['clips']} clips", part["size_mb"], "at most", 100)
    seconds = part["browser"] and part["browser"]["seconds_beyond_an_empty_page"]
    yield Wish("report", "seconds until a browser has drawn it, beyond an empty page", seconds, "at most", 5, aim=2)


@dataclass(frozen=True)
class Part:
    """What can be measured alone.

    Attributes:
        seconds: about how long it takes on two cores.
        measure: gives its figures, as plain JSON values.
        wishes: what was asked of them.
    """

    seconds: int
    measure: Callable[[Material, OnStep], dict[str, Any]]
    wishes: Callable[[Mapping[str, Any]], Iterator[Wish]]


PARTS: Mapping[str, Part] = {
    "suite": Part(40, _on_bench(suite), _of_suite),
    "cold": Part(30, _on_bench(cold), _of_cold),
    "folder": Part(60, _on_bench(folder), _of_folder),
    "memory": Part(180, _on_bench(memory), _of_memory),
    "sameness": Part(40, _on_bench(sameness), _of_sameness),
    "gate": Part(200, _gate, _of_gate),
    "flow": Part(250, _flow, _of_flow),
    "truth": Part(30, _truth, _of_truth),
    "report": Part(120, _report, _of_report),
}


def differences_between_parts(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """In a sentence each, what keeps parts of one report from having been measured together."""
    said = []
    for words, of in (
        ("on different days", lambda part: part["measured_at"][:10]),
        ("on different machines", lambda part: (part["machine"]["processor"], part["machine"]["cores"])),
        ("with different versions of the metrics", lambda part: part["machine"]["metrics_version"]),
    ):
        if len(groups := _grouped(parts, of)) > 1:
            what = "; ".join(f"{_shown(value)}: {', '.join(names)}" for value, names in groups.items())
            said.append(f"Parts were measured {words} ({what}).")
    return said


def _grouped(parts: Mapping[str, Mapping[str, Any]], of: Callable[[Mapping[str, Any]], Any]) -> dict[Any, list[str]]:
    groups: dict[Any, list[str]] = {}
    for name, part in parts.items():
        groups.setdefault(of(part), []).append(name)
    return groups


def _shown(value: Any) -> str:
    return f"{value[0]}, {value[1]} cores" if isinstance(value, tuple) else str(value)


def _least(rows: Iterable[Mapping[str, Any]], name: str) -> float:
    return float(min(row[name] for row in rows))


def _most(rows: Iterable[Mapping[str, Any]], name: str) -> float:
    return float(max(row[name] for row in rows))
