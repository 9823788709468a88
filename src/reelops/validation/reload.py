"""The reload gate: what diffusers alone makes of the published file.

An adapter is handed over as a file. Validation that looks at weights in memory misses what gets lost on the way: alpha,
a renamed layer, a base of another revision. So one clip is made again by diffusers' own pipeline, which is given the
base's folder, the adapter's folder and the values of the order, and nothing else of ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from reelops.clip import ClipOrder
from reelops.cogvideox.adapter_file import WEIGHTS_NAME, Adapter
from reelops.cogvideox.adapter_layers import save_for_diffusers
from reelops.cogvideox.load import WARM_MODEL
from reelops.cogvideox.profiles import Profile
from reelops.cogvideox.weights import Weights
from reelops.errors import WeightsError
from reelops.foreign import NO_JSON, reason_of, refuse_machine_fault
from reelops.generators.catalogue import Generators
from reelops.generators.cogvideox import CogVideoXGenerator
from reelops.generators.contract import Generation
from reelops.params import Config
from reelops.production.producer import build_producer
from reelops.progress import QUIET, RunContext
from reelops.system.device_lock import on_device
from reelops.system.hardware import Machine
from reelops.system.out_of_memory import explaining_out_of_memory
from reelops.training.paths import ADAPTER_FACTS

_HOW_TO_MEND_FACTS = "Train the adapter again, or remove the file where the adapter is not one of ReelOps."


@dataclass(frozen=True)
class ReloadResult:
    """One clip by diffusers alone against the same clip by us, in grey levels of RGB values from 0 to 255.

    Attributes:
        trial: which clip.
        dtype: what both computed in.
        max_difference: the largest difference of any value.
        differing_share: share of values that differ at all.
        mean_difference: mean absolute difference.
        change: mean absolute difference between our clips with the adapter and without it.
        problems: what the file says of itself against what training said of it.
    """

    trial: str
    dtype: str
    max_difference: int
    differing_share: float
    mean_difference: float
    change: float
    problems: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The mean difference as a share of `change`; 1 where the adapter changes nothing and they still differ."""
        if not self.mean_difference:
            return 0.0
        return self.mean_difference / self.change if self.change else 1.0

    @property
    def words(self) -> str:
        if not self.max_difference:
            return "the same frames, bit for bit"
        levels = "1 grey level" if self.max_difference == 1 else f"{self.max_difference} grey levels"
        return (
            f"at most {levels} apart, in {self.differing_share:.2%} of the values; {self.share:.2%} of what it changes"
        )


def reload_adapter(
    trial: str,
    order: ClipOrder,
    profile: Profile,
    weights: Weights,
    adapter: Adapter,
    config: Config,
    machine: Machine,
    context: RunContext = QUIET,
) -> ReloadResult:
    """Makes the clip of an order with us, without the adapter, and with diffusers alone.

    On a processor both compute in float32, where they have to agree to a rounding of the last step; on a GPU in the
    number format that clips are made in, as the whole model may not fit in another.

    Args:
        order: with the adapter.

    Raises:
        Cancelled: somebody asked to stop.
    """
    dtype = "float32" if machine.device == "cpu" else None
    kinds = {str(profile.kind): lambda config: CogVideoXGenerator(config, machine, dtype)}
    producer = build_producer(config, Generators(config, kinds))
    ours = producer.frames(order, context)
    with_adapter = ours.read_frames().astype(np.int16)
    without = producer.frames(order.but(adapter=None), context).read_frames()
    WARM_MODEL.unload()  # two of them may not fit the memory
    context.raise_if_stopped("Stopped as asked before the reload gate; nothing was written.")
    facts = ours.facts.to_json()
    with explaining_out_of_memory("making a clip by diffusers alone"):
        theirs = _by_diffusers_alone(order, ours, facts, profile, weights, adapter)
    between = np.abs(with_adapter - theirs)
    return ReloadResult(
        trial=trial,
        dtype=str(facts["dtype"]),
        max_difference=int(between.max()),
        differing_share=float((between > 0).mean()),
        mean_difference=float(between.mean()),
        change=float(np.abs(with_adapter - without).mean()),
        problems=tuple(_contradictions(adapter)),
    )


def _by_diffusers_alone(
    order: ClipOrder,
    ours: Generation,
    facts: Mapping[str, Any],
    profile: Profile,
    weights: Weights,
    adapter: Adapter,
) -> np.ndarray:
    """Frames (T, H, W, 3) uint8; of ours only the picture at its size, the order's values and the number format."""
    import torch
    from diffusers import CogVideoXDPMScheduler, CogVideoXImageToVideoPipeline
    from PIL import Image

    clip = ours.format
    on_device(facts["device"])
    pipeline = CogVideoXImageToVideoPipeline.from_pretrained(
        str(weights.folder), dtype=getattr(torch, facts["dtype"]), use_safetensors=True, local_files_only=True
    )
    with TemporaryDirectory() as folder:
        file = adapter.path
        if not adapter.for_diffusers:
            file = Path(folder) / WEIGHTS_NAME
            save_for_diffusers(adapter, pipeline.transformer, file)
        pipeline.load_lora_weights(str(file.parent), weight_name=file.name)
    if facts["scheduler"] == "dpm":
        pipeline.scheduler = CogVideoXDPMScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    _hold_like(pipeline, facts)
    video = pipeline(
        image=Image.fromarray(ours.picture_HWC),
        prompt=order.prompt,
        height=clip.height,
        width=clip.width,
        num_frames=clip.num_frames,
        num_inference_steps=facts["steps"],
        guidance_scale=facts["guidance"],
        use_dynamic_cfg=facts["dynamic_guidance"],
        generator=torch.Generator("cpu").manual_seed(order.seed),
        max_sequence_length=profile.prompt_length,
        output_type="np",
    ).frames[0]
    frames: np.ndarray = (video * 255).round().astype(np.int16)
    return frames


def _hold_like(pipeline: Any, facts: Any) -> None:
    if facts["vae_tiling"]:
        pipeline.vae.enable_tiling()
    if facts["offload"] == "model":
        pipeline.enable_model_cpu_offload()
    elif facts["offload"] == "sequential":
        pipeline.enable_sequential_cpu_offload()
    else:
        pipeline.to(facts["device"])


def _contradictions(adapter: Adapter) -> list[str]:
    """Rank and alpha in the file's header against those that training wrote beside it."""
    facts = read_facts(adapter.path)
    stated = {"rank": adapter.rank, "alpha": adapter.alpha}
    return [
        f"{adapter.path.name} states {name} {value}, and it was trained with {facts[name]}"
        for name, value in stated.items()
        if name in facts and facts[name] != value
    ]


def read_facts(adapter: Path) -> dict[str, Any]:
    """What training wrote beside an adapter; empty where there is nothing, as with other people's adapters.

    Raises:
        WeightsError: it is damaged; without it the reload gate would compare with nothing.
        MachineError: it cannot be read on this machine now.
    """
    folder = adapter if adapter.is_dir() else adapter.parent
    if not adapter.is_dir() and adapter.name != WEIGHTS_NAME:
        return {}
    path = folder / ADAPTER_FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, *NO_JSON) as error:
        refuse_machine_fault(path, error)
        raise WeightsError(f"{path} cannot be read: {reason_of(error)}. {_HOW_TO_MEND_FACTS}") from error
    if not isinstance(facts, dict):
        raise WeightsError(f"{path} holds no facts of an adapter. {_HOW_TO_MEND_FACTS}")
    return facts
