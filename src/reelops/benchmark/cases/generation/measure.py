"""Clips of all ways in turn, and what is said of each way beside the baseline."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.generation.maker import NOT_WORK
from reelops.benchmark.cases.generation.ways import Maker, Way, open_makers
from reelops.benchmark.machine import record_machine
from reelops.benchmark.orders import PROMPTS, varied
from reelops.benchmark.regression.cohort import Cohort, cohort_of, require_one_cohort
from reelops.benchmark.regression.gate import Evidence, Judgement, judge, judge_recorded
from reelops.benchmark.regression.limits import RegressionLimits
from reelops.benchmark.report import Figures
from reelops.clip import ClipOrder
from reelops.progress import RunContext

Sample = dict[str, Any]


@dataclass(frozen=True)
class Recorded:
    """What an earlier run measured of its last way that counts, and where it is from.

    Attributes:
        place: the file, for messages.
        way: whose clips stand for the baseline.
    """

    place: str
    way: str
    cohort: Cohort
    samples: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        ways: the baseline first; where there is a recorded one, the only one is the candidate.
        limits: what a candidate must keep to.
        fields: of all orders.
        recorded: takes the baseline's place.
    """

    ways: Sequence[Way]
    limits: RegressionLimits
    fields: Mapping[str, Any] = field(default_factory=dict)
    recorded: Recorded | None = None


def measure_generation(plan: Plan, bench: Bench, context: RunContext) -> Figures:
    """Makes clips until every candidate passes or fails, or until the budget of pairs is spent.

    Raises:
        SettingsError: the recorded baseline is of another cohort.
        ReelOpsError: a clip could not be made.
    """
    orders, samples = _orders(bench, plan.fields), list[Sample]()
    with ExitStack() as stack:
        makers = open_makers(list(plan.ways), bench.config, bench.scratch, stack, context)
        run = _Run(plan, makers, samples, context)
        run.warm_up(next(_orders(bench, plan.fields)))
        cohort = _cohort(samples[0], plan, bench)
        if plan.recorded:
            require_one_cohort(plan.recorded.cohort, cohort, plan.recorded.place)
        judged: dict[str, Judgement] = {}
        done = 0
        for look, pairs in enumerate(plan.limits.pairs_at_looks, start=1):
            run.measure(enumerate(islice(orders, pairs - done), start=done), pairs)
            done = pairs
            judged = _judgements(plan, samples, look)
            if all(one.answer != "more runs" for one in judged.values()):
                break
    return {
        "cohort": cohort,
        "limits": plan.limits.model_dump(mode="json"),
        "ways": {way.name: _summary(way, samples) for way in plan.ways},
        "comparisons": {name: asdict(one) for name, one in judged.items()},
        "samples": samples,
    }


class _Run:
    """The clips of one run, in the order in which they are made."""

    def __init__(self, plan: Plan, makers: Mapping[str, Maker], samples: list[Sample], context: RunContext) -> None:
        self._plan, self._makers, self._samples, self._context = plan, makers, samples, context

    def warm_up(self, order: ClipOrder) -> None:
        """One clip of each way from a cold start; its latency counts nowhere, and its loading is the way's."""
        for way in self._plan.ways:
            self._make(way, order, number=None, cold=True)

    def measure(self, orders: Iterator[tuple[int, ClipOrder]], total: int) -> None:
        """Every order in all ways, one after the other; who begins changes from order to order."""
        for number, order in orders:
            turn = number % len(self._plan.ways)
            for way in (*self._plan.ways[turn:], *self._plan.ways[:turn]):
                self._context.raise_if_stopped()
                self._context.progress(
                    "generation", number, total, "clips", f"{way.name}, {number + 1} of at most {total}"
                )
                self._make(way, order, number, cold=False)

    def _make(self, way: Way, order: ClipOrder, number: int | None, cold: bool) -> None:
        yardstick = measure_yardstick()
        told = self._makers[way.name].make(way.order(order), cold)
        self._samples.append({"way": way.name, "order": number, "yardstick": round(yardstick, 6), **told})


def measure_yardstick() -> float:
    """Seconds of a fixed piece of arithmetic that is none of ours: how fast the machine is at this moment."""
    import numpy as np

    matrix = np.full((384, 384), 0.5, np.float32)
    began = time.perf_counter()
    for _ in range(12):
        matrix = np.tanh(matrix @ matrix / 384)
    return time.perf_counter() - began


def _orders(bench: Bench, fields: Mapping[str, Any]) -> Iterator[ClipOrder]:
    for seed, prompt, picture in varied(bench):
        yield ClipOrder(picture=picture, prompt=prompt, seed=seed, **fields)


def _cohort(sample: Sample, plan: Plan, bench: Bench) -> dict[str, Any]:
    """What another run must share: the machine, the libraries, the model, the shape of clips, what is ordered."""
    machine = record_machine(with_torch=True)
    versions = {name: value for name, value in machine.versions.items() if name != "reelops"}
    return cohort_of(
        processor=machine.processor,
        cores=machine.cores,
        gpus=list(machine.gpus),
        threads=dict(machine.threads),
        versions=versions,
        model=sample["model"],
        orders={
            "fields": {name: str(value) for name, value in plan.fields.items()},
            "prompts": list(PROMPTS),
            "pictures": [picture.name for picture in bench.files("pictures")],
        },
    )


def _judgements(plan: Plan, samples: Sequence[Sample], looks: int) -> dict[str, Judgement]:
    if plan.recorded:
        way = plan.ways[-1].name
        return {way: judge_recorded(plan.recorded.samples, measured(samples, way), plan.limits, looks)}
    baseline = measured(samples, plan.ways[0].name)
    return {
        way.name: judge(pairs_of(baseline, measured(samples, way.name)), plan.limits, looks) for way in plan.ways[1:]
    }


def measured(samples: Sequence[Mapping[str, Any]], way: str) -> list[Mapping[str, Any]]:
    """A way's samples without its warm-up, in the order of their orders."""
    own = [one for one in samples if one["way"] == way and one["order"] is not None]
    return sorted(own, key=lambda one: int(one["order"]))


def pairs_of(baseline: Sequence[Mapping[str, Any]], candidate: Sequence[Mapping[str, Any]]) -> Evidence:
    """Clips of the same order beside each other."""
    both = list(zip(baseline, candidate, strict=True))
    return Evidence(
        [(old["latency"], new["latency"]) for old, new in both], [(old["scores"], new["scores"]) for old, new in both]
    )


def _summary(way: Way, samples: Sequence[Sample]) -> dict[str, Any]:
    """A way's medians and means over its clips, with what loading took."""
    own = measured(samples, way.name)
    cold = next(one for one in samples if one["way"] == way.name and one["order"] is None)
    stages = {stage: _median(one["seconds"].get(stage) for one in own) for stage in own[0]["seconds"]}
    latencies = [one["latency"] for one in own]
    kinds = sorted({kind for one in own for kind in one["peak_gb"]})
    verdicts = [one["verdict"] for one in own]
    return {
        "fields": {name: str(value) for name, value in way.fields.items()},
        "checkout": str(way.checkout) if way.checkout else None,
        "clips": len(own),
        "load_seconds": round(cold["seconds"].get("load", 0.0), 3),
        "stages": {stage: value for stage, value in stages.items() if value is not None and stage not in NOT_WORK},
        "step_seconds": _median(step for one in own for step in one["steps"]),
        "steps": len(own[0]["steps"]),
        "latency": round(statistics.median(latencies), 4),
        "mean_latency": round(statistics.fmean(latencies), 4),
        "slowest_of_ten": round(sorted(latencies)[max(0, -(-9 * len(latencies) // 10) - 1)], 4),
        "clips_an_hour": round(3600 / statistics.fmean(latencies)),
        "peak_gb": {kind: round(max(one["peak_gb"].get(kind, 0.0) for one in own), 3) for kind in kinds},
        "scores": _means(own),
        "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
    }


def _median(values: Any) -> float | None:
    there = [value for value in values if value is not None]
    return round(statistics.median(there), 4) if there else None


def _means(samples: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    names = list(dict.fromkeys(name for one in samples for name in one["scores"]))
    by_name = {name: [one["scores"].get(name) for one in samples] for name in names}
    there = {name: [value for value in values if value is not None] for name, values in by_name.items()}
    return {name: round(statistics.fmean(values), 5) for name, values in there.items() if values}
