"""Makes clips and says what each took: in this process, or as a program that another checkout's code is imported into.

    PYTHONPATH=CHECKOUT/src python maker.py PARAMS_FILE FOLDER

reads orders from standard input, a JSON object a line, and answers each with a line of JSON. It imports nothing of the
benchmark, so that an earlier ReelOps can be measured by it: all that it takes is the production line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from reelops.clip import ClipOrder, order_of
from reelops.params import load_config
from reelops.production.producer import Producer, build_producer
from reelops.progress import Event, Progress, RunContext

NOT_WORK = ("device", "load", "start", "log")
"""Stages that are waiting, or done once for many clips: they count in no latency."""
_PARTS_OF_ENCODING = ("text", "picture")


class StageClock:
    """Takes the time whenever the sampler says how far it is: by CUDA's own events where there is a GPU, whose work
    goes on after the call that asked for it has returned."""

    def __init__(self) -> None:
        self._marks: dict[str, list[Any]] = {}

    def context(self, outer: RunContext) -> RunContext:
        def on_event(event: Event) -> None:
            if isinstance(event, Progress) and event.stage in ("encode", "denoise", "decode"):
                self._marks.setdefault(event.stage, []).append(_now())
            outer.on_event(event)

        return RunContext(on_event, outer.should_stop)

    def pieces(self, stage: str) -> list[float]:
        """Seconds of each step of a stage; none where it told nothing."""
        marks = self._marks.get(stage, [])
        return [_between(one, other) for one, other in pairwise(marks)]


def _now() -> Any:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _between(one: Any, other: Any) -> float:
    if isinstance(one, float):
        return float(other - one)
    other.synchronize()
    return float(one.elapsed_time(other)) / 1000


def make_clip(producer: Producer, order: ClipOrder, folder: Path, context: RunContext) -> dict[str, Any]:
    """Makes a clip by the whole production line, and says what it took, as plain JSON values.

    `seconds` by stage, in which `text` and `picture` stand for the encoding of both; `latency` of all that is work on
    this clip; `steps`, seconds of each denoising step; `peak_gb`; `scores`; `verdict`; and of `model`, what made it.
    """
    clip, clock = folder / f"{time.time_ns()}.mp4", StageClock()
    take = producer.produce(order, clip, clock.context(context), track=False)
    seconds = dict(take.seconds)
    latency = sum(value for stage, value in seconds.items() if stage not in NOT_WORK)
    pieces = clock.pieces("encode")
    if len(pieces) == len(_PARTS_OF_ENCODING) and "encode" in seconds:
        del seconds["encode"]
        seconds |= dict(zip(_PARTS_OF_ENCODING, pieces, strict=True))
    for made in folder.glob(f"{clip.stem}*"):
        made.unlink()
    return {
        "seconds": {stage: round(value, 6) for stage, value in seconds.items()},
        "latency": round(latency, 6),
        "steps": [round(value, 6) for value in clock.pieces("denoise")],
        "peak_gb": {name: size / 1e9 for name, size in take.peak_memory_bytes.items()},
        "scores": dict(take.scores),
        "verdict": take.verdict.decision.value,
        "model": {
            "base": take.facts["base"],
            "base_revision": take.facts["base_revision"],
            "frames": take.clip.format.num_frames,
            "width": take.clip.format.width,
            "height": take.clip.format.height,
        },
    }


def forget_model() -> None:
    """The next clip loads its model anew, so that loading can be timed."""
    from reelops.cogvideox.load import WARM_MODEL

    WARM_MODEL.unload()


def main(params_file: str, folder: str) -> None:
    producer = build_producer(load_config(params_file=Path(params_file)))
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
    for line in sys.stdin:
        wanted: Mapping[str, Any] = json.loads(line)
        if wanted["cold"]:
            forget_model()
        told = make_clip(producer, order_of(**wanted["order"]), Path(folder), RunContext())
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
