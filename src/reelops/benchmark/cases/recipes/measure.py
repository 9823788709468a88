"""The same orders with each recipe, without, and without in as few steps as take as long."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from reelops.benchmark.case import Bench, as_typed
from reelops.benchmark.orders import varied
from reelops.benchmark.report import Figures
from reelops.clip import DEFAULT_PROFILE, ClipOrder
from reelops.cogvideox.profiles import BASELINE, find_profile
from reelops.cogvideox.recipes.recipe import RecipeRefused, recipe_names
from reelops.generators.cogvideox_recipe import recipe_of, sampling_seconds
from reelops.metrics.reference.psnr import psnr
from reelops.metrics.reference.structural_similarity import ssim
from reelops.optical_flow.working_size import luma
from reelops.params import Config
from reelops.production.producer import Producer, build_producer
from reelops.production.take import Take
from reelops.progress import RunContext
from reelops.scoring.comparison.paired import LEAST_PAIRS, Pair, bootstrap_interval, compare_pairs
from reelops.scoring.scored_clip import ScoredClip
from reelops.video.decode import read_frames


@dataclass(frozen=True)
class Plan:
    """What is held against what.

    Attributes:
        recipes: by name; none are all that the profile can be made with.
        steps, guidance: in place of the profile's.
        clips: of each way.
    """

    recipes: Sequence[str] = ()
    profile: str = DEFAULT_PROFILE
    steps: int | None = None
    guidance: float | None = None
    clips: int = LEAST_PAIRS

    @property
    def options(self) -> list[str]:
        """Those of `reelops benchmark recipes` that ask for it again."""
        given = {"--recipe": tuple(self.recipes), "--profile": self.profile, "--steps": self.steps}
        return as_typed({**given, "--guidance": self.guidance, "--clips": self.clips})

    def project(self, config: Config) -> Config:
        """The same project, whose profile has other steps and guidance: what recipes go by is the profile."""
        changes = {"steps": self.steps, "guidance": self.guidance}
        changes = {key: value for key, value in changes.items() if value is not None}
        profiles = config.content["profiles"]
        if not changes or self.profile not in profiles:
            return config
        changed = {**profiles, self.profile: {**profiles[self.profile], **changes}}
        return config.but(profiles=changed)


@dataclass(frozen=True)
class _Made:
    """One clip of one way; its file holds the frames as they were generated."""

    path: Path
    take: Take

    @property
    def seconds(self) -> float:
        """Of sampling, the model being loaded."""
        return sampling_seconds(self.take.seconds)

    @property
    def scored(self) -> ScoredClip:
        return ScoredClip(self.path, scores=self.take.scores, verdict=self.take.verdict)


def measure_recipes(plan: Plan, bench: Bench, context: RunContext) -> Figures:
    """Clips of all ways in turn, paired by picture, prompt and seed.

    A recipe that is refused is told of with its reason. So is a switch that changed nothing in some clip.

    Raises:
        SettingsError: there is no such recipe or profile.
        ReelOpsError: a clip could not be made.
    """
    config = plan.project(bench.config)
    profile = find_profile(plan.profile, config)
    producer, orders = build_producer(config), list(_orders(plan, bench))
    refused, ways = {}, {BASELINE: orders}
    for name in plan.recipes or [name for name in recipe_names(config) if name != BASELINE]:
        asked = [order.but(recipe=name) for order in orders]
        try:
            recipe_of(asked[0], profile, config)
            _make(producer, asked[0], bench.scratch / f"{name}-first", context)
        except RecipeRefused as error:
            refused[name] = str(error)
        else:
            ways[name] = asked
    plain = _warm_seconds(producer, orders[0], bench.scratch / "first", context)
    control_steps = {}
    for name in [name for name in ways if name != BASELINE]:
        share = _warm_seconds(producer, ways[name][0], bench.scratch / f"{name}-warm", context) / plain
        control_steps[name] = max(1, min(profile.steps, round(share * profile.steps)))
        ways[_control_of(name)] = [order.but(steps=control_steps[name]) for order in orders]
    made = _make_all(producer, ways, bench.scratch, context)
    return {
        "profile": plan.profile,
        "steps": profile.steps,
        "guidance": profile.guidance,
        "clips": plan.clips,
        "base": made[BASELINE][0].take.facts["base"],
        "seconds": _median(made[BASELINE]),
        "verdicts": _verdicts(made[BASELINE]),
        "recipes": {
            name: {
                **_beside(made[name], made[BASELINE]),
                "switches": _switches(made[name]),
                "control": {"steps": steps, **_beside(made[_control_of(name)], made[BASELINE])},
            }
            for name, steps in control_steps.items()
        },
        "refused": refused,
    }


def _control_of(name: str) -> str:
    return f"{name}, fewer steps"


def _orders(plan: Plan, bench: Bench) -> Iterator[ClipOrder]:
    for seed, prompt, picture in islice(varied(bench), plan.clips):
        yield ClipOrder(
            picture=picture,
            prompt=prompt,
            seed=seed,
            profile=plan.profile,
            recipe=BASELINE,
            detail="off",
            quality="lossless",
        )


def _make(producer: Producer, order: ClipOrder, stem: Path, context: RunContext) -> _Made:
    path = stem.with_name(f"{stem.name}.mp4")
    return _Made(path, producer.produce(order, path, context.unwatched(), track=False))


def _warm_seconds(producer: Producer, order: ClipOrder, stem: Path, context: RunContext) -> float:
    """Of a clip whose model was loaded, and whose blocks were compiled, for the one before it."""
    _make(producer, order, stem.with_name(f"{stem.name}-cold"), context)
    return _make(producer, order, stem, context).seconds


def _make_all(
    producer: Producer, ways: Mapping[str, Sequence[ClipOrder]], scratch: Path, context: RunContext
) -> dict[str, list[_Made]]:
    """Every order in all ways, one after the other, so that what else the machine does falls on all of them."""
    made: dict[str, list[_Made]] = {name: [] for name in ways}
    total = len(ways[BASELINE])
    for number in range(total):
        for place, (name, orders) in enumerate(ways.items()):
            context.raise_if_stopped("Stopped as asked; nothing was kept of this part.")
            context.progress("recipes", number, total, "clips", f"{name}, {number + 1} of {total}")
            made[name].append(_make(producer, orders[number], scratch / f"way{place}-{number}", context))
    return made


def _beside(made: Sequence[_Made], baseline: Sequence[_Made]) -> dict[str, Any]:
    """A way's clips beside those of the baseline."""
    near = [_nearness(one.path, other.path) for one, other in zip(made, baseline, strict=True)]
    pairs = [
        Pair(f"{number}", one.scored, other.scored)
        for number, (one, other) in enumerate(zip(made, baseline, strict=True))
    ]
    ratios = [other.seconds / one.seconds for one, other in zip(made, baseline, strict=True)]
    return {
        "seconds": _median(made),
        "times_as_fast": _with_interval(ratios),
        "psnr": _with_interval([one[0] for one in near]),
        "ssim": _with_interval([one[1] for one in near]),
        "verdicts": _verdicts(made),
        "differences": [asdict(one) for one in compare_pairs(pairs).differences],
    }


def _nearness(one: Path, other: Path) -> tuple[float, float]:
    """PSNR in dB and SSIM, means over all frames."""
    pairs = list(zip(read_frames(one), read_frames(other), strict=True))
    found = [
        (
            psnr(a.frame_HWC, b.frame_HWC),
            ssim(luma(a.frame_HWC).astype(np.float32), luma(b.frame_HWC).astype(np.float32)),
        )
        for a, b in pairs
    ]
    return statistics.fmean(one[0] for one in found), statistics.fmean(one[1] for one in found)


def _with_interval(values: Sequence[float]) -> dict[str, float | None]:
    low, high = bootstrap_interval(np.array(values)) if len(values) >= LEAST_PAIRS else (None, None)
    return {"mean": statistics.fmean(values), "low": low, "high": high}


def _median(made: Sequence[_Made]) -> float:
    return statistics.median(one.seconds for one in made)


def _verdicts(made: Sequence[_Made]) -> dict[str, int]:
    answers = [one.take.verdict.decision.value for one in made]
    return {answer: answers.count(answer) for answer in sorted(set(answers))}


def _switches(made: Sequence[_Made]) -> list[dict[str, Any]]:
    """What each switch did in the last clip, and in how many it changed something."""
    did = [one.take.facts["recipe_did"] for one in made]
    return [
        {**switch, "acted": sum(clip[number]["acts"] for clip in did), "clips": len(did)}
        for number, switch in enumerate(did[-1])
    ]
