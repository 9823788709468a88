"""`reelops benchmark gpu`: clips and training of the 5B's architecture on this machine's GPU."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from reelops.benchmark.case import Bench, Case, Part
from reelops.benchmark.cases.gpu.clips import (
    clip_tables,
    clip_targets,
    measure_clips,
    measure_stages,
    stage_tables,
    stage_targets,
)
from reelops.benchmark.cases.gpu.shape import FULL, SMALL_SHAPE, GpuShape
from reelops.benchmark.cases.gpu.shared import measure_shared, shared_tables
from reelops.benchmark.cases.training.random_5b import RANDOM_5B, measure_random
from reelops.benchmark.report import Figures
from reelops.progress import RunContext


def _train_small(shape: GpuShape, _bench: Bench, context: RunContext) -> Figures:
    """The loop on the small architecture, on whatever is here."""
    from fractions import Fraction

    from reelops.clip import ClipFormat
    from reelops.cogvideox.architecture import named_architecture
    from reelops.system.hardware import inspect_machine
    from reelops.training.params import HeldOutParams, TrainParams

    params = TrainParams(
        name="random",
        profile=shape.architecture,
        rank=shape.rank,
        alpha=shape.rank,
        steps=shape.training_steps,
        held_out=HeldOutParams(every=0),
        checkpoint_every=shape.training_steps,
    )
    clip = ClipFormat(9, Fraction(8), 48, 32)
    device = inspect_machine().device
    return measure_random(named_architecture(shape.architecture), clip, params, device, context, "float32")


def gpu_case(small: bool = False) -> Case:
    """All parts, the most valuable first."""
    shape, options = (SMALL_SHAPE, ("--small",)) if small else (FULL, ())
    clip = "49 frames of 720x480 in bfloat16" if not small else "9 frames of 48x32 by a small network"
    return Case(
        name="gpu",
        title="The 5B's architecture on a GPU" if not small else "A small network, as the 5B's is measured on a GPU",
        measures="clips by the 5B's architecture with random weights, baseline beside recipes, memory, and training",
        report=Path("reports/gpu/small.json" if small else "reports/gpu/gpu.json"),
        with_torch=True,
        parts=(
            Part(
                "stages",
                f"{clip}: seconds of each stage and memory beside the plan, baseline and recipes",
                120,
                partial(measure_stages, shape),
                stage_tables,
                stage_targets,
                options=options,
            ),
            Part(
                "clips",
                f"{clip}: whole clips of {shape.steps} steps, the baseline beside the first recipe that works here",
                180,
                partial(measure_clips, shape),
                clip_tables,
                clip_targets,
                options=options,
            ),
            Part(
                "train",
                f"{shape.training_steps} training steps as `reelops train --plan` would take them",
                90,
                partial(_train_small, shape) if small else RANDOM_5B.measure,
                RANDOM_5B.tables,
                options=options,
            ),
            Part(
                "shared",
                f"{shape.training_steps} training steps on a base divided by FSDP2, in bfloat16",
                60,
                partial(measure_shared, shape),
                shared_tables,
                options=options,
            ),
        ),
    )
