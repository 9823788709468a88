"""Training steps on a base that is divided by FSDP2, in bfloat16: here with one process, which runs all of its code."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.gpu.shape import GpuShape
from reelops.benchmark.own_process import call_in_own_process
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.cogvideox.architecture import named_architecture
from reelops.progress import RunContext


def measure_shared(shape: GpuShape, _bench: Bench, context: RunContext) -> Figures:
    """Seconds of a step and memory.

    Raises:
        MachineError: there is no GPU, or the process that trained died.
    """
    shape.check()
    context.progress("shared", 0, 1)
    return call_in_own_process(_train, "trained on a shared base", shape.architecture, shape.training_steps, shape.rank)


def _train(name: str, steps: int, rank: int) -> dict[str, Any]:
    """In a process of its own, as a process joins one group in its life."""
    import tempfile
    from pathlib import Path

    import torch
    import torch.distributed

    from reelops.cogvideox.denoiser import predict_velocity, rotary_positions
    from reelops.cogvideox.lora import add_lora, lora_parameters
    from reelops.cogvideox.random_weights import random_transformer
    from reelops.system.hardware import inspect_machine
    from reelops.system.peak_memory import PeakMemory
    from reelops.training.launch import Launch, share_base

    architecture, device = named_architecture(name), torch.device(inspect_machine().device)
    with tempfile.TemporaryDirectory() as folder, PeakMemory() as peak:
        meeting = (Path(folder) / "meeting").as_uri()
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", meeting, rank=0, world_size=1)
        try:
            transformer = random_transformer(architecture, torch.bfloat16, "cpu")
            add_lora(transformer, rank, float(rank), ["to_q", "to_k", "to_v", "to_out.0"], 0)
            adapter = list(lora_parameters(transformer).values())
            transformer.enable_gradient_checkpointing()
            here = SimpleNamespace(device=device)
            network = share_base(transformer, adapter, Launch(1, shared=True), here, torch.bfloat16).train()
            optimizer = torch.optim.AdamW(adapter, 1e-4)
            height = architecture.native_height // architecture.spatial_ratio
            width = architecture.native_width // architecture.spatial_ratio
            frames, channels = architecture.latent_frames(architecture.native_frames), architecture.latent_channels
            draw = torch.Generator(device).manual_seed(0)
            clip = torch.randn(1, frames, channels, height, width, generator=draw, device=device)
            length, text_width = architecture.prompt_length, int(architecture.get("transformer", "text_embed_dim"))
            text = torch.randn(1, length, text_width, generator=draw, device=device)
            rotary = rotary_positions(transformer.config, (height, width), frames, device)
            took = []
            for _ in range(steps):
                began = time.perf_counter()
                velocity = predict_velocity(
                    network, clip, clip, text, torch.tensor([500], device=device), rotary, torch.bfloat16
                )
                loss = velocity.square().mean()
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                loss.item()
                took.append(time.perf_counter() - began)
        finally:
            torch.distributed.destroy_process_group()
    return {
        "steps": steps,
        "seconds_per_step": round(statistics.median(took[1:] or took), 4),
        "peak_gb": {kind: round(used / 1e9, 3) for kind, used in peak.bytes_used.items()},
        "loss_is_finite": bool(loss.isfinite()),
    }


def shared_tables(found: Figures) -> Iterator[Table]:
    """One row."""
    columns = {"Steps": "steps", "Seconds a step": "seconds_per_step", "Loss is finite": "loss_is_finite"}
    columns |= {f"{kind.replace('_', ' ')}, GB": kind for kind in found["peak_gb"]}
    yield Table.of("A base divided by FSDP2, bfloat16", [{**found, **found["peak_gb"]}], columns)
