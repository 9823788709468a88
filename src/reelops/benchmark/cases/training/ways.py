"""Ways to train: by our loop from the cache, from encoders at hand, and by the steps of diffusers' own example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from reelops.benchmark.cases.training.encoding_source import EncodingSource, clips_by_key
from reelops.benchmark.own_process import call_in_own_process
from reelops.params import Config, load_config
from reelops.progress import Event, Progress, RunContext
from reelops.system.peak_memory import PeakMemory
from reelops.training.params import LatentParams, TrainParams

if TYPE_CHECKING:
    from reelops.training.plan import TrainingPlan

CACHED, ENCODED = "cached", "encoded as it goes"
OURS, AS_SET = "ours", "ours, as params.yaml says"
PUBLISHED, PUBLISHED_BF16 = "diffusers' example", "diffusers' example, bfloat16"


@dataclass(frozen=True)
class WayRun:
    """One way, once: seconds of each step, the part of them spent waiting for samples, peak memory in bytes."""

    way: str
    step_seconds: tuple[float, ...]
    waited_seconds: float
    peak_bytes: Mapping[str, int]


def params_of(way: str, params: TrainParams) -> TrainParams:
    """Beside the example one clip a step, all of its latent frames: its recipe."""
    if way not in (OURS, PUBLISHED, PUBLISHED_BF16):
        return params
    return params.model_copy(update={"frames_per_step": None, "batch": 1, "micro_batch": 1})


def run_way(way: str, params: TrainParams, latents: LatentParams, config: Config, steps: int) -> WayRun:
    """So many steps in a process of its own.

    Raises:
        MachineError: the process died.
    """
    given = params_of(way, params).model_dump_json(), latents.model_dump_json()
    return call_in_own_process(_run_here, f"trained {way}", way, *given, config.params_file, steps)


def _run_here(way: str, params_json: str, latents_json: str, params_file: Path, steps: int) -> WayRun:
    from reelops.training.launch import Launch
    from reelops.training.plan import plan_training

    config = load_config(params_file=params_file)
    latents = LatentParams.model_validate_json(latents_json)
    given = TrainParams.model_validate_json(params_json)
    quiet = given.held_out.model_copy(update={"every": 0, "patience": 0})
    changes = {"steps": steps, "held_out": quiet, "publish": "last", "checkpoint_every": steps}
    params = given.model_copy(update=changes)
    with PeakMemory() as peak:
        plan = plan_training(params, latents, config, launch=Launch())
        if way in (PUBLISHED, PUBLISHED_BF16):
            dtype = "bfloat16" if way == PUBLISHED_BF16 else "float32"
            seconds, waited = _published(params, latents, config, plan, dtype, steps)
        else:
            seconds, waited = _ours(way, latents, config, plan)
    return WayRun(way, tuple(seconds), waited, peak.bytes_used)


def _ours(
    way: str,
    latents: LatentParams,
    config: Config,
    plan: TrainingPlan,
) -> tuple[list[float], float]:
    from reelops.training.checkpoint import CheckpointFolder
    from reelops.training.components import load_components
    from reelops.training.launch import accelerator_for
    from reelops.training.loop import Loop
    from reelops.training.samples import TrainingSamples

    seconds: list[float] = []

    def on_event(event: Event) -> None:
        if isinstance(event, Progress) and "seconds_per_step" in event.figures:
            seconds.append(event.figures["seconds_per_step"])

    components = load_components(plan)
    if way == ENCODED:
        # A trainer without a cache encodes the one picture that it shows.
        index = replace(plan.index, encoding=replace(plan.index.encoding, noised_pictures=0))
        encoding = EncodingSource(plan.cache.folder, index, latents, config)
        source = replace(components.samples.source, cache=encoding, index=index)
        samples = TrainingSamples(source, index.of_split("train"), plan.params, len(components.noise_levels_T))
        components = replace(components, samples=samples)
    with TemporaryDirectory() as folder:
        accelerator = accelerator_for(plan.dtype, plan.machine.device)
        loop = Loop(components, accelerator, CheckpointFolder(Path(folder), 1))
        outcome = loop.run(RunContext(on_event))
    return seconds, outcome.waited_seconds


def _published(
    params: TrainParams, latents: LatentParams, config: Config, plan: TrainingPlan, dtype: str, steps: int
) -> tuple[list[float], float]:
    from reelops.benchmark.cases.training.published_steps import steps_as_published
    from reelops.training.encode import read_sample

    index = plan.index
    clips = clips_by_key(index, latents, config)
    # Only what these steps see is encoded beforehand; the example encodes all clips of its folder.
    seen = [
        (read_sample(clips[one.key], index.encoding)[0], one.captions[0]) for one in index.of_split("train")[:steps]
    ]
    length = index.encoding.prompt_length
    taken = list(steps_as_published(plan.weights.folder, seen, params, dtype, length, steps))
    return [seconds for seconds, _ in taken], sum(waited for _, waited in taken)
