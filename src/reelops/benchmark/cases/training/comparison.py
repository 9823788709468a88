"""Ways to train beside each other: samples per second, time spent waiting for samples, peak memory."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.cases.training.ways import (
    AS_SET,
    CACHED,
    ENCODED,
    OURS,
    PUBLISHED,
    PUBLISHED_BF16,
    WayRun,
    params_of,
    run_way,
)
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.progress import RunContext
from reelops.training.cache import FOLDER, Index, LatentCache
from reelops.training.params import LatentParams, TrainParams

STEPS, ROUNDS = 6, 2
_WARM_UP = 1
_SIDES = {"ours": "Ours is", "as_set": "As params.yaml says ours is"}


def measure_ways(ways: Sequence[str], steps: int, rounds: int, bench: Bench, context: RunContext) -> Figures:
    """Every way once a round, on the project's latents.

    Args:
        ways: the first is ours, which others are compared with.

    Raises:
        DatasetError: there are no latents.
        MachineError: a process died.
    """
    params, latents = bench.config.block("train", TrainParams), bench.config.block("latents", LatentParams)
    index = LatentCache(bench.config.root / FOLDER).read_index()
    runs: list[WayRun] = []
    for turn in range(rounds):
        for way in ways:
            context.raise_if_stopped()
            context.progress("train", len(runs), rounds * len(ways), "runs", f"{way}, {turn + 1} of {rounds}")
            runs.append(run_way(way, params, latents, bench.config, steps))
    figures = {way: _figures([run for run in runs if run.way == way], params_of(way, params).batch) for way in ways}
    return {
        "what": _sample_in_words(params, index, AS_SET in ways),
        "ways": compare_ways(figures),
        "runs": [asdict(run) for run in runs],
    }


def _sample_in_words(params: TrainParams, index: Index, beside_example: bool) -> str:
    shape = index.encoding.format
    shown = f"{params.frames_per_step} latent frames of a clip" if params.frames_per_step else "a whole clip"
    sample = f"{params.batch} to a step, is {shown}"
    if beside_example:
        sample = f"one to a step, is a whole clip; as params.yaml says, {sample}"
    clip = f"{shape.num_frames} frames of {shape.width}x{shape.height}"
    return f"{params.profile}, {clip}, rank {params.rank}. A sample, {sample}"


def _figures(runs: Sequence[WayRun], batch: int) -> dict[str, float]:
    """Medians over all steps but the first of each process."""
    steps = [seconds for run in runs for seconds in run.step_seconds[_WARM_UP:]]
    total = sum(sum(run.step_seconds) for run in runs)
    median = statistics.median(steps)
    peak = max(run.peak_bytes.get("cuda_allocated", run.peak_bytes["rss"]) for run in runs)
    return {
        "steps_per_second": round(1 / median, 4),
        "samples_per_second": round(batch / median, 4),
        "waiting_share": round(sum(run.waited_seconds for run in runs) / total, 4),
        "peak_gb": round(peak / 1e9, 3),
    }


def compare_ways(figures: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """The same, and of every way that is not ours how ours is beside it."""
    ours = figures[next(iter(figures))]
    compared = {way: dict(one) for way, one in figures.items()}
    for way in (ENCODED, PUBLISHED, PUBLISHED_BF16):
        if theirs := compared.get(way):
            theirs |= _beside(ours, theirs, "ours")
            if AS_SET in figures:
                theirs |= _beside(figures[AS_SET], theirs, "as_set")
    return compared


def _beside(one: Mapping[str, float], other: Mapping[str, float], name: str) -> dict[str, float]:
    return {
        f"{name}_times_as_fast": round(one["samples_per_second"] / other["samples_per_second"], 3),
        f"{name}_share_of_memory": round(one["peak_gb"] / other["peak_gb"], 3),
    }


def _tables(title: str, found: Figures) -> Iterator[Table]:
    ways = found["ways"]
    sides = [side for side in _SIDES if any(f"{side}_times_as_fast" in one for one in ways.values())]
    columns = ("Way", "Samples per second", "Waiting", "Peak memory", *(_SIDES[side] for side in sides))
    rows = tuple(_row(way, one, sides) for way, one in ways.items())
    yield Table(title, columns, rows, note=f"{found['what']}.")


def _row(way: str, one: Mapping[str, Any], sides: Sequence[str]) -> tuple[str, ...]:
    cells = [way, f"{one['samples_per_second']:.3g}", f"{one['waiting_share']:.1%}", f"{one['peak_gb']:.2f} GB"]
    for side in sides:
        words = ""
        if f"{side}_times_as_fast" in one:
            times, share = one[f"{side}_times_as_fast"], one[f"{side}_share_of_memory"]
            words = f"{times:.3g} times as fast in {share:.0%} of the memory"
        cells.append(words)
    return tuple(cells)


def training_parts(steps: int = STEPS, rounds: int = ROUNDS) -> tuple[Part, Part]:
    """The parts `cache` and `published`."""
    options = ("--steps", str(steps), "--rounds", str(rounds)) if (steps, rounds) != (STEPS, ROUNDS) else ()
    return (
        Part(
            "cache",
            "the steps that params.yaml describes, fed from the latent cache and fed by encoders at hand",
            rounds * (30 + 4 * steps),
            partial(measure_ways, (CACHED, ENCODED), steps, rounds),
            partial(_tables, "With the latent cache and without it"),
            options=options,
        ),
        Part(
            "published",
            "whole clips, one per step, by our loop and by the steps of diffusers' own example; and our loop once "
            "more, as params.yaml describes it",
            rounds * (100 + 42 * steps),
            partial(measure_ways, (OURS, AS_SET, PUBLISHED, PUBLISHED_BF16), steps, rounds),
            partial(_tables, "Whole clips, beside the steps of diffusers' example"),
            options=options,
        ),
    )
