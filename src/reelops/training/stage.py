"""The stage `train`: latents become an adapter under models/adapters, its figures under reports/train.

    plan (`reelops.training.plan`) -> train -> publish -> report

Every process of `accelerate launch` runs it; the first one writes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from reelops.cogvideox.memory import GB
from reelops.params import Config
from reelops.progress import QUIET, RunContext
from reelops.system.device_lock import hold_accelerator
from reelops.system.files import write_text_atomically
from reelops.system.out_of_memory import explaining_out_of_memory
from reelops.system.peak_memory import PeakMemory
from reelops.tracking.lineage import trace_lineage
from reelops.tracking.live_run import LiveRun
from reelops.tracking.runs import TrackedRun
from reelops.training.checkpoint import exclusive_run
from reelops.training.components import load_components
from reelops.training.launch import accelerator_for, report_lost_ranks
from reelops.training.loop import Loop, Outcome
from reelops.training.mlflow_run import close_live_run, leave_run, logging_to, open_live_run
from reelops.training.paths import RUN_FACTS
from reelops.training.plan import TrainingPlan, check_paths, how_to_need_less
from reelops.training.publish import PublishedAdapter, publish_adapter
from reelops.training.report import report_training, training_figures


@dataclass(frozen=True)
class TrainingResult:
    """What came of a run.

    Attributes:
        published: the adapter; None on every process but the first.
        figures: what reports/train/metrics.json holds; empty where nothing was published.
        tracked: the MLflow run; None where it was not tracked.
        notes: for the user.
    """

    plan: TrainingPlan
    outcome: Outcome
    published: PublishedAdapter | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    tracked: TrackedRun | None = None
    notes: tuple[str, ...] = ()


def run_training(
    plan: TrainingPlan, config: Config, context: RunContext = QUIET, track: bool = True, fresh: bool = False
) -> TrainingResult:
    """Trains, or resumes an earlier run of the same identity, and publishes the adapter.

    Args:
        context: gets a `Progress` for each step and evaluation, with its figures, on the first process.
        track: log the run to MLflow.
        fresh: forget this run's checkpoints.

    Raises:
        ReelOpsError: see `check_paths`, `load_components` and `Loop.run`.
        MachineError: another process trains this very run, or another run has the device.
        OutOfMemory: a device, or this machine, has too little memory after all.
        LostProcess: another process of the run has ended.
        Cancelled: somebody asked to stop; the checkpoint is saved.
    """
    check_paths(plan)
    with hold_accelerator(context):
        return _run(plan, config, context, track, fresh)


def _run(plan: TrainingPlan, config: Config, context: RunContext, track: bool, fresh: bool) -> TrainingResult:
    began = time.monotonic()
    accelerator = accelerator_for(plan.dtype, plan.machine.device)
    first = accelerator.is_main_process
    with (
        report_lost_ranks(plan.launch),
        explaining_out_of_memory(_doing(plan), how_to_need_less(plan.params, plan.launch)),
        exclusive_run(plan.checkpoints.folder) if first else nullcontext(),
    ):
        loop = _open_loop(plan, accelerator, fresh)
        resumed = loop.resume()
        if not first:
            return TrainingResult(plan, loop.run(context))
        lineage = trace_lineage({"base_revision": plan.weights.revision}, config.project)
        with open_live_run(plan, loop.state, lineage, config) if track else nullcontext() as live_run:
            outcome, peak_bytes = _train(plan, loop, context, live_run)
            published = publish_adapter(plan, loop, outcome)
            figures = training_figures(plan, outcome, time.monotonic() - began, peak_bytes)
            files = report_training(figures, outcome, plan.paths.reports)
            if live_run is not None:
                close_live_run(live_run, plan, published, lineage, files)
        _write_run_facts(plan, outcome, published, live_run)
    notes = (*plan.notes, *resumed, *published.notes, *_tracking_notes(live_run))
    tracked = live_run.tracked if live_run is not None else None
    return TrainingResult(plan, outcome, published, figures, tracked, notes)


def _doing(plan: TrainingPlan) -> str:
    return (
        f"training with {plan.params.micro_batch} clips per pass (planned: {plan.footprint.peak / GB:.1f} GB); the "
        "last checkpoint is whole"
    )


def _open_loop(plan: TrainingPlan, accelerator: Any, fresh: bool) -> Loop:
    if fresh and accelerator.is_main_process:
        plan.checkpoints.clear()
        leave_run(plan.checkpoints.folder)
    accelerator.wait_for_everyone()  # no process may read a checkpoint that the first one removes
    return Loop(load_components(plan), accelerator, plan.checkpoints, plan.launch)


def _train(
    plan: TrainingPlan, loop: Loop, context: RunContext, live_run: LiveRun | None
) -> tuple[Outcome, Mapping[str, int]]:
    """What the loop did, and its largest memory in bytes."""
    with PeakMemory() as peak:
        if live_run is None:
            outcome = loop.run(context)
        else:
            outcome = loop.run(logging_to(live_run, plan, context), lambda: live_run.run_id)
    return outcome, peak.bytes_used


def _write_run_facts(
    plan: TrainingPlan, outcome: Outcome, published: PublishedAdapter, live_run: LiveRun | None
) -> None:
    """Which MLflow run an adapter is of: what validation and the registry look up."""
    facts = {"adapter_sha256": published.sha256, "identity": plan.identity, "ended": outcome.ended}
    if live_run is not None and live_run.tracked is not None:
        facts["mlflow_run"] = live_run.tracked.run_id
    if live_run is not None and live_run.model_id:
        facts["mlflow_model"] = live_run.model_id
    write_text_atomically(plan.paths.reports / RUN_FACTS, json.dumps(facts, indent=2, sort_keys=True) + "\n")


def _tracking_notes(live_run: LiveRun | None) -> list[str]:
    if live_run is None or not live_run.failure:
        return []
    how = "not tracked" if live_run.tracked is None else "tracked in part"
    return [f"the run was {how}: {live_run.failure}"]
