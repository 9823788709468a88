"""A trained adapter as a folder that people and diffusers can use: weights, facts and a card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from reelops.cogvideox.adapter_base import HEADER_KEY
from reelops.cogvideox.adapter_file import WEIGHTS_NAME
from reelops.cogvideox.lora import save_adapter
from reelops.system.digest import sha256_of
from reelops.system.files import write_folder_atomically
from reelops.training.loop import Loop, Outcome
from reelops.training.paths import ADAPTER_FACTS
from reelops.training.plan import TrainingPlan


@dataclass(frozen=True)
class PublishedAdapter:
    """An adapter in its folder.

    Attributes:
        sha256: of its weights' file.
        facts: what it says of itself; the same for the same run.
        notes: for the user.
    """

    folder: Path
    sha256: str
    facts: Mapping[str, Any]
    notes: tuple[str, ...]


def publish_adapter(plan: TrainingPlan, loop: Loop, outcome: Outcome) -> PublishedAdapter:
    """Writes the adapter's folder in one step; an earlier adapter of the same name is there until then.

    Raises:
        MachineError: the folder cannot be written, or the disk is full.
    """
    weights, step, notes = _chosen(plan, loop, outcome)
    facts = _facts(plan, outcome, step)
    adapter = plan.paths.adapter
    with write_folder_atomically(adapter) as folder:
        header = {HEADER_KEY: json.dumps(facts, sort_keys=True)}
        save_adapter(loop.components.transformer, weights, folder / WEIGHTS_NAME, header)
        (folder / ADAPTER_FACTS).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n")
        (folder / "card.md").write_text(_card(plan.params.name, facts))
    return PublishedAdapter(adapter, sha256_of(adapter / WEIGHTS_NAME), facts, notes)


def _chosen(plan: TrainingPlan, loop: Loop, outcome: Outcome) -> tuple[Mapping[str, Tensor], int, tuple[str, ...]]:
    """Weights, the step they are of, and what to say about the choice."""
    state = outcome.state
    if plan.params.publish == "last" or not loop.best:
        return loop.published(), state.step, ()
    if not state.best_step:  # the evaluation before the first step is of the base, which is no adapter to publish
        note = "no evaluation was better than the base without an adapter; the last step is published instead"
        return loop.published(), state.step, (note,)
    return loop.best, state.best_step, ()


def _facts(plan: TrainingPlan, outcome: Outcome, step: int) -> dict[str, Any]:
    params = plan.params
    return {
        "name": params.name,
        "base": plan.weights.base,
        "base_revision": plan.weights.revision,
        "data": plan.index.digest(),
        "clips": len(plan.index.of_split("train")),
        "rank": params.rank,
        "alpha": params.alpha,
        "targets": params.targets,
        "step": step,
        "identity": plan.identity,
        "ended": outcome.ended,
    }


def _card(name: str, facts: Mapping[str, Any]) -> str:
    rows = "\n".join(f"| {key.replace('_', ' ')} | {value} |" for key, value in facts.items() if key != "name")
    return (
        f"# {name}\n\nA LoRA for CogVideoX image-to-video, trained by `reelops train`.\n\n"
        f"| | |\n| --- | --- |\n{rows}\n\n"
        f'`reelops generate photo.jpg "..." --adapter models/adapters/{name}` applies it; so does diffusers\' own\n'
        f"`pipeline.load_lora_weights`, which finds rank and alpha in the file.\n"
    )
