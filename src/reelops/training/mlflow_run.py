"""A training run in MLflow: parameters, curves while it trains, and the adapter with its lineage at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from reelops.params import Config
from reelops.progress import Event, Progress, RunContext
from reelops.tracking.lineage import Lineage
from reelops.tracking.live_run import LiveRun
from reelops.tracking.runs import RunRecord
from reelops.training.checkpoint import RunState
from reelops.training.loop import STAGE
from reelops.training.plan import TrainingPlan
from reelops.training.publish import PublishedAdapter

EXPERIMENT = "train-lora"


@contextmanager
def open_live_run(plan: TrainingPlan, state: RunState, lineage: Lineage, config: Config) -> Iterator[LiveRun]:
    """The run that a checkpoint names, or a new one; where the block raises it is closed as killed or failed.

    Args:
        state: of the checkpoint that training resumes from; what the process before had not sent is sent now.
    """
    with LiveRun(_record(plan, lineage), config.mlflow_tracking_uri, state.run_id) as live_run:
        live_run.begin()
        for row in state.curve:
            live_run.log({name: value for name, value in row.items() if name != "step"}, int(row["step"]))
        yield live_run


def logging_to(live_run: LiveRun, context: RunContext) -> RunContext:
    """The same context, whose training figures go to MLflow, too, with the machine's own."""

    def on_event(event: Event) -> None:
        context.on_event(event)
        if isinstance(event, Progress) and event.stage == STAGE:
            live_run.log({**event.figures, **_machine_figures()}, int(event.done))

    return RunContext(on_event, context.should_stop)


def close_live_run(
    live_run: LiveRun, plan: TrainingPlan, published: PublishedAdapter, lineage: Lineage, files: Sequence[Path]
) -> None:
    """Keeps files and the adapter, as a LoggedModel with its lineage, and closes the run."""
    tags = {"lineage": str(lineage), "adapter_sha256": published.sha256}
    tags |= {name: str(published.facts[name]) for name in ("base_revision", "data")}
    params = {"rank": str(plan.params.rank), "alpha": f"{plan.params.alpha:g}"}
    live_run.keep_model(plan.params.name, published.folder, params, tags)
    live_run.finish(files, tags={"adapter_sha256": published.sha256})


def _record(plan: TrainingPlan, lineage: Lineage) -> RunRecord:
    values = {name: value for name, value in plan.params.identity().items() if not isinstance(value, dict)}
    facts = {"dtype": plan.dtype, "optimizer": plan.optimizer, "trained_numbers": plan.size.trained}
    facts |= {"base": plan.weights.base, "clips": len(plan.index.of_split("train"))}
    tags = {"stage": "train", "lineage": str(lineage), "base_revision": plan.weights.revision}
    tags |= {"data": plan.index.digest(), "identity": plan.identity}
    return RunRecord(
        name=plan.params.name,
        params=values | facts,
        metrics={"trained_share": plan.size.share},
        tags=tags,
        experiment=EXPERIMENT,
    )


def _machine_figures() -> dict[str, float]:
    import psutil

    figures = {"system/rss_gb": psutil.Process().memory_info().rss / 1e9, "system/cpu_percent": psutil.cpu_percent()}
    if torch.cuda.is_available():
        figures["system/gpu_peak_gb"] = torch.cuda.max_memory_allocated() / 1e9
    return figures
