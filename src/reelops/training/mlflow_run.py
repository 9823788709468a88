"""A training run in MLflow: parameters, curves while it trains, and the adapter with its lineage at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import torch

from reelops.errors import MachineError, TrackingError
from reelops.foreign import machine_error_on_read
from reelops.params import Config
from reelops.progress import Event, Progress, RunContext
from reelops.system.files import write_text_atomically
from reelops.tracking.lineage import Lineage
from reelops.tracking.live_run import LiveRun
from reelops.tracking.runs import RunRecord, end_left_run
from reelops.training.checkpoint import RunState, exclusive_run
from reelops.training.loop import STAGE
from reelops.training.plan import TrainingPlan
from reelops.training.publish import PublishedAdapter

EXPERIMENT = "train-lora"
# In a run's folder: the run in MLflow that it is, until that has ended, and others that were begun there and have not.
_NOTE, _LEFT = "mlflow_run.txt", "mlflow_runs_left.txt"


@contextmanager
def open_live_run(plan: TrainingPlan, state: RunState, lineage: Lineage, config: Config) -> Iterator[LiveRun]:
    """The run that a checkpoint or its folder names, or a new one; closed as killed or failed where the block raises.

    Args:
        state: of the checkpoint that training resumes from; what the process before had not sent is sent now.
    """
    note, uri = _note_in(plan.checkpoints.folder), config.mlflow_tracking_uri
    live_run = LiveRun(_record(plan, lineage), uri, state.run_id or next(iter(_noted(note)), None))
    try:
        with live_run:
            live_run.begin()
            _end_left_runs(plan, live_run, uri)
            _keep_note(note, live_run)
            for row in state.curve:
                live_run.log({name: value for name, value in row.items() if name != "step"}, int(row["step"]))
            yield live_run
    finally:
        if live_run.has_ended:
            _remove(note)


def leave_run(checkpoints: Path) -> None:
    """Begins anew in a run's folder: the run in MLflow that it names is another one from now on, and is to be ended.

    Raises:
        MachineError: that cannot be written down.
    """
    note, left = _note_in(checkpoints), checkpoints / _LEFT
    if run_ids := _noted(note):
        write_text_atomically(left, "".join(f"{run_id}\n" for run_id in dict.fromkeys([*_noted(left), *run_ids])))
        _remove(note)


def _note_in(checkpoints: Path) -> Path:
    """Where a run is named until it has ended: all that is left where one is killed before its first checkpoint."""
    return checkpoints / _NOTE


def _noted(note: Path) -> list[str]:
    """The ids of runs that a file names, one a line."""
    try:
        return note.read_text(encoding="utf-8", errors="replace").split()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise machine_error_on_read(note, error) from error


def _keep_note(note: Path, live_run: LiveRun) -> None:
    if live_run.tracked is not None and not note.is_file():
        with suppress(MachineError):  # a checkpoint that finds no room says so; work is not lost over its diary
            write_text_atomically(note, f"{live_run.tracked.run_id}\n")


def _remove(note: Path) -> None:
    with suppress(OSError):
        note.unlink(missing_ok=True)


def _end_left_runs(plan: TrainingPlan, live_run: LiveRun, uri: str) -> None:
    """Ends runs of this project whose process is gone, which MLflow shows as running for ever; this one is not."""
    own = plan.checkpoints.folder
    if live_run.tracked is None:
        return
    for note in sorted(path for name in (_NOTE, _LEFT) for path in plan.paths.checkpoints.glob(f"*/{name}")):
        if note == _note_in(own):
            continue
        # Somebody who trains holds the lock of the run; what the store does not take now waits for the next start.
        alone = nullcontext() if note.parent == own else exclusive_run(note.parent)
        with suppress(MachineError, TrackingError), alone:
            for run_id in _noted(note):
                if run_id != live_run.run_id:
                    end_left_run(uri, run_id)
            _remove(note)


def logging_to(live_run: LiveRun, plan: TrainingPlan, context: RunContext) -> RunContext:
    """The same context, whose training figures go to MLflow, too, with the machine's own."""
    note = _note_in(plan.checkpoints.folder)

    def on_event(event: Event) -> None:
        context.on_event(event)
        if isinstance(event, Progress) and event.stage == STAGE:
            live_run.log({**event.figures, **_machine_figures()}, int(event.done))
            _keep_note(note, live_run)

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
