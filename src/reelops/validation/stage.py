"""The stage `validate`: an adapter against its base, in a process of its own, from what training published.

    plan (`reelops.validation.plan`) -> clips of both sides -> scores -> reload gate -> findings -> report

Clips are kept as they are made, under .cache/validate, and scores in the store of all scores: a run that was stopped or
killed resumes where it was and finds the same, and the next adapter finds the base's clips made.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelops.errors import Cancelled, MachineError, PictureError, VideoError
from reelops.generators.catalogue import Generators
from reelops.generators.cogvideox import CogVideoXGenerator
from reelops.params import Config
from reelops.production.producer import Producer, build_producer
from reelops.production.take import UnjudgedClip
from reelops.progress import QUIET, Event, Progress, RunContext
from reelops.scoring.batch import ScoringOrder, score_clips
from reelops.scoring.scored_clip import ScoredClip
from reelops.system.device_lock import hold_accelerator
from reelops.system.exclusive_lock import exclusive_lock
from reelops.tables.content_store import ContentStore
from reelops.tracking.lineage import Lineage, trace_lineage
from reelops.validation.clip_cache import CachedClip
from reelops.validation.findings import STYLE, Findings, Side, TrialResult, find
from reelops.validation.plan import WORK, ValidationPlan
from reelops.validation.reload import ReloadResult, reload_adapter
from reelops.validation.trials import Trial

_RESUMES = "the same command resumes from there."


@dataclass(frozen=True)
class ValidationResult:
    """What came of a validation; `notes` are shown to the user."""

    plan: ValidationPlan
    findings: Findings
    lineage: Lineage
    seconds: float
    notes: tuple[str, ...]


def run_validation(
    plan: ValidationPlan, config: Config, context: RunContext = QUIET, fresh: bool = False
) -> ValidationResult:
    """Makes, scores and compares.

    Args:
        context: gets the progress of the stages `make`, `score` and `reload`.
        fresh: make and score again what is kept of earlier runs.

    Raises:
        ReelOpsError: a clip cannot be made, kept or scored.
        MachineError: another validation works in this project.
        Cancelled: somebody asked to stop; what was made is kept.
    """
    began = time.monotonic()
    busy = f"another `reelops validate` works in {config.root}; wait until it has ended."
    with exclusive_lock(config.root / WORK / "lock", busy):
        scored = _score(_make(plan, config, context, fresh), config, context, fresh)
        reloaded = _reload(plan, config, context, fresh)
    results = [TrialResult(trial, scored[trial.name, "base"], scored[trial.name, "adapter"]) for trial in plan.trials]
    findings = find(plan.params, results, reloaded)
    return ValidationResult(
        plan=plan,
        findings=findings,
        lineage=_lineage(plan, config),
        seconds=time.monotonic() - began,
        notes=(*plan.notes, *_notes_on(findings, list(scored.values()))),
    )


def _make(plan: ValidationPlan, config: Config, context: RunContext, fresh: bool) -> Mapping[tuple[str, Side], Path]:
    """The files of all clips, by trial and side; those that are not there yet are made."""
    wanted = plan.clips
    made = {} if fresh else {one: clip for one in wanted if (clip := plan.cached(*one)) is not None}
    missing = [one for one in wanted if one not in made]
    producer = _producer(plan, config)
    quiet = context.unwatched()  # of a clip's own stages there is nothing to show
    try:
        with hold_accelerator(context) if missing else nullcontext():
            for done, (trial, side) in enumerate(missing):
                context.progress("make", done, len(missing))
                made[trial, side] = _make_clip(plan, producer, trial, side, quiet)
    except Cancelled as error:
        raise Cancelled(f"Stopped as asked; {len(made)} of {len(wanted)} clips are kept, and {_RESUMES}") from error
    context.progress("make", len(missing), len(missing))
    return {(trial.name, side): made[trial, side].path for trial, side in wanted}


def _producer(plan: ValidationPlan, config: Config) -> Producer:
    """One that generates for the machine that was planned for, so that clips are made as their keys say."""
    kinds = {str(plan.profile.kind): lambda config: CogVideoXGenerator(config, plan.machine)}
    return build_producer(config, Generators(config, kinds))


def _make_clip(plan: ValidationPlan, producer: Producer, trial: Trial, side: Side, context: RunContext) -> CachedClip:
    order, key = plan.order(trial, side), plan.key(trial, side)
    made = producer.make(order, plan.cache.path_of(key), context)
    _check_key(plan, made, trial)
    seconds = sum(value for stage, value in made.seconds.items() if stage != "load")
    return plan.cache.add(key, order, made.clip, seconds)


def _check_key(plan: ValidationPlan, made: UnjudgedClip, trial: Trial) -> None:
    """That the clip is the one that its key speaks of."""
    if made.facts["picture_sha256"] != trial.picture.sha256:
        made.clip.path.unlink()
        raise PictureError(f"{trial.picture.path} has changed since the run began; run it again.")
    conditions = plan.conditions
    wanted = {"base_revision": conditions.base, "dtype": conditions.dtype, "vae_tiling": conditions.vae_tiling}
    if {name: made.facts[name] for name in wanted} != wanted:
        made.clip.path.unlink()
        raise MachineError("The base, or the memory it is held in, has changed since the run began; run it again.")


def _score(
    clips: Mapping[tuple[str, Side], Path], config: Config, context: RunContext, fresh: bool
) -> dict[tuple[str, Side], ScoredClip]:
    """The clips scored and judged, on all cores."""

    def on_event(now: Event) -> None:
        if isinstance(now, Progress):
            context.progress("score", now.done, now.total)
            kept = f"{now.figures['clips']:g} of their scores are kept"
            context.raise_if_stopped(f"Stopped as asked; all clips and {kept}, and {_RESUMES}")

    order = ScoringOrder.of(config, fresh=fresh)
    scored = score_clips(list(clips.values()), order, context=RunContext(on_event))
    for clip in scored:
        if clip.error:
            raise VideoError(f"A clip that was just made cannot be scored: {clip.error}")
    return dict(zip(clips, scored, strict=True))


def _reload(plan: ValidationPlan, config: Config, context: RunContext, fresh: bool) -> ReloadResult:
    """The reload gate on the first clip of the style; on the first of all where there is no style."""
    trial = next((one for one in plan.trials if one.group == STYLE), plan.trials[0])
    key = plan.reload_key(trial)
    store: ContentStore[Any, ReloadResult] = ContentStore(config.root / WORK / "reload", ReloadResult)
    if not fresh and (known := store.read(key)) is not None:
        return known
    context.progress("reload", 0, 1)
    order, quiet = plan.order(trial, "adapter"), context.unwatched()
    with hold_accelerator(context):
        reloaded = reload_adapter(
            trial.name, order, plan.profile, plan.weights, plan.adapter, config, plan.machine, quiet
        )
    store.write(key, reloaded)
    context.progress("reload", 1, 1)
    return reloaded


def _lineage(plan: ValidationPlan, config: Config) -> Lineage:
    facts = {"base_revision": plan.weights.revision, "adapter_sha256": plan.adapter.sha256}
    return trace_lineage(facts, config.project)


def _notes_on(findings: Findings, scored: Sequence[ScoredClip]) -> list[str]:
    notes = list(dict.fromkeys(note for clip in scored for note in clip.notes))
    if findings.unmeasured:
        notes.append(f"of {findings.unmeasured} clips the trait could not be measured; they count as not showing it")
    return notes
