"""What the latent cache is worth: the same training steps fed from it, and fed by encoders at hand.

Each way runs in a process of its own, so that its peak memory is its own; both ways take turns, so that other work on
the machine falls on both.
"""

from __future__ import annotations

import multiprocessing
import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from reelops.cogvideox.machine import inspect_machine
from reelops.errors import MachineError
from reelops.generators.peak_memory import PeakMemory
from reelops.settings import Settings, load_settings
from reelops.training.cache import FOLDER, Index, LatentCache
from reelops.training.params import LatentParams, TrainParams

if TYPE_CHECKING:
    from torch import Tensor

    from reelops.training.encode import Encoders

WAYS = ("cached", "encoded as it goes")
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

    def __init__(self, folder: Path, index: Index, latents: LatentParams, settings: Settings) -> None:
        from reelops.cogvideox.profiles import find_profile
        from reelops.cogvideox.weights import locate_weights
        from reelops.training.clips import read_training_clips
        from reelops.training.encode import load_encoders

        super().__init__(folder)
        self._index = index
        table = read_training_clips(settings.root / latents.table, settings.root)
        known = {clip.clip_id: clip for clip in table}
        self._clips = {entry.key: known[entry.clip_id] for entry in index.clips}
        self._captions = {
            key: text for entry in index.clips for key, text in zip(entry.texts, entry.captions, strict=True)
        }
        self._captions[index.empty_text] = ""
        weights = locate_weights(find_profile(latents.profile, settings.params_file), settings.cache)
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


def benchmark_training(
    params: TrainParams,
    latents: LatentParams,
    settings: Settings,
    steps: int = 6,
    rounds: int = 2,
    on_step: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Steps a second, peak memory and waiting share of both ways, on the project's latents.

    Raises:
        DatasetError: there are no latents.
        MachineError: a process died.
    """
    index = LatentCache(settings.root / FOLDER).read_index()
    measured = []
    for turn in range(rounds):
        for way in WAYS:
            on_step(f"{way}, {turn + 1} of {rounds}")
            measured.append(_in_a_process(way, params, latents, settings, steps))
    machine = inspect_machine()
    figures = {way: _figures([one for one in measured if one.way == way], params.batch) for way in WAYS}
    ours, theirs = (figures[way] for way in WAYS)
    shape = index.encoding.format
    return {
        "what": f"{params.profile}, {shape.num_frames} frames of {shape.width}x{shape.height}, rank {params.rank}, "
        f"{params.batch} samples a step" + (f", {params.frames_a_step} latent frames" if params.frames_a_step else ""),
        "machine": f"{machine.cpu}, {machine.cores} cores, {', '.join(gpu.name for gpu in machine.gpus) or 'no GPU'}",
        "ways": figures,
        "times_as_fast": round(ours["samples_per_second"] / theirs["samples_per_second"], 3),
        "share_of_memory": round(ours["peak_gb"] / theirs["peak_gb"], 3),
        "runs": [asdict(one) for one in measured],
    }


def _figures(measured: list[Measured], batch: int) -> dict[str, float]:
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


def _in_a_process(way: str, params: TrainParams, latents: LatentParams, settings: Settings, steps: int) -> Measured:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    arguments = (way, params.model_dump_json(), latents.model_dump_json(), str(settings.params_file), steps, theirs)
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
    process.join()
    return measured


def _measure(way: str, params_json: str, latents_json: str, params_file: str, steps: int, answer: Any) -> None:
    from dataclasses import replace

    from reelops.training.checkpoint import CheckpointFolder
    from reelops.training.launch import Launch, accelerator_for
    from reelops.training.loop import Loop
    from reelops.training.preflight import check_run
    from reelops.training.samples import Source, TrainingSamples
    from reelops.training.stage import ingredients

    settings = load_settings(params_file=params_file)
    latents = LatentParams.model_validate_json(latents_json)
    given = TrainParams.model_validate_json(params_json)
    quiet = given.held_out.model_copy(update={"every": 0, "patience": 0})
    changes = {"steps": steps, "held_out": quiet, "publish": "last", "checkpoint_every": steps}
    params = given.model_copy(update=changes)
    machine = inspect_machine()
    cache = LatentCache(settings.root / FOLDER)
    seconds: list[float] = []
    with PeakMemory() as peak, TemporaryDirectory() as folder:
        flight = check_run(params, latents, cache, settings, machine, Launch())
        parts = ingredients(params, flight, cache)
        if way != WAYS[0]:
            source = Source(EncodingSource(cache.folder, flight.index, latents, settings), flight.index)
            clips = flight.index.of_split("train")
            samples = TrainingSamples(source, clips, params, len(parts.noise_levels_T))
            parts = replace(parts, samples=samples)
        loop = Loop(parts, accelerator_for(flight.dtype, machine.device), CheckpointFolder(Path(folder), 1))
        loop.on_row = lambda row, _step: seconds.append(row["seconds_per_step"])
        outcome = loop.run()
    answer.send(Measured(way, tuple(seconds), outcome.waited_seconds, peak.bytes_used))
