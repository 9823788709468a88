"""What training costs here, measured beside what it replaces.

- `cache`: the steps that params.yaml describes, fed from the latent cache and fed by encoders at hand.
- `published`: whole clips, one a step, by our loop and by the steps of diffusers' own example; and our loop once more,
  as params.yaml describes it.

Each way runs in a process of its own, so that its peak memory is its own; ways take turns, so that other work on the
machine falls on all of them.
"""

from __future__ import annotations

import multiprocessing
import signal
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from reelops.errors import MachineError, SettingsError
from reelops.params import Config, load_config
from reelops.system.hardware import inspect_machine
from reelops.system.peak_memory import PeakMemory
from reelops.training.cache import FOLDER, Index, LatentCache
from reelops.training.params import LatentParams, TrainParams

if TYPE_CHECKING:
    from torch import Tensor

    from reelops.training.encode import Encoders
    from reelops.training.preflight import Preflight

CACHED, ENCODED = "cached", "encoded as it goes"
OURS, AS_SET = "ours", "ours, as params.yaml says"
PUBLISHED, PUBLISHED_BF16 = "diffusers' example", "diffusers' example, bfloat16"
PARTS = {"cache": (CACHED, ENCODED), "published": (OURS, AS_SET, PUBLISHED, PUBLISHED_BF16)}
_WARM_UP = 1


@dataclass(frozen=True)
class Measured:
    """One way, once: seconds of each step, the part of them spent waiting for samples, peak memory in bytes."""

    way: str
    step_seconds: tuple[float, ...]
    waited_seconds: float
    peak_bytes: Mapping[str, int]


class EncodingSource(LatentCache):
    """In a cache's place: encodes whatever is asked for, as a trainer without one has to at every step."""

    def __init__(self, folder: Path, index: Index, latents: LatentParams, config: Config) -> None:
        from reelops.cogvideox.profiles import find_profile
        from reelops.cogvideox.weights import locate_weights
        from reelops.training.encode import load_encoders

        super().__init__(folder)
        self._index = index
        self._clips = _clips_by_key(index, latents, config)
        self._captions = {
            key: text for entry in index.clips for key, text in zip(entry.texts, entry.captions, strict=True)
        }
        self._captions[index.empty_text] = ""
        weights = locate_weights(find_profile(latents.profile, config), config.cache)
        self._encoders: Encoders = load_encoders(weights.folder, latents.dtype)

    def read(self, kind: str, key: str) -> dict[str, Tensor]:
        from reelops.cogvideox.latents import encode_clip, encode_texts
        from reelops.training.encode import read_sample

        encoding, encoders = self._index.encoding, self._encoders
        if kind == "texts":
            length = encoding.prompt_length
            vectors, _ = encode_texts(encoders.tokenizer, encoders.text_encoder, [self._captions[key]], length)
            return {"vectors": vectors[0]}
        frames_THWC, picture_HWC = read_sample(self._clips[key], encoding)
        return dict(vars(encode_clip(encoders.vae, frames_THWC, picture_HWC, encoding.noised_pictures, seed=0)))


def _clips_by_key(index: Index, latents: LatentParams, config: Config) -> dict[str, Any]:
    from reelops.training.clips import read_training_clips

    known = {clip.clip_id: clip for clip in read_training_clips(config.root / latents.table, config.root)}
    return {entry.key: known[entry.clip_id] for entry in index.clips}


def benchmark_training(
    params: TrainParams,
    latents: LatentParams,
    config: Config,
    parts: Iterable[str] = tuple(PARTS),
    steps: int = 6,
    rounds: int = 2,
    on_step: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Steps a second, peak memory and waiting share of every way, on the project's latents.

    Raises:
        SettingsError: there is no such part.
        DatasetError: there are no latents.
        MachineError: a process died.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise SettingsError(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    index = LatentCache(config.root / FOLDER).read_index()
    machine = inspect_machine()
    report: dict[str, Any] = {
        "machine": f"{machine.cpu}, {machine.cores} cores, {', '.join(gpu.name for gpu in machine.gpus) or 'no GPU'}",
        "threads": _threads(),
        "parts": {},
    }
    for part in parts:
        report["parts"][part] = _measure_part(part, params, latents, config, index, steps, rounds, on_step)
    return report


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _params_of(way: str, params: TrainParams) -> TrainParams:
    """Beside the example one clip a step, all of its latent frames: its recipe."""
    if way not in (OURS, PUBLISHED, PUBLISHED_BF16):
        return params
    return params.model_copy(update={"frames_per_step": None, "batch": 1, "micro_batch": 1})


def _measure_part(
    part: str,
    params: TrainParams,
    latents: LatentParams,
    config: Config,
    index: Index,
    steps: int,
    rounds: int,
    on_step: Callable[[str], None],
) -> dict[str, Any]:
    measured = []
    for turn in range(rounds):
        for way in PARTS[part]:
            on_step(f"{way}, {turn + 1} of {rounds}")
            measured.append(_in_a_process(way, _params_of(way, params), latents, config, steps))
    figures = {
        way: _figures([one for one in measured if one.way == way], _params_of(way, params).batch) for way in PARTS[part]
    }
    for way in (ENCODED, PUBLISHED, PUBLISHED_BF16):
        if theirs := figures.get(way):
            theirs |= _beside(figures[PARTS[part][0]], theirs, "ours")
            if AS_SET in figures:
                theirs |= _beside(figures[AS_SET], theirs, "as_set")
    shape = index.encoding.format
    shown = f"{params.frames_per_step} latent frames of a clip" if params.frames_per_step else "a whole clip"
    sample = f"{params.batch} to a step, is {shown}"
    if AS_SET in figures:
        sample = f"one to a step, is a whole clip; as params.yaml says, {sample}"
    return {
        "what": f"{params.profile}, {shape.num_frames} frames of {shape.width}x{shape.height}, rank {params.rank}. "
        f"A sample, {sample}",
        "ways": figures,
        "runs": [asdict(one) for one in measured],
    }


def _beside(one: Mapping[str, float], other: Mapping[str, float], name: str) -> dict[str, float]:
    return {
        f"{name}_times_as_fast": round(one["samples_per_second"] / other["samples_per_second"], 3),
        f"{name}_share_of_memory": round(one["peak_gb"] / other["peak_gb"], 3),
    }


def _figures(measured: Sequence[Measured], batch: int) -> dict[str, float]:
    """Medians over all steps but the first of each process."""
    steps = [seconds for one in measured for seconds in one.step_seconds[_WARM_UP:]]
    total = sum(sum(one.step_seconds) for one in measured)
    median = statistics.median(steps)
    peak = max(one.peak_bytes.get("cuda_allocated", one.peak_bytes["rss"]) for one in measured)
    return {
        "steps_per_second": round(1 / median, 4),
        "samples_per_second": round(batch / median, 4),
        "waiting_share": round(sum(one.waited_seconds for one in measured) / total, 4),
        "peak_gb": round(peak / 1e9, 3),
    }


def _in_a_process(way: str, params: TrainParams, latents: LatentParams, config: Config, steps: int) -> Measured:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    arguments = (way, params.model_dump_json(), latents.model_dump_json(), str(config.params_file), steps, theirs)
    process = context.Process(target=_measure, args=arguments)
    process.start()
    theirs.close()
    try:
        measured: Measured = ours.recv()
    except EOFError as error:
        process.join()
        raise MachineError(
            f"The process that trained {way} ended with code {process.exitcode}. Its message stands above."
        ) from error
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join()
    return measured


def _measure(way: str, params_json: str, latents_json: str, params_file: str, steps: int, answer: Any) -> None:
    from reelops.training.launch import Launch
    from reelops.training.preflight import check_run

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches whoever started this, who ends it
    config = load_config(params_file=params_file)
    latents = LatentParams.model_validate_json(latents_json)
    given = TrainParams.model_validate_json(params_json)
    quiet = given.held_out.model_copy(update={"every": 0, "patience": 0})
    changes = {"steps": steps, "held_out": quiet, "publish": "last", "checkpoint_every": steps}
    params = given.model_copy(update=changes)
    cache = LatentCache(config.root / FOLDER)
    with PeakMemory() as peak:
        flight = check_run(params, latents, cache, config, inspect_machine(), Launch())
        if way in (PUBLISHED, PUBLISHED_BF16):
            dtype = "bfloat16" if way == PUBLISHED_BF16 else "float32"
            seconds, waited = _published(params, latents, config, flight, dtype, steps)
        else:
            seconds, waited = _ours(way, params, latents, config, flight, cache)
    answer.send(Measured(way, tuple(seconds), waited, peak.bytes_used))


def _ours(
    way: str,
    params: TrainParams,
    latents: LatentParams,
    config: Config,
    flight: Preflight,
    cache: LatentCache,
) -> tuple[list[float], float]:
    from reelops.training.checkpoint import CheckpointFolder
    from reelops.training.launch import accelerator_for
    from reelops.training.loop import Loop
    from reelops.training.samples import TrainingSamples
    from reelops.training.stage import ingredients

    seconds: list[float] = []
    parts = ingredients(params, flight, cache)
    if way == ENCODED:
        # A trainer without a cache encodes the one picture that it shows.
        index = replace(flight.index, encoding=replace(flight.index.encoding, noised_pictures=0))
        encoding = EncodingSource(cache.folder, index, latents, config)
        source = replace(parts.samples.source, cache=encoding, index=index)
        samples = TrainingSamples(source, index.of_split("train"), params, len(parts.noise_levels_T))
        parts = replace(parts, samples=samples)
    with TemporaryDirectory() as folder:
        accelerator = accelerator_for(flight.dtype, inspect_machine().device)
        loop = Loop(parts, accelerator, CheckpointFolder(Path(folder), 1))
        loop.on_row = lambda row, _step: seconds.append(row["seconds_per_step"])
        outcome = loop.run()
    return seconds, outcome.waited_seconds


def _published(
    params: TrainParams, latents: LatentParams, config: Config, flight: Preflight, dtype: str, steps: int
) -> tuple[list[float], float]:
    from reelops.benchmark.cases.training_published import steps_as_published
    from reelops.training.encode import read_sample

    index = flight.index
    clips = _clips_by_key(index, latents, config)
    # Only what these steps see is encoded beforehand; the example encodes all clips of its folder.
    seen = [
        (read_sample(clips[one.key], index.encoding)[0], one.captions[0]) for one in index.of_split("train")[:steps]
    ]
    length = index.encoding.prompt_length
    taken = list(steps_as_published(flight.weights.folder, seen, params, dtype, length, steps))
    return [seconds for seconds, _ in taken], sum(waited for _, waited in taken)


def markdown(report: Mapping[str, Any]) -> str:
    """The figures for people."""
    lines = ["# What training costs", "", f"Measured on {report['machine']}, {report['threads']} threads.", ""]
    for name, part in report["parts"].items():
        ways = part["ways"]
        sides = [side for side in _SIDES if any(f"{side}_times_as_fast" in one for one in ways.values())]
        heads = ["", "samples a second", "waiting", "peak memory", *(_SIDES[side] for side in sides)]
        lines += [f"## {_TITLES[name]}", "", part["what"] + ".", ""]
        lines += [f"| {' | '.join(heads)} |", f"| --- | ---: | ---: | ---: |{' --- |' * len(sides)}"]
        lines += [_row(way, one, sides) for way, one in ways.items()]
        lines.append("")
    return "\n".join(lines)


_SIDES = {"ours": "ours is", "as_set": "as params.yaml says ours is"}
_TITLES = {
    "cache": "With the latent cache and without it",
    "published": "Whole clips, beside the steps of diffusers' example",
}


def _row(way: str, one: Mapping[str, float], sides: Sequence[str]) -> str:
    cells = [f"{one['samples_per_second']:.3g}", f"{one['waiting_share']:.1%}", f"{one['peak_gb']:.2f} GB"]
    for side in sides:
        words = ""
        if f"{side}_times_as_fast" in one:
            times, share = one[f"{side}_times_as_fast"], one[f"{side}_share_of_memory"]
            words = f"{times:.3g} times as fast in {share:.0%} of the memory"
        cells.append(words)
    return f"| {way} | {' | '.join(cells)} |"
