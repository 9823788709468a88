"""The stage `validate`: an adapter against its base, in a process of its own, from what training published.

    plan -> clips of both sides -> scores -> reload gate -> findings

Clips are kept as they are made, under .cache/validate, and scores in the store of all scores: a run that was stopped or
killed goes on where it was and finds the same, and the next adapter finds the base's clips made.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelops.clip import ClipOrder
from reelops.cogvideox.architecture import read_architecture
from reelops.cogvideox.clip_format import choose_format
from reelops.cogvideox.lora import Adapter, read_adapter
from reelops.cogvideox.memory import choose_dtype
from reelops.cogvideox.profiles import Profile, find_profile
from reelops.cogvideox.weights import Weights, locate_weights
from reelops.errors import Cancelled, PictureError, SettingsError, VideoError, WeightsError
from reelops.generators.catalogue import Generators
from reelops.generators.cogvideox import CogVideoXGenerator
from reelops.params import Config
from reelops.production.producer import build_producer
from reelops.production.take import UnjudgedClip
from reelops.progress import Event, OnProgress, Progress, RunContext, ShouldStop
from reelops.scoring.batch import ScoringOrder, score_clips
from reelops.scoring.scored_clip import ScoredClip
from reelops.system.exclusive_lock import exclusive_lock
from reelops.system.hardware import Machine, inspect_machine
from reelops.tables.content_store import ContentStore
from reelops.tables.json_codec import to_plain
from reelops.tracking.lineage import Lineage, code_digest, trace_lineage
from reelops.training.params import TrainParams
from reelops.training.paths import ADAPTERS
from reelops.validation.findings import STYLE, Findings, Side, Tried, find
from reelops.validation.kept import ClipKey, Conditions, KeptClip, KeptClips
from reelops.validation.params import ValidateParams
from reelops.validation.reload import Reloaded, read_facts, reload_adapter
from reelops.validation.trials import HeldOutPicture, Trial, find_pictures, plan_trials

WORK = Path(".cache/validate")
GOES_ON = "the same command goes on from there."
# The modules whose code decides a clip's frames.
_CODE = ("cogvideox/sampling.py", "cogvideox/conditioning.py", "cogvideox/lora.py", "video/picture.py")
# An adapter's clip goes first: one that does not fit its base is found out before anything is made for it.
_MAKING_ORDER: tuple[Side, ...] = ("adapter", "base")


@dataclass(frozen=True)
class Plan:
    """A validation that can begin.

    Attributes:
        facts: what training says of the adapter; empty for other people's.
        notes: what people should be told.
    """

    params: ValidateParams
    profile: Profile
    weights: Weights
    adapter: Adapter
    facts: dict[str, Any]
    machine: Machine
    conditions: Conditions
    pictures: tuple[HeldOutPicture, ...]
    trials: tuple[Trial, ...]
    store: KeptClips
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        return str(self.facts.get("name") or self.adapter.path.parent.name)

    @property
    def clips(self) -> list[tuple[Trial, Side]]:
        """Every clip there is to make, in the order of making."""
        return [(trial, side) for trial in self.trials for side in _MAKING_ORDER]

    def order(self, trial: Trial, side: Side) -> ClipOrder:
        adapter = self.adapter.path if side == "adapter" else None
        return ClipOrder(
            picture=trial.picture.path,
            prompt=trial.prompt,
            profile=self.params.profile,
            seed=trial.seed,
            adapter=adapter,
        )

    def key(self, trial: Trial, side: Side) -> ClipKey:
        adapter = self.adapter.sha256 if side == "adapter" else None
        return ClipKey(self.conditions, adapter, trial.picture.sha256, trial.prompt, trial.seed)

    def kept(self, trial: Trial, side: Side) -> KeptClip | None:
        return self.store.find(self.key(trial, side), self.order(trial, side))


@dataclass(frozen=True)
class Validated:
    """What came of a validation; `notes` is what people should be told."""

    plan: Plan
    findings: Findings
    lineage: Lineage
    seconds: float
    notes: tuple[str, ...]


def adapter_of(config: Config, given: Path | None) -> Path:
    """The adapter to validate: the given one, or the one that params.yaml trains.

    Raises:
        SettingsError: that one is not there.
    """
    if given is not None:
        return given
    folder = config.root / ADAPTERS / config.block("train", TrainParams).name
    if not folder.is_dir():
        raise SettingsError(f"There is no adapter at {folder} yet. Run `reelops train`, or name another one.")
    return folder


def plan_validation(params: ValidateParams, adapter: Path, config: Config) -> Plan:
    """Everything that would stop it later, checked now; nothing heavy is loaded.

    Raises:
        SettingsError: there is no adapter, no picture, or no such profile.
        WeightsError: the base cannot be had, or the adapter was made for another one.
        PictureError: a picture cannot be read.
    """
    profile = find_profile(params.profile, config)
    if profile.weights == "random":
        raise WeightsError(f"Profile {profile.name} has random weights; no adapter was trained on them.")
    found, facts = read_adapter(adapter), read_facts(adapter)
    weights = locate_weights(profile, config.cache)
    _check_base(found, facts, weights, profile)
    pictures, notes = find_pictures(params, config.root)
    machine = inspect_machine()
    return Plan(
        params=params,
        profile=profile,
        weights=weights,
        adapter=found,
        facts=facts,
        machine=machine,
        conditions=_conditions(profile, weights, machine),
        pictures=tuple(pictures),
        trials=tuple(plan_trials(params, pictures)),
        store=KeptClips(config.root / WORK / "clips"),
        notes=(*weights.notes, *found.notes, *notes, *_notes_on(params, pictures)),
    )


def validate_adapter(
    plan: Plan,
    config: Config,
    fresh: bool = False,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> Validated:
    """Makes, scores and compares.

    Args:
        fresh: make and score anew what is kept.

    Raises:
        ReelOpsError: a clip cannot be made, kept or scored.
        Cancelled: somebody asked to stop; what was made is kept.
    """
    began = time.monotonic()
    run = _Run(plan, config, fresh, on_progress or (lambda _: None), should_stop or (lambda: False))
    busy = f"another `reelops validate` works in {config.root}; wait until it has ended."
    with exclusive_lock(config.root / WORK / "lock", busy):
        scored = run.score(run.make())
        reloaded = run.reload()
    tried = [Tried(trial, scored[trial.name, "base"], scored[trial.name, "adapter"]) for trial in plan.trials]
    findings = find(plan.params, tried, reloaded)
    notes = [*plan.notes, *dict.fromkeys(note for clip in scored.values() for note in clip.notes)]
    if findings.unmeasured:
        notes.append(f"of {findings.unmeasured} clips the trait could not be measured; they count as not showing it")
    return Validated(plan, findings, run.lineage("adapter"), time.monotonic() - began, tuple(notes))


class _Run:
    """One run over a plan: its steps, each of which goes on from what is kept."""

    def __init__(self, plan: Plan, config: Config, fresh: bool, tell: OnProgress, should_stop: ShouldStop) -> None:
        self._plan, self._config, self._fresh = plan, config, fresh
        self._tell, self._should_stop = tell, should_stop
        kinds = {str(plan.profile.kind): lambda config: CogVideoXGenerator(config, plan.machine)}
        self._producer = build_producer(config, Generators(config, kinds))
        self._context = RunContext(should_stop=should_stop)

    def make(self) -> dict[tuple[str, Side], Path]:
        """The files of all clips, by trial and side."""
        wanted = self._plan.clips
        kept = {} if self._fresh else {one: clip for one in wanted if (clip := self._plan.kept(*one)) is not None}
        missing = [one for one in wanted if one not in kept]
        try:
            for done, (trial, side) in enumerate(missing):
                self._tell(Progress("make", done, len(missing)))
                kept[trial, side] = self._make(trial, side)
        except Cancelled as error:
            raise Cancelled(f"Stopped as asked; {len(kept)} of {len(wanted)} clips are kept, and {GOES_ON}") from error
        self._tell(Progress("make", len(missing), len(missing)))
        return {(trial.name, side): kept[trial, side].path for trial, side in wanted}

    def _make(self, trial: Trial, side: Side) -> KeptClip:
        order, key = self._plan.order(trial, side), self._plan.key(trial, side)
        made = self._producer.make(order, self._plan.store.place(key), self._context)
        self._check(made, trial)
        seconds = sum(value for stage, value in made.seconds.items() if stage != "load")
        return self._plan.store.keep(key, order, made.clip, seconds)

    def _check(self, made: UnjudgedClip, trial: Trial) -> None:
        """That the clip is the one that its key speaks of."""
        if made.facts["picture_sha256"] != trial.picture.sha256:
            made.clip.path.unlink()
            raise PictureError(f"{trial.picture.path} has changed since the run began; run it again.")
        conditions = self._plan.conditions
        assert (made.facts["base_revision"], made.facts["dtype"]) == (conditions.base, conditions.dtype)

    def score(self, clips: dict[tuple[str, Side], Path]) -> dict[tuple[str, Side], ScoredClip]:
        """The same, scored and judged on all cores."""
        order = ScoringOrder.of(self._config, fresh=self._fresh)

        def on_event(now: Event) -> None:
            if isinstance(now, Progress):
                self._tell(Progress("score", now.done, now.total))
                if self._should_stop():
                    kept = f"{now.figures['clips']:g} of their scores are kept"
                    raise Cancelled(f"Stopped as asked; all clips and {kept}, and {GOES_ON}")

        scored = score_clips(list(clips.values()), order, context=RunContext(on_event))
        for clip in scored:
            if clip.error:
                raise VideoError(f"A clip that was just made cannot be scored: {clip.error}")
        return dict(zip(clips, scored, strict=True))

    def reload(self) -> Reloaded:
        """The reload gate on the first clip of the style; on the first of all where there is no style."""
        trial = next((one for one in self._plan.trials if one.group == STYLE), self._plan.trials[0])
        key = {"clip": to_plain(self._plan.key(trial, "adapter")), "facts": self._plan.facts}
        store: ContentStore[Any, Reloaded] = ContentStore(self._config.root / WORK / "reload", Reloaded)
        if not self._fresh and (known := store.read(key)) is not None:
            return known
        self._tell(Progress("reload", 0, 1))
        plan, order = self._plan, self._plan.order(trial, "adapter")
        reloaded = reload_adapter(
            trial.name, order, plan.profile, plan.weights, plan.adapter, self._config, plan.machine, self._context
        )
        store.write(key, reloaded)
        self._tell(Progress("reload", 1, 1))
        return reloaded

    def lineage(self, side: Side) -> Lineage:
        facts = {"base_revision": self._plan.weights.revision}
        facts |= {"adapter_sha256": self._plan.adapter.sha256} if side == "adapter" else {}
        return trace_lineage(facts, self._config.root)


def _check_base(adapter: Adapter, facts: dict[str, Any], weights: Weights, profile: Profile) -> None:
    trained_on = facts.get("base_revision")
    if trained_on is not None and trained_on != weights.revision:
        raise WeightsError(
            f"Adapter {adapter.path} was trained on {facts.get('base')} {trained_on[:19]}, and profile {profile.name} "
            f"is {weights.base} {weights.revision[:19]}. Set validate.profile to its base, or train it anew."
        )


def _conditions(profile: Profile, weights: Weights, machine: Machine) -> Conditions:
    import torch

    return Conditions(
        base=weights.revision,
        steps=profile.steps,
        guidance=profile.guidance,
        dynamic_guidance=profile.dynamic_guidance,
        scheduler=profile.scheduler,
        format=choose_format(profile, read_architecture(weights.folder)),
        dtype=choose_dtype(machine)[0],
        device=machine.gpus[0].name if machine.gpus else machine.cpu,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        code=code_digest(_CODE),
    )


def _notes_on(params: ValidateParams, pictures: Sequence[HeldOutPicture]) -> list[str]:
    """Where there are fewer pictures than the groups of prompts ask for."""
    most = max(group.pictures for _, group in params.groups)
    photographs = len({picture.photograph for picture in pictures})
    notes = [] if len(pictures) >= most else [f"only {len(pictures)} pictures are here, of the {most} asked for"]
    if photographs < len(pictures):
        notes.append(f"the {len(pictures)} pictures are cut from {photographs} photographs, so they are less different")
    return notes
