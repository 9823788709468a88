"""Clips by the 5B's architecture: the baseline beside recipes, at equal steps and at their own; memory as planned.

Frames are noise; seconds and bytes are those of trained weights.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.generation.maker import NOT_WORK, StageClock
from reelops.benchmark.cases.generation.ways import BASELINE
from reelops.benchmark.cases.gpu.shape import FAST, RECIPES, GpuShape
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least, at_most
from reelops.clip import ClipOrder
from reelops.cogvideox.load import WARM_MODEL
from reelops.cogvideox.memory import GB
from reelops.errors import ReelOpsError
from reelops.params import Config
from reelops.progress import RunContext


@dataclass(frozen=True)
class Ground:
    """An order's fixed part, and what makes it."""

    shape: GpuShape
    config: Config
    picture: Path

    @classmethod
    def of(cls, shape: GpuShape, bench: Bench) -> Ground:
        from PIL import Image

        shape.check()
        picture = bench.scratch / "picture.png"
        Image.fromarray(shape.picture(bench.config)).save(picture)
        return cls(shape, shape.config(bench.config), picture)

    def ways(self) -> list[str]:
        """The baseline, and every recipe of params.yaml that is measured here."""
        return [BASELINE, *(name for name in RECIPES if name in self.config.names("recipes"))]

    def make(self, way: str, steps: int | None, context: RunContext) -> dict[str, Any]:
        """A clip in one way: seconds of its stages, memory, and what was planned; or why it cannot be made."""
        from reelops.generators.catalogue import Generators

        fields: dict[str, Any] = {} if way == BASELINE else {"recipe": way}
        order = ClipOrder(picture=self.picture, prompt="zoom in", profile=self.shape.profile, steps=steps, **fields)
        clock = StageClock()
        try:
            made = Generators(self.config).of(order).generate(order, clock.context(context))
            made.read_frames()
        except ReelOpsError as error:
            return {"way": way, "refused": str(error)}
        except Exception as error:  # of a kernel or a compiler: the minutes on a GPU are the other ways', too
            context.log(f"Note: {way} broke: {error}", "warning")
            return {"way": way, "refused": f"{type(error).__name__}: {error}", "broke": True}
        planned = WARM_MODEL.loaded
        return {
            "way": way,
            "seconds": {name: round(value, 4) for name, value in made.seconds.items()},
            "encoding": [round(value, 4) for value in clock.pieces("encode")],
            "steps": [round(value, 5) for value in clock.pieces("denoise")],
            "peak_gb": {name: round(size / GB, 3) for name, size in made.peak_memory_bytes.items()},
            "planned_gb": round(planned.plan.peak_bytes / GB, 3) if planned else None,
            "held": planned.plan.described if planned else None,
        }

    def whole_clips(self, way: str, steps: Sequence[int | None], context: RunContext) -> list[dict[str, Any]]:
        """A clip for each number of steps, after one of few steps that loads and warms up; None is the way's own
        number."""
        WARM_MODEL.unload()
        warm_up = self.make(way, self.shape.probe, context)
        if "refused" in warm_up:
            return [warm_up]
        clips = []
        for number in steps:
            made = self.make(way, number, context)
            told = made if "refused" in made else {**made, "latency": _latency(made), "steps": len(made["steps"])}
            clips.append({**told, "asked": number or "its own"})
        return clips


def measure_stages(shape: GpuShape, bench: Bench, context: RunContext) -> Figures:
    """Two clips of few steps in every way, in turn: the first loads and warms up, the second counts."""
    ground = Ground.of(shape, bench)
    found: dict[str, dict[str, Any]] = {}
    for number, way in enumerate(ways := ground.ways()):
        context.raise_if_stopped()
        context.progress("stages", number, len(ways), "ways", way)
        WARM_MODEL.unload()
        cold = ground.make(way, shape.probe, context)
        found[way] = cold if "refused" in cold else _stages(shape, cold, ground.make(way, shape.probe, context))
    WARM_MODEL.unload()
    return {"steps": shape.steps, "probe": shape.probe, "ways": found}


def _stages(shape: GpuShape, cold: Mapping[str, Any], warm: Mapping[str, Any]) -> dict[str, Any]:
    """A way's figures, with the seconds of a whole clip as they follow from a step's."""
    text, picture = warm["encoding"] if len(warm["encoding"]) == 2 else (warm["seconds"].get("encode", 0.0), 0.0)
    step = statistics.fmean(warm["steps"])  # recipes make some steps cheaper than others
    decode = warm["seconds"].get("decode", 0.0)
    return {
        "load": cold["seconds"].get("load"),
        "text": text,
        "picture": picture,
        "step": step,
        "decode": decode,
        "projected": round(text + picture + shape.steps * step + decode, 3),
        "held": warm["held"],
        "peak_gb": warm["peak_gb"],
        "planned_gb": warm["planned_gb"],
    }


def measure_clips(shape: GpuShape, bench: Bench, context: RunContext) -> Figures:
    """Whole clips: the baseline's, and by the first recipe that works here at as many steps and at its own."""
    ground = Ground.of(shape, bench)
    found: list[dict[str, Any]] = []
    context.progress("clips", 0, 3, "clips", BASELINE)
    found += ground.whole_clips(BASELINE, (shape.steps,), context)
    for way in (way for way in ground.ways() if way in FAST):
        context.raise_if_stopped()
        context.progress("clips", 1, 3, "clips", way)
        found += (made := ground.whole_clips(way, (shape.steps, None), context))
        if "refused" not in made[0]:
            break
    WARM_MODEL.unload()
    return {"clips": found}


def _latency(made: Mapping[str, Any]) -> float:
    seconds: Mapping[str, float] = made["seconds"]
    return round(sum(value for name, value in seconds.items() if name not in NOT_WORK), 3)


def stage_tables(found: Figures) -> Iterator[Table]:
    """Seconds and memory of each way."""
    good = {way: one for way, one in found["ways"].items() if "refused" not in one}
    kinds = list(dict.fromkeys(kind for one in good.values() for kind in one["peak_gb"]))
    columns = {"Way": "way", "Held": "held", "Load": "load", "Text": "text", "Picture": "picture", "A step": "step"}
    columns |= {"Decode": "decode", f"{found['steps']} steps, projected": "projected", "Planned GB": "planned_gb"}
    columns |= {f"{kind.replace('_', ' ')}, GB": kind for kind in kinds}
    yield Table.of("Seconds and memory", ({"way": way, **one, **one["peak_gb"]} for way, one in good.items()), columns)
    yield from _refusals({"way": way, **one} for way, one in found["ways"].items() if "refused" in one)


def clip_tables(found: Figures) -> Iterator[Table]:
    """Whole clips."""
    columns = {"Way": "way", "Steps asked for": "asked", "Steps": "steps", "Seconds": "latency"}
    yield Table.of("Whole clips", (one for one in found["clips"] if "refused" not in one), columns)
    yield from _refusals(one for one in found["clips"] if "refused" in one)


def _refusals(refused: Iterator[Mapping[str, Any]]) -> Iterator[Table]:
    if rows := list(refused):
        yield Table.of("Cannot be made here", rows, {"Way": "way", "Why": "refused"})


def stage_targets(found: Figures) -> Iterator[Target]:
    """Memory of the frugal way, what it costs in time, how well memory was planned, and that nothing broke."""
    yield at_most("ways that broke", sum("broke" in one for one in found["ways"].values()), 0)
    ways = {way: one for way, one in found["ways"].items() if "refused" not in one}
    baseline, frugal = ways.get(BASELINE), ways.get("low-memory")
    peak = frugal["peak_gb"].get("cuda_reserved") if frugal else None
    slower = frugal["projected"] / baseline["projected"] if frugal and baseline else None
    yield at_most("GB of GPU memory, low-memory", peak, 12)
    yield at_most("times the baseline's seconds, low-memory", slower, 1.3)
    if baseline and baseline["planned_gb"] and "cuda_reserved" in baseline["peak_gb"]:
        share = baseline["peak_gb"]["cuda_reserved"] / baseline["planned_gb"]
        yield at_most("measured memory by planned, baseline", share, 1.25)


def clip_targets(found: Figures) -> Iterator[Target]:
    """Twice as fast at equal steps, and 36 s at its own."""
    made = [one for one in found["clips"] if "refused" not in one]
    baseline = next((one["latency"] for one in made if one["way"] == BASELINE), None)
    equal = [one["latency"] for one in made if one["way"] != BASELINE and one["asked"] != "its own"]
    own = [one["latency"] for one in made if one["way"] != BASELINE and one["asked"] == "its own"]
    yield at_least(
        "times as fast as the baseline at equal steps", baseline / min(equal) if baseline and equal else None, 2
    )
    yield at_most("seconds a clip, optimized", min(own) if own else None, 36, aim=20)
