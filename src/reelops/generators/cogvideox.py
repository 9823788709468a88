"""The generator behind every profile: a CogVideoX image-to-video model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from reelops.clip import ClipFormat, ClipOrder, WantedSize
from reelops.cogvideox.adapter_base import Base, require_base
from reelops.cogvideox.adapter_file import Adapter, read_adapter
from reelops.cogvideox.adapter_layers import adapter_applied
from reelops.cogvideox.clip_format import choose_format, nearest_shape
from reelops.cogvideox.imports import compiler_unused
from reelops.cogvideox.load import WARM_MODEL, LoadedModel, WarmModel
from reelops.cogvideox.memory import DoesNotFit, MemoryPlan
from reelops.cogvideox.profiles import KIND, Profile, find_profile
from reelops.cogvideox.recipes.recipe import NamedRecipe
from reelops.cogvideox.weights import locate_weights
from reelops.errors import OutOfMemory, WeightsError
from reelops.generators.base_prompt import model_prompt, notes_on
from reelops.generators.cogvideox_recipe import notes_of, recipe_facts, recipe_of, run_on
from reelops.generators.contract import Generation, GeneratorFacts
from reelops.generators.finish import Finish, plan_finish
from reelops.params import Config, load_config
from reelops.progress import QUIET, RunContext
from reelops.system.hardware import Machine
from reelops.system.out_of_memory import explaining_out_of_memory
from reelops.system.peak_memory import PeakMemory

if TYPE_CHECKING:
    from reelops.cogvideox.pace import Pace
    from reelops.cogvideox.recipes.finding import Finding
    from reelops.cogvideox.sampling import Sampled
    from reelops.cogvideox.sampling_config import SamplingConfig
    from reelops.video.picture import Picture

T = TypeVar("T")


class CogVideoXGenerator:
    """Makes the frames of an order with the base model that its profile names.

    Args:
        config: where profiles and caches are.
        machine: what to plan for; None looks at this machine when a model is loaded.
        dtype, offload: instead of what the plan would choose.
        warm_model: where the model stays loaded for the next order.
        calibrates: what a recipe goes by and is not known of the model is measured first, in a sampling of its own,
            and kept; otherwise such a recipe is refused.
    """

    kind = KIND
    needs_device = True

    def __init__(
        self,
        config: Config | None = None,
        machine: Machine | None = None,
        dtype: str | None = None,
        offload: str | None = None,
        warm_model: WarmModel = WARM_MODEL,
        calibrates: bool = False,
    ) -> None:
        self._config = config or load_config()
        self._warm_model = warm_model
        self._machine = machine
        self._dtype = dtype
        self._offload = offload
        self._calibrates = calibrates

    def check(self, order: ClipOrder) -> None:
        """See `Generator`."""
        self._plan(order)
        recipe_of(order, find_profile(order.profile, self._config), self._config)
        for path, strength in order.adapters:
            self._check_adapter(order, read_adapter(path, strength))

    def notes(self, order: ClipOrder) -> tuple[str, ...]:
        """See `Generator`."""
        return (*notes_on(order, find_profile(order.profile, self._config)), *self._plan(order)[1].notes)

    def plan(self, order: ClipOrder, picture: tuple[int, int]) -> tuple[ClipFormat, Finish]:
        """See `Generator`."""
        profile = find_profile(order.profile, self._config)
        clip = _clip_format(order, profile, picture[0] / picture[1])
        return clip, plan_finish(order, clip, picture, profile.size)

    def _plan(self, order: ClipOrder) -> tuple[ClipFormat, Finish]:
        from reelops.video.picture import probe_picture

        find_profile(order.profile, self._config)  # a name that is wrong is said whatever the picture is
        found = probe_picture(order.picture)
        return self.plan(order, (found.width, found.height))

    def generate(self, order: ClipOrder, context: RunContext = QUIET) -> Generation:
        """See `Generator`. All frames are there when it returns: the model makes them at once."""
        began = time.perf_counter()
        from reelops.cogvideox.recipes.applied import recipe_applied
        from reelops.cogvideox.recipes.calibration import calibrate
        from reelops.cogvideox.sampling import sample_frames
        from reelops.video.picture import read_picture

        profile = find_profile(order.profile, self._config)
        named, config = recipe_of(order, profile, self._config)
        adapters = [read_adapter(path, strength) for path, strength in order.adapters]
        clip, finish = self._plan(order)
        picture = read_picture(order.picture, clip.width, clip.height, order.fit)
        load_seconds = waited = 0.0

        def sample(model: LoadedModel) -> tuple[Sampled, tuple[str, ...], tuple[Finding, ...]]:
            nonlocal load_seconds
            load_seconds = time.perf_counter() - began - waited
            choose_format(profile, model.architecture, clip.num_frames, clip.width, clip.height)
            base = Base(model.base, model.base_revision)
            first = adapters[0] if adapters else None
            with adapter_applied(model.pipeline, first, base, order.other_base, adapters[1:]) as adapter_notes:
                prompt = model_prompt(order, profile)
                run = run_on(model, named, config, self._config)

                def frames(sampling: SamplingConfig, pace: Pace | None = None) -> Sampled:
                    return sample_frames(
                        model.pipeline, picture.rgb_HWC, prompt, clip, sampling, context, pace, run.encodings
                    )

                if self._calibrates:
                    calibrate(run, self._config.cache, model.base_revision, frames)
                with recipe_applied(run) as applied:
                    sampled = frames(config, run.pace)
                    findings = applied.findings()
            return sampled, adapter_notes, findings

        waits_since = time.perf_counter()
        with self._warm_model.exclusive(context), PeakMemory() as peak:
            waited = time.perf_counter() - waits_since
            model, (sampled, adapter_notes, findings), step_notes = self._within_memory(profile, named, sample, context)
        return Generation(
            frames=iter(sampled.frames_THWC),
            format=clip,
            picture_HWC=picture.rgb_HWC,
            facts=_facts(
                order,
                clip,
                finish,
                model,
                config,
                adapters,
                (*step_notes, *adapter_notes, *notes_of(named, findings)),
                picture,
                sampled,
                recipe_facts(named, findings),
            ),
            seconds={"device": waited, "load": load_seconds, **sampled.seconds},
            peak_memory_bytes=peak.bytes_used,
            finish=finish,
        )

    def _check_adapter(self, order: ClipOrder, adapter: Adapter) -> None:
        """Where the base is on this machine, that it is the adapter's; loading sees the others."""
        profile = find_profile(order.profile, self._config)
        if not adapter.base or profile.weights == "random":
            return
        try:
            base = locate_weights(profile, self._config.cache, download=False).identity
        except WeightsError:
            return  # it may still be downloaded; what is wrong with a folder is told when it is loaded
        require_base(adapter.path, adapter.base, base, order.other_base)

    @contextmanager
    def _let_go_when_out_of_memory(self) -> Iterator[None]:
        """A model that was too large for what is free is not the one that the next order finds warm."""
        try:
            yield
        except OutOfMemory:
            self._warm_model.unload()
            raise

    def _within_memory(
        self, profile: Profile, named: NamedRecipe, work: Callable[[LoadedModel], T], context: RunContext
    ) -> tuple[LoadedModel, T, tuple[str, ...]]:
        """What `work` does with the profile's model. Where memory runs out at it the model is held in a way that needs
        less, and once more, down to single layers on a GPU; the notes say so.

        Raises:
            OutOfMemory: there is no other way left.
        """
        failed: list[MemoryPlan] = []
        while True:
            known = len(failed)
            try:
                with self._let_go_when_out_of_memory():
                    model, done = self._tried(profile, named, work, failed, context)
            except OutOfMemory as error:
                if len(failed) == known:  # it came at loading
                    raise
                full = error.with_traceback(None)  # whose frames hold the model
            except DoesNotFit:
                if not failed:
                    raise
                raise full from None
            else:
                return model, done, _steps_down(failed, model.plan)

    def _tried(
        self,
        profile: Profile,
        named: NamedRecipe,
        work: Callable[[LoadedModel], T],
        failed: list[MemoryPlan],
        context: RunContext,
    ) -> tuple[LoadedModel, T]:
        with explaining_out_of_memory(f"loading {profile.name}", _WHAT_TO_DO):
            model = self._load(profile, named, context, failed[-1] if failed else None)
        if failed:
            context.log(f"Note: {_steps_down(failed, model.plan)[0]}", "warning")
        try:
            with explaining_out_of_memory(_doing(model), _WHAT_TO_DO), compiler_unused():
                return model, work(model)
        except OutOfMemory:
            failed.append(model.plan)
            raise

    def _load(self, profile: Profile, named: NamedRecipe, context: RunContext, below: MemoryPlan | None) -> LoadedModel:
        context.raise_if_stopped("Stopped as asked before loading; nothing was written.")
        context.progress("load", 0, 1)
        recipe = named.recipe
        offload = self._offload or recipe.offload
        try:
            model = self._warm_model.load(
                profile, self._machine, self._config.cache, self._dtype, offload, below, recipe.weights
            )
        except DoesNotFit as error:
            if recipe.offload is None or self._offload is not None:
                raise
            raise DoesNotFit(f"Recipe {named.name}, offload {recipe.offload}: {error}") from error
        context.progress("load", 1, 1)
        return model


def _clip_format(order: ClipOrder, profile: Profile, picture_aspect: float) -> ClipFormat:
    """The clip's format, checked against what is known of the base before its weights are at hand.

    Args:
        picture_aspect: width by height of the picture, whose shape the clip takes where the profile says so and the
            order names no other.
    """
    known = profile.known_architecture()
    width, height = order.width, order.height
    if known is not None and profile.picture_shape and width is None and height is None:
        wanted = None if order.size is None else WantedSize.parse(order.size).aspect
        width, height = nearest_shape(wanted or picture_aspect, known, profile.width, profile.height)
    if known is not None:
        return choose_format(profile, known, order.num_frames, width, height)
    return ClipFormat(
        order.num_frames or profile.num_frames, profile.fps, width or profile.width, height or profile.height
    )


_WHAT_TO_DO = (
    "Free it of other work and try again: the model is then held as what is free allows. A smaller or shorter clip "
    "(--width, --height, --num-frames), where the model makes one, needs less."
)


def _digest_of(adapters: Sequence[Adapter]) -> str | None:
    """The digest of an adapter; of several one of all their digests, which names the set in their order."""
    if len(adapters) <= 1:
        return adapters[0].sha256 if adapters else None
    return sha256(" ".join(one.sha256 for one in adapters).encode()).hexdigest()


def _told(adapter: Adapter) -> dict[str, object]:
    return {"adapter": str(adapter.path), "sha256": adapter.sha256, "strength": adapter.strength}


def _steps_down(failed: list[MemoryPlan], plan: MemoryPlan) -> tuple[str, ...]:
    """A note on the ways in which memory ran out, and the one that was taken; none where it did not."""
    if not failed:
        return ()
    tried = ", then with ".join(one.described for one in failed)
    return (f"memory ran out with {tried}; made with {plan.described}",)


def _doing(model: LoadedModel) -> str:
    plan = model.plan
    return f"making a clip with offload {plan.offload} (planned: {plan.peak_bytes / 1e9:.1f} GB)"


def _facts(
    order: ClipOrder,
    clip: ClipFormat,
    finish: Finish,
    model: LoadedModel,
    config: SamplingConfig,
    adapters: Sequence[Adapter],
    adapter_notes: tuple[str, ...],
    picture: Picture,
    sampled: Sampled,
    recipe: Mapping[str, Any],
) -> GeneratorFacts:
    import torch

    plan = model.plan
    adapter = adapters[0] if adapters else None
    given = model_prompt(order, model.profile)
    unguided = order.negative_prompt and config.guidance <= 1.0
    return GeneratorFacts(
        generator=CogVideoXGenerator.kind,
        profile=model.profile.name,
        base=model.base,
        base_revision=model.base_revision,
        seed=config.seed,
        picture_sha256=picture.sha256,
        notes=(
            *notes_on(order, model.profile),
            *finish.notes,
            *model.notes,
            *picture.notes,
            *(note for one in adapters for note in one.notes),
            *adapter_notes,
            *sampled.notes,
            *(("guidance is off, so the negative prompt changes nothing",) if unguided else ()),
        ),
        own={
            "adapter": str(adapter.path) if adapter else None,
            "adapter_sha256": _digest_of(adapters),
            "adapter_alpha": adapter.alpha if adapter else None,
            "adapter_rank": adapter.rank if adapter else None,
            "adapter_strength": adapter.strength if adapter else None,
            **({"more_adapters": [_told(one) for one in adapters[1:]]} if adapters[1:] else {}),
            "prompt": order.prompt,
            **({"model_prompt": given} if given != order.prompt else {}),
            "negative_prompt": order.negative_prompt,
            "steps": config.steps,
            "guidance": config.guidance,
            "dynamic_guidance": config.dynamic_guidance,
            "scheduler": config.scheduler,
            **recipe,
            "num_frames": clip.num_frames,
            "fps": str(clip.fps),
            "width": clip.width,
            "height": clip.height,
            "device": plan.device,
            "dtype": plan.dtype,
            "offload": plan.offload,
            "vae_tiling": plan.vae_tiling,
            "memory_plan": plan.reason,
            # Sums are split over threads, so their number belongs to what makes a clip bit-reproducible.
            "cpu_threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
            "random_weights": model.profile.weights == "random",
        },
    )
