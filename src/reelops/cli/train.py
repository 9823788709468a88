"""`reelops train`: train a LoRA adapter on encoded clips, or plan to."""

from __future__ import annotations

import json
import signal
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from reelops.cogvideox.profiles import find_profile
from reelops.cogvideox.training_memory import SHARES, TrainingWay, count_adapter, plan_devices
from reelops.errors import WeightsError
from reelops.params import Config, load_config
from reelops.progress import Progress, RunContext, ShouldStop, signals_awaited
from reelops.training.launch import is_rank_zero, report_on_rank_zero
from reelops.training.params import RECIPE_TARGETS, LatentParams, TrainParams
from reelops.views.console import err, note, out
from reelops.views.progress_bar import watching
from reelops.views.training_plan import show_training_plan

if TYPE_CHECKING:
    from reelops.training.plan import TrainingPlan
    from reelops.training.stage import TrainingResult


def register(app: typer.Typer) -> None:
    app.command("train")(train)


def train(
    plan: Annotated[
        bool, typer.Option("--plan", help="Train nothing; say what is trained and what fits which GPU.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the checkpoints of this run and start over.")] = False,
    no_track: Annotated[bool, typer.Option("--no-track", help="Do not log the run to MLflow.")] = False,
    profile: Annotated[str | None, typer.Option(help="With --plan: plan for another base model.")] = None,
    rank: Annotated[int | None, typer.Option(min=1, max=8192, help="With --plan: plan for another rank.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train the adapter that params.yaml describes on data/latents/, and publish it to models/adapters/.

    It resumes where it was stopped, to the bit: Ctrl-C or SIGTERM saves after the step at hand, a second one ends at
    once. Several GPUs: accelerate launch --multi_gpu -m reelops.cli train; with --use_fsdp --fsdp_version 2 in place of
    --multi_gpu each holds a share of the base.

    Examples: reelops train    |    reelops train --plan    |    reelops train --plan --profile cogvideox-5b-i2v
    """
    config = load_config()
    params = config.block("train", TrainParams)
    if plan:
        _show_what_fits(params, config, profile, rank, as_json)
        return
    if profile is not None or rank is not None:
        raise typer.BadParameter("--profile and --rank go with --plan; a run takes them from params.yaml.")
    from reelops.training.plan import plan_training
    from reelops.training.stage import run_training

    with report_on_rank_zero(), signals_awaited(signal.SIGINT, signal.SIGTERM) as should_stop:
        planned = plan_training(params, config.block("latents", LatentParams), config)
        if is_rank_zero():
            _announce(planned)
        with _watching(planned, should_stop) as context:
            result = run_training(planned, config, context, track=not no_track, fresh=fresh)
    if not is_rank_zero():
        return
    if as_json:
        typer.echo(json.dumps({**result.figures, **_facts(result)}, indent=2))
        return
    _show(result)


def _facts(result: TrainingResult) -> dict[str, Any]:
    assert result.published is not None
    return {
        "adapter": str(result.published.folder),
        "sha256": result.published.sha256,
        "ended": result.outcome.ended,
        "mlflow_run": result.tracked.run_id if result.tracked else None,
        "notes": list(result.notes),
    }


def _watching(plan: TrainingPlan, should_stop: ShouldStop) -> AbstractContextManager[RunContext]:
    """Of several processes the first one shows how far they are, with losses, pace and cost."""
    if not is_rank_zero():
        return nullcontext(RunContext(should_stop=should_stop))
    pace = _Pace(plan.params)
    return watching(should_stop=should_stop, figures=pace.describe, line_at_once=True)


class _Pace:
    """How fast it goes, and what is left of it."""

    def __init__(self, params: TrainParams) -> None:
        self._params = params
        self._seconds: list[float] = []
        self._held_out: float | None = None
        self._loss: float | None = None

    def describe(self, now: Progress) -> str:
        """The figures so far in a line: losses, pace, and what the rest costs."""
        row, step = now.figures, int(now.done)
        self._held_out = row.get("held_out_loss", self._held_out)
        if "loss" in row:
            loss = row["loss"]
            self._loss = loss if self._loss is None else self._loss + 0.05 * (loss - self._loss)
            self._seconds = [*self._seconds[-19:], row["seconds_per_step"]]
        words = [] if self._loss is None else [f"loss {self._loss:.4f}"]
        words += [] if self._held_out is None else [f"held out {self._held_out:.4f}"]
        if len(self._seconds) >= 3:
            step_seconds = sorted(self._seconds)[len(self._seconds) // 2]
            left = step_seconds * (self._params.steps - step)
            cost = self._params.budget.cost_of(left)
            words += [f"{step_seconds:.2f} s per step", *([cost] if cost else [])]
        return ", ".join(words)


def _announce(plan: TrainingPlan) -> None:
    params, clips = plan.params, len(plan.index.of_split("train"))
    err.print(
        f"{plan.size.trained:,} numbers are trained, {plan.size.share:.2%} of {plan.weights.base}'s transformer, "
        f"on {clips:,} clips in {params.steps:,} steps of {params.batch}; about {plan.footprint.peak / 1e9:.1f} GB.",
        soft_wrap=True,
    )
    for text in plan.notes:
        note(text)


def _show(result: TrainingResult) -> None:
    assert result.published is not None
    ends = {
        "finished": "all steps done",
        "early": "stopped early, as the held-out loss no longer fell",
        "budget": "stopped at the budget's end",
    }
    figures = result.figures
    held_out = ""
    if figures["held_out_loss"] is not None:
        held_out = f", held out {figures['held_out_loss']} (base {figures['held_out_loss_of_base']})"
    out.print(
        f"{ends[result.outcome.ended]}: {figures['steps']} steps in {figures['training_seconds']:.0f} s, "
        f"{figures['peak_gb']:.1f} GB at the peak; loss {figures['loss']}{held_out}.",
    )
    out.print(f"Adapter {escape(str(result.published.folder))} (sha256 {result.published.sha256[:12]})")
    if result.tracked:
        out.print(f"MLflow run {result.tracked.run_id}: {escape(result.tracked.look)}")
    shown = set(result.plan.notes)
    for text in result.notes:
        if text not in shown:
            note(text)


def _show_what_fits(params: TrainParams, config: Config, profile: str | None, rank: int | None, as_json: bool) -> None:
    chosen, asked_rank = find_profile(profile or params.profile, config), rank or params.rank
    architecture = chosen.known_architecture()
    if architecture is None:
        raise WeightsError(
            f"Nothing is known of profile {chosen.name} before its weights are here. Set `architecture` in its block."
        )
    # train.targets is for train.profile; what another base is asked about gets CogVideoX's own recipe.
    targets = params.targets if chosen.name == params.profile else list(RECIPE_TARGETS)
    size = count_adapter(architecture.check(), asked_rank, targets)
    ways = plan_devices(architecture, chosen.clip_format, size)
    shared = {shares: plan_devices(architecture, chosen.clip_format, size, shares=shares) for shares in SHARES}
    if as_json:
        facts: dict[str, Any] = {"profile": chosen.name, "rank": asked_rank, "targets": targets}
        facts |= {"trained": size.trained, "frozen": size.frozen, "share": size.share}
        facts["devices"] = {str(gb): _way_facts(way) for gb, way in ways.items()}
        facts["shared"] = {
            str(shares): {str(gb): _way_facts(way) for gb, way in them.items()} for shares, them in shared.items()
        }
        typer.echo(json.dumps(facts, indent=2))
        return
    show_training_plan(chosen.name, asked_rank, targets, size, ways, shared)


def _way_facts(way: TrainingWay | None) -> dict[str, Any] | None:
    if way is None:
        return None
    need = way.footprint
    return {
        "micro_batch": way.micro_batch,
        "gradient_checkpointing": way.gradient_checkpointing,
        "optimizer": way.optimizer,
        "gb": {
            name: round(getattr(need, name) / 1e9, 2) for name in ("base", "adapter", "activations", "runtime", "peak")
        },
    }
