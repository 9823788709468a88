"""The plan of a validation: which adapter, base, pictures, prompts and seeds, and whether anything forbids it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelops.clip import ClipOrder
from reelops.cogvideox.adapter_base import Base, require_base
from reelops.cogvideox.adapter_file import Adapter, read_adapter
from reelops.cogvideox.architecture import read_architecture
from reelops.cogvideox.clip_format import choose_format
from reelops.cogvideox.memory import plan_memory
from reelops.cogvideox.profiles import BASELINE, Profile, find_profile
from reelops.cogvideox.weights import Weights, locate_weights
from reelops.errors import SettingsError, WeightsError
from reelops.params import Config
from reelops.system.hardware import Machine, inspect_machine
from reelops.system.making import making_of
from reelops.tables.json_codec import to_plain
from reelops.training.params import TrainParams
from reelops.training.paths import ADAPTERS
from reelops.validation.clip_cache import CachedClip, ClipCache, ClipKey, Conditions
from reelops.validation.findings import Side
from reelops.validation.params import ValidateParams
from reelops.validation.reload import read_facts
from reelops.validation.trials import HeldOutPicture, Trial, find_pictures, note_on_style, plan_trials

WORK = Path(".cache/validate")
# What makes clips, and holds one against diffusers; both are scored and judged later, which has keys of its own.
_CLIPS, _RELOAD = "reelops.production.producer", "reelops.validation.reload"
_LATER = ("reelops.metrics", "reelops.gate")
# An adapter's clip goes first: one that does not fit its base is found out before anything is made for it.
_MAKING_ORDER: tuple[Side, ...] = ("adapter", "base")


@dataclass(frozen=True)
class ValidationPlan:
    """A validation that can begin.

    Attributes:
        facts: what training says of the adapter; empty for other people's.
        cache: clips that earlier runs made.
        other_base: the adapter was trained on another base, and is applied all the same.
        notes: for the user.
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
    cache: ClipCache
    other_base: bool
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        return str(self.facts.get("name") or self.adapter.path.parent.name)

    @property
    def clips(self) -> list[tuple[Trial, Side]]:
        """Every clip there is to make, in the order of making."""
        return [(trial, side) for trial in self.trials for side in _MAKING_ORDER]

    def order(self, trial: Trial, side: Side) -> ClipOrder:
        """What is made for one side of a trial: the bare clip of the profile's own size, as adapters are trained at."""
        adapter = self.adapter.path if side == "adapter" else None
        return ClipOrder(
            picture=trial.picture.path,
            prompt=trial.prompt,
            profile=self.params.profile,
            seed=trial.seed,
            adapter=adapter,
            other_base=self.other_base and adapter is not None,
            width=self.profile.width,
            height=self.profile.height,
            detail="off",
            recipe=BASELINE,
        )

    def key(self, trial: Trial, side: Side) -> ClipKey:
        adapter = self.adapter.sha256 if side == "adapter" else None
        return ClipKey(self.conditions, adapter, trial.picture.sha256, trial.prompt, trial.seed)

    def reload_key(self, trial: Trial) -> Mapping[str, Any]:
        """What the answer of the reload gate depends on."""
        making = making_of(_RELOAD, apart_from=_LATER)
        return {"clip": to_plain(self.key(trial, "adapter")), "facts": self.facts, "making": to_plain(making)}

    def cached(self, trial: Trial, side: Side) -> CachedClip | None:
        """The clip if an earlier run made it."""
        return self.cache.find(self.key(trial, side), self.order(trial, side))


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


def plan_validation(params: ValidateParams, adapter: Path, config: Config, other_base: bool = False) -> ValidationPlan:
    """Everything that would stop it later, checked now; nothing heavy is loaded.

    Args:
        other_base: hold the adapter against this base though it was trained on another one.

    Raises:
        SettingsError: there is no adapter, no picture, or no such profile.
        WeightsError: the base cannot be had, or the adapter was made for another one.
        PictureError: a picture cannot be read.
        MachineError: the base does not fit this machine.
    """
    profile = find_profile(params.profile, config)
    if profile.weights == "random":
        raise WeightsError(f"Profile {profile.name} has random weights; no adapter was trained on them.")
    found, facts = read_adapter(adapter), read_facts(adapter)
    weights = locate_weights(profile, config.cache)
    beside = Base(_text(facts.get("base")), _text(facts.get("base_revision")))
    base_notes = [
        note
        for stated in dict.fromkeys((found.base, beside))
        for note in require_base(found.path, stated, weights.identity, other_base)
    ]
    pictures, notes = find_pictures(params, config.root)
    machine = inspect_machine()
    return ValidationPlan(
        params=params,
        profile=profile,
        weights=weights,
        adapter=found,
        facts=facts,
        machine=machine,
        conditions=_conditions(profile, weights, machine),
        pictures=tuple(pictures),
        trials=tuple(plan_trials(params, pictures)),
        cache=ClipCache(config.root / WORK / "clips"),
        other_base=other_base,
        notes=(
            *weights.notes,
            *found.notes,
            *base_notes,
            *notes,
            *_notes_on(params, pictures),
            *note_on_style(params, config.root),
        ),
    )


def _text(fact: Any) -> str | None:
    return fact if isinstance(fact, str) else None


def _conditions(profile: Profile, weights: Weights, machine: Machine) -> Conditions:
    import torch

    architecture = read_architecture(weights.folder)
    clip = choose_format(profile, architecture)
    memory = plan_memory(architecture, clip, machine)
    return Conditions(
        base=weights.revision,
        steps=profile.steps,
        guidance=profile.guidance,
        dynamic_guidance=profile.dynamic_guidance,
        scheduler=profile.scheduler,
        format=clip,
        dtype=memory.dtype,
        vae_tiling=memory.vae_tiling,
        device=machine.gpus[0].name if machine.gpus else machine.cpu,
        threads=torch.get_num_threads(),
        making=making_of(_CLIPS, apart_from=_LATER),
    )


def _notes_on(params: ValidateParams, pictures: Sequence[HeldOutPicture]) -> list[str]:
    """Where there are fewer pictures than the groups of prompts ask for."""
    wanted = max(group.pictures for _, group in params.groups)
    photographs = len({picture.photograph for picture in pictures})
    notes = [] if len(pictures) >= wanted else [f"only {len(pictures)} pictures are here, of the {wanted} asked for"]
    if photographs < len(pictures):
        notes.append(f"the {len(pictures)} pictures are cut from {photographs} photographs, so they are less different")
    return notes
