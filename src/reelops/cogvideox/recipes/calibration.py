"""The ratios that MagCache goes by: how large each step's change of the hidden states is beside the step's before.

They belong to a model and a schedule, and hardly to a prompt. So they are measured once, in a sampling without a cache,
and kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from reelops.cogvideox.recipes.caches import Magnitude
from reelops.cogvideox.recipes.finding import Run
from reelops.cogvideox.sampling_config import SamplingConfig
from reelops.foreign import NO_JSON
from reelops.system.files import write_text_atomically

_FOLDER = "recipes"


@contextmanager
def ratios_measured(transformer: Any) -> Iterator[list[float]]:
    """Of every pass within the block: the mean over tokens of |change| by |change of the pass before|; 1 to begin with.

    The change is what all blocks add to the video's hidden states.
    """
    import torch

    ratios: list[float] = []
    first, last = transformer.transformer_blocks[0], transformer.transformer_blocks[-1]
    given: Any = None
    before: Any = None

    def begin(_module: Any, _args: Any, kwargs: Any) -> None:
        nonlocal given
        given = kwargs["hidden_states"]

    def end(_module: Any, _args: Any, output: Any) -> None:
        nonlocal before
        change = torch.linalg.norm((output[0] - given).float(), dim=-1)
        ratios.append(1.0 if before is None else float((change / (before + 1e-8)).mean()))
        before = change

    hooks = [first.register_forward_pre_hook(begin, with_kwargs=True), last.register_forward_hook(end)]
    try:
        yield ratios
    finally:
        for hook in hooks:
            hook.remove()


def calibrate(run: Run, cache: Path, base_revision: str, sample: Callable[[SamplingConfig], object]) -> None:
    """Measures and keeps what the recipe's cache goes by, where that is not known.

    Args:
        sample: makes the clip with other settings, and without the recipe.
    """
    setting = run.named.recipe.cache
    if not isinstance(setting, Magnitude) or setting.ratios is not None or run.ratios is not None:
        return
    with ratios_measured(run.pipeline.transformer) as ratios:
        sample(replace(run.config, guided=None))
    keep_ratios(cache, base_revision, run.config, ratios)
    run.ratios = ratios


def kept_ratios(cache: Path, base_revision: str, config: SamplingConfig) -> Sequence[float] | None:
    """What was measured for a model and a schedule; None where nothing was."""
    try:
        kept = json.loads(_place(cache, base_revision, config).read_text(encoding="utf-8"))
        return [float(ratio) for ratio in kept["ratios"]]
    except (OSError, KeyError, TypeError, *NO_JSON):
        return None


def keep_ratios(cache: Path, base_revision: str, config: SamplingConfig, ratios: Sequence[float]) -> Path:
    """Keeps them, and says where.

    Raises:
        MachineError: the folder cannot be written to.
    """
    place = _place(cache, base_revision, config)
    place.parent.mkdir(parents=True, exist_ok=True)
    facts = {**_schedule(base_revision, config), "ratios": [round(ratio, 6) for ratio in ratios]}
    write_text_atomically(place, json.dumps(facts, indent=1) + "\n")
    return place


def _place(cache: Path, base_revision: str, config: SamplingConfig) -> Path:
    what = json.dumps(_schedule(base_revision, config), sort_keys=True)
    return cache / _FOLDER / f"{sha256(what.encode()).hexdigest()[:32]}.json"


def _schedule(base_revision: str, config: SamplingConfig) -> dict[str, Any]:
    return {
        "base_revision": base_revision,
        "scheduler": config.scheduler,
        "steps": config.steps,
        "guided": config.guidance > 1.0,
        "dynamic_guidance": config.dynamic_guidance,
    }
