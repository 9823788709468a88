"""The stage `train`: latents become an adapter under models/adapters, its figures under reports/train.

Checkpoints live outside what DVC owns, under .cache/checkpoints/<identity of the run>: DVC deletes a stage's outputs
before it runs again, and a run whose parameters changed must not take up another's weights.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reelops.cogvideox.denoiser import load_transformer
from reelops.cogvideox.frame_attention import enable_sparse_frame_attention
from reelops.cogvideox.lora import (
    WEIGHTS_NAME,
    add_lora,
    lora_parameters,
    read_adapter,
    read_adapter_weights,
    save_adapter,
)
from reelops.cogvideox.loss import noise_levels
from reelops.errors import Cancelled, SettingsError
from reelops.params import Config
from reelops.progress import ShouldStop
from reelops.system.digest import sha256_of
from reelops.system.files import write_folder_atomically, write_text_atomically
from reelops.system.hardware import inspect_machine
from reelops.system.peak_memory import PeakMemory
from reelops.tracking.lineage import Lineage, trace_lineage
from reelops.tracking.runs import LiveRun, RunRecord, TrackedRun
from reelops.training.cache import FOLDER as LATENTS
from reelops.training.cache import LatentCache
from reelops.training.checkpoint import CheckpointFolder, exclusive_run
from reelops.training.launch import Launch, accelerator_for, report_lost_ranks
from reelops.training.loop import Loop, OnRow, Outcome, TrainingComponents
from reelops.training.params import LatentParams, TrainParams
from reelops.training.preflight import Preflight, check_places, check_run
from reelops.training.samples import HeldOutSamples, Source, TrainingSamples

ADAPTERS = Path("models/adapters")
CHECKPOINTS = Path(".cache/checkpoints")
REPORTS = Path("reports/train")
EXPERIMENT = "train-lora"
FACTS = "adapter.json"
RUN_FACTS = "run.json"


@dataclass(frozen=True)
class Places:
    """Where a run reads and writes; `of` gives the project's own."""

    latents: Path
    checkpoints: Path
    adapter: Path
    reports: Path

    @classmethod
    def of(cls, config: Config, name: str) -> Places:
        root = config.root
        return cls(root / LATENTS, root / CHECKPOINTS, root / ADAPTERS / name, root / REPORTS)


@dataclass(frozen=True)
class TrainingReport:
    """What came of a run; complete on the first process.

    Attributes:
        adapter: the published folder; None where nothing was published.
        figures: what stands in reports/train/metrics.json.
        tracked: the MLflow run.
    """

    outcome: Outcome
    flight: Preflight
    adapter: Path | None
    sha256: str | None
    figures: Mapping[str, Any]
    tracked: TrackedRun | None
    notes: tuple[str, ...]


def train_adapter(
    params: TrainParams,
    latents: LatentParams,
    config: Config,
    places: Places,
    track: bool = True,
    fresh: bool = False,
    on_row: OnRow | None = None,
    should_stop: ShouldStop | None = None,
    on_ready: Callable[[Preflight], None] | None = None,
) -> TrainingReport:
    """Trains, or goes on with what an earlier run began, and publishes the adapter.

    Every process of `accelerate launch` calls it; the first one writes.

    Args:
        fresh: forget this run's checkpoints.
        on_ready: told the preflight before anything is loaded.

    Raises:
        ReelOpsError: see `check_run` and `Loop.run`.
        LostProcess: another process of the run has ended.
        Cancelled: somebody asked to stop; the checkpoint is saved.
    """
    began = time.monotonic()
    machine = inspect_machine()
    cache = LatentCache(places.latents)
    flight = check_run(params, latents, cache, config, machine, Launch.of(os.environ))
    folder = places.checkpoints / flight.identity
    check_places(flight, params, folder, places.adapter.parent)
    if on_ready is not None:
        on_ready(flight)
    accelerator = accelerator_for(flight.dtype, machine.device)
    alone = exclusive_run(folder) if accelerator.is_main_process else nullcontext()
    with report_lost_ranks(flight.launch), alone:
        return _run(params, flight, accelerator, cache, config, places, track, fresh, on_row, should_stop, began)


def _run(
    params: TrainParams,
    flight: Preflight,
    accelerator: Any,
    cache: LatentCache,
    config: Config,
    places: Places,
    track: bool,
    fresh: bool,
    on_row: OnRow | None,
    should_stop: ShouldStop | None,
    began: float,
) -> TrainingReport:
    checkpoints = CheckpointFolder(places.checkpoints / flight.identity, params.keep_checkpoints)
    if fresh and accelerator.is_main_process:
        checkpoints.clear()
    accelerator.wait_for_everyone()
    parts = ingredients(params, flight, cache)
    loop = Loop(parts, accelerator, checkpoints, should_stop=should_stop, launch=flight.launch)
    notes = loop.resume()
    lineage = trace_lineage({"base_revision": flight.weights.revision}, config.root)
    diary = _open_diary(params, flight, loop, lineage, config) if track and accelerator.is_main_process else None
    loop.on_row = _both(on_row, diary)
    try:
        with PeakMemory() as peak:
            outcome = loop.run()
        outcome.notes += notes
    except BaseException:
        if diary is not None:
            diary.finish(status="FAILED")
        raise
    if outcome.ended == "stopped":
        if diary is not None:
            diary.finish(status="KILLED")
        raise Cancelled(
            f"Stopped as asked after step {outcome.state.step} of {params.steps}; the checkpoint is saved, and the "
            "same command goes on from there."
        )
    if not accelerator.is_main_process:
        return TrainingReport(outcome, flight, None, None, {}, None, ())
    figures = _figures(flight, outcome, time.monotonic() - began, peak.bytes_used)
    return _finish(params, flight, loop, outcome, places, lineage, diary, figures)


def ingredients(params: TrainParams, flight: Preflight, cache: LatentCache) -> TrainingComponents:
    """Everything a loop needs, loaded."""
    levels = noise_levels(flight.architecture.configs["scheduler"])
    shape = flight.index.encoding.format
    latent_frames = flight.architecture.latent_frames(shape.num_frames)
    source = Source(cache, flight.index, latent_frames, empty_zeros=params.empty_text == "zeros")
    held_out = flight.index.of_split("validation")
    transformer = load_transformer(flight.weights.folder, flight.dtype)
    add_lora(transformer, params.rank, params.alpha, params.targets, params.seed)
    if params.start_from is not None:
        _start_from(transformer, params.start_from, params)
    if params.frames_per_step is not None:
        cell = flight.architecture.spatial_ratio * flight.architecture.patch_size
        enable_sparse_frame_attention(transformer, (shape.width // cell) * (shape.height // cell), latent_frames)
    return TrainingComponents(
        params=params,
        samples=TrainingSamples(source, flight.index.of_split("train"), params, len(levels)),
        held_out=HeldOutSamples(source, held_out, params, len(levels)) if held_out and params.held_out.every else None,
        transformer=transformer,
        noise_levels_T=levels,
        dtype=getattr(torch, flight.dtype),
        optimizer=flight.optimizer,
    )


def _start_from(transformer: Any, path: Path, params: TrainParams) -> None:
    adapter = read_adapter(path)
    weights = read_adapter_weights(adapter, transformer)
    own = lora_parameters(transformer)
    if adapter.rank != params.rank or set(weights) != set(own) or adapter.alpha not in (None, params.alpha):
        raise SettingsError(
            f"train.start_from: {adapter.path} has rank {adapter.rank}, alpha {adapter.alpha} and {len(weights)} "
            f"matrices; this run has rank {params.rank}, alpha {params.alpha:g} and {len(own)}. Make them the same."
        )
    for name, parameter in own.items():
        parameter.data.copy_(weights[name])


def _open_diary(params: TrainParams, flight: Preflight, loop: Loop, lineage: Lineage, config: Config) -> LiveRun:
    size = flight.size
    values = {name: value for name, value in params.identity().items() if not isinstance(value, dict)}
    record = RunRecord(
        name=params.name,
        params=values
        | {"dtype": flight.dtype, "optimizer": flight.optimizer, "trained_numbers": size.trained}
        | {"base": flight.weights.base, "clips": len(flight.index.of_split("train"))},
        metrics={"trained_share": size.share},
        tags={"stage": "train", "lineage": str(lineage), "base_revision": flight.weights.revision}
        | {"data": flight.index.digest(), "identity": flight.identity},
        experiment=EXPERIMENT,
    )
    diary = LiveRun(record, config.mlflow_tracking_uri, loop.state.run_id)
    loop.run_id = diary.run_id
    for row in loop.state.curve:  # what the last process had not sent before it ended
        diary.log({name: value for name, value in row.items() if name != "step"}, int(row["step"]))
    return diary


def _both(on_row: OnRow | None, diary: LiveRun | None) -> OnRow:
    """A step's figures go to whoever watches and, with the machine's own, to MLflow."""

    def tell(row: Mapping[str, float], step: int) -> None:
        if on_row is not None:
            on_row(row, step)
        if diary is not None:
            diary.log({**row, **_machine_figures()}, step)

    return tell


def _machine_figures() -> dict[str, float]:
    import psutil

    figures = {"system/rss_gb": psutil.Process().memory_info().rss / 1e9, "system/cpu_percent": psutil.cpu_percent()}
    if torch.cuda.is_available():
        figures["system/gpu_peak_gb"] = torch.cuda.max_memory_allocated() / 1e9
    return figures


def _finish(
    params: TrainParams,
    flight: Preflight,
    loop: Loop,
    outcome: Outcome,
    places: Places,
    lineage: Lineage,
    diary: LiveRun | None,
    figures: Mapping[str, Any],
) -> TrainingReport:
    notes = [*flight.notes, *outcome.notes]
    best = params.publish == "best" and bool(loop.best)
    step = outcome.state.best_step if best else outcome.state.step
    if best and step == 0:
        notes.append("no evaluation was better than the base without an adapter; the last step is published instead")
        best, step = False, outcome.state.step
    weights = loop.best if best else loop.published()
    facts = _facts(params, flight, outcome, int(step or 0))
    with write_folder_atomically(places.adapter) as folder:
        header = {"reelops": json.dumps(facts, sort_keys=True)}
        save_adapter(loop.parts.transformer, weights, folder / WEIGHTS_NAME, header)
        (folder / FACTS).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n")
        (folder / "card.md").write_text(_card(params.name, facts))
    sha256 = sha256_of(places.adapter / WEIGHTS_NAME)
    _write_reports(places.reports, figures, outcome)
    tracked = _close_diary(diary, params, facts, lineage, sha256, places) if diary is not None else None
    if diary is not None and diary.failure:
        notes.append(f"the run was not tracked: {diary.failure}")
    run_facts = {"adapter_sha256": sha256, "identity": flight.identity, "ended": outcome.ended}
    run_facts |= {"mlflow_run": tracked.run_id} if tracked else {}
    run_facts |= {"mlflow_model": diary.model_id} if diary is not None and diary.model_id else {}
    write_text_atomically(places.reports / RUN_FACTS, json.dumps(run_facts, indent=2, sort_keys=True) + "\n")
    return TrainingReport(outcome, flight, places.adapter, sha256, figures, tracked, tuple(notes))


def _facts(params: TrainParams, flight: Preflight, outcome: Outcome, step: int) -> dict[str, Any]:
    """What an adapter says of itself; the same for the same run."""
    return {
        "name": params.name,
        "base": flight.weights.base,
        "base_revision": flight.weights.revision,
        "data": flight.index.digest(),
        "clips": len(flight.index.of_split("train")),
        "rank": params.rank,
        "alpha": params.alpha,
        "targets": params.targets,
        "step": step,
        "identity": flight.identity,
        "ended": outcome.ended,
    }


def _card(name: str, facts: Mapping[str, Any]) -> str:
    rows = "\n".join(f"| {key.replace('_', ' ')} | {value} |" for key, value in facts.items() if key != "name")
    return (
        f"# {name}\n\nA LoRA for CogVideoX image-to-video, trained by `reelops train`.\n\n"
        f"| | |\n| --- | --- |\n{rows}\n\n"
        f'`reelops generate photo.jpg "..." --adapter models/adapters/{name}` wears it; so does diffusers\' own\n'
        f"`pipeline.load_lora_weights`, which finds rank and alpha in the file.\n"
    )


def _figures(flight: Preflight, outcome: Outcome, seconds: float, peak_bytes: Mapping[str, int]) -> dict[str, Any]:
    curve = outcome.state.curve
    losses = [row["loss"] for row in curve if "loss" in row]
    held_out = [row["held_out_loss"] for row in curve if "held_out_loss" in row]
    tail = losses[-max(1, len(losses) // 10) :]
    return {
        "steps": outcome.state.step,
        "loss": _rounded(sum(tail) / len(tail)) if tail else None,
        "held_out_loss": _rounded(held_out[-1]) if held_out else None,
        "held_out_loss_of_base": _rounded(held_out[0]) if held_out else None,
        "held_out_loss_best": _rounded(outcome.state.best_loss) if outcome.state.best_loss is not None else None,
        "held_out_best_step": outcome.state.best_step,
        "trained_numbers": flight.size.trained,
        "trained_share": _rounded(flight.size.share),
        "peak_gb": round(peak_bytes.get("cuda_reserved", peak_bytes["rss"]) / 1e9, 2),
        "planned_gb": round(flight.footprint.peak / 1e9, 2),
        "training_seconds": round(outcome.state.seconds, 1),
        "seconds": round(seconds, 1),
        "seconds_per_step": _rounded(outcome.step_seconds / outcome.steps_done) if outcome.steps_done else None,
        "waiting_share": _rounded(outcome.waited_seconds / outcome.step_seconds) if outcome.steps_done else None,
    }


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _write_reports(folder: Path, figures: Mapping[str, Any], outcome: Outcome) -> None:
    """Figures for `dvc metrics`, and the curves for `dvc plots`."""
    write_text_atomically(folder / "metrics.json", json.dumps(figures, indent=2) + "\n")
    curve = outcome.state.curve
    for name, columns in (("loss", ("step", "loss", "lr", "grad_norm")), ("held_out", ("step", "held_out_loss"))):
        table = io.StringIO()
        writer = csv.DictWriter(table, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for row in curve if columns[1] in row)
        write_text_atomically(folder / "plots" / f"{name}.csv", table.getvalue())


def _close_diary(
    diary: LiveRun,
    params: TrainParams,
    facts: Mapping[str, Any],
    lineage: Lineage,
    sha256: str,
    places: Places,
) -> TrackedRun | None:
    """Keeps figures, curves and the adapter as a LoggedModel with its lineage."""
    tags = {"lineage": str(lineage), "adapter_sha256": sha256, "base_revision": str(facts["base_revision"])}
    tags |= {"data": str(facts["data"])}
    diary.keep_model(params.name, places.adapter, {"rank": str(params.rank), "alpha": f"{params.alpha:g}"}, tags)
    files = [places.reports / "metrics.json", *sorted((places.reports / "plots").glob("*.csv"))]
    diary.finish(files, tags={"adapter_sha256": sha256})
    return diary.tracked
