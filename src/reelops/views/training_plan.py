"""How a plan of training is shown in a terminal: what fits which GPU, alone and several together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from reelops.cogvideox.training_memory import AdapterSize, TrainingWay
from reelops.views.console import out

Ways = Mapping[int, TrainingWay | None]
"""The best way to train on each size of GPU, in GB; None where none fits."""

_ESTIMATED = "Estimated from shapes, calibrated on published peaks; a run measures its own and says so."
_ON_A_PROCESSOR = "So small a base is trained on a processor, too, in as much of the machine's memory."


def show_training_plan(
    name: str, rank: int, targets: Sequence[str], size: AdapterSize, ways: Ways, shared: Mapping[int, Ways]
) -> None:
    """What is trained of a base, and how it fits each size of GPU.

    Args:
        shared: the ways by the number of GPUs that the base is divided among.
    """
    out.print(
        f"{name}, rank {rank} on {', '.join(targets)}: {size.trained:,} numbers are trained, "
        f"{size.share:.2%} of the {size.frozen:,} of the frozen transformer. The base in bfloat16, "
        "the adapter in float32, latents and captions encoded beforehand.",
    )
    smallest = min(ways)
    if ways[smallest] is not None and all(way == ways[smallest] for way in ways.values()):
        out.print(_on_one_gpu({smallest: ways[smallest]}))
        out.print(f"Larger GPUs, and several, take no more clips per pass. {_ON_A_PROCESSOR}")
        out.print(_ESTIMATED, style="dim")
        return
    out.print(_on_one_gpu(ways))
    out.print(
        "Several GPUs: with accelerate launch --multi_gpu each holds all of the base; with --use_fsdp --fsdp_version 2 "
        "its share and two blocks, which leaves room for more clips per pass:",
    )
    out.print(_on_several_gpus({1: ways, **shared}))
    out.print(_ESTIMATED, style="dim")


def _on_one_gpu(ways: Ways) -> Table:
    table = Table(box=SIMPLE_HEAD)
    titles = ("GPU", "Clips per pass", "Gradient checkpointing", "Optimizer", "Base", "Adapter", "Activations", "Peak")
    for title in titles:
        table.add_column(title, justify="left" if title == "Optimizer" else "right")
    for gb, way in ways.items():
        if way is None:
            table.add_row(f"{gb} GB", "does not fit", *[""] * 6)
            continue
        need = way.footprint
        sizes = (need.base, need.adapter, need.activations, need.peak)
        table.add_row(
            f"{gb} GB",
            str(way.micro_batch),
            "yes" if way.gradient_checkpointing else "no",
            way.optimizer,
            *(f"{size_bytes / 1e9:.1f} GB" for size_bytes in sizes),
        )
    return table


def _on_several_gpus(shared: Mapping[int, Ways]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for title in ("GPUs", "Base on each", *(f"Clips per pass in {gb} GB" for gb in shared[1])):
        table.add_column(title, justify="right")
    for shares, ways in shared.items():
        bases = {f"{way.footprint.base / 1e9:.1f} GB" for way in ways.values() if way is not None}
        table.add_row(str(shares), " ".join(bases) or "does not fit", *map(_clips_per_pass, ways.values()))
    return table


def _clips_per_pass(way: TrainingWay | None) -> str:
    if way is None:
        return "does not fit"
    return f"{way.micro_batch}" if way.gradient_checkpointing else f"{way.micro_batch}, not checkpointed"
