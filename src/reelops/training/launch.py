"""What a run was launched as: one process, copies of the base on several devices, or shares of it.

    reelops train                                                              one process
    accelerate launch --multi_gpu -m reelops.cli train                         copies (DDP)
    accelerate launch --use_fsdp --fsdp_version 2 -m reelops.cli train         shares (FSDP2)

The adapter is whole on every device in all three: it is a hundredth of the base, so checkpoints, optimizers, clipping
and averages are the same code, and the same files. Shares are made with torch's own `fully_shard`, for accelerate knows
FSDP on GPUs only and this is the same on processors.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reelops.errors import LostProcess, OutOfMemory, ReelOpsError, SettingsError
from reelops.system.device_lock import on_device

if TYPE_CHECKING:
    import torch
    from torch.nn import Parameter

_TRUE = ("1", "true", "t", "yes", "y", "on")


@dataclass(frozen=True)
class Launch:
    """How many processes train, and whether each holds a share of the base rather than a copy.

    Attributes:
        free_after_forward: gather a block's shares again for the way back rather than keep it whole; slower, and what
            saves the memory.
        notes: for the user.
    """

    processes: int = 1
    shared: bool = False
    free_after_forward: bool = True
    notes: tuple[str, ...] = ()

    @property
    def shares(self) -> int:
        """Into how many parts the base is divided where a step needs most memory."""
        return self.processes if self.shared and self.free_after_forward else 1

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Launch:
        """What a launcher left in the environment.

        Raises:
            SettingsError: it asks for a way that is not supported.
        """
        processes = int(environment.get("WORLD_SIZE", "1"))
        for name, flag in (("DeepSpeed", "ACCELERATE_USE_DEEPSPEED"), ("Megatron-LM", "ACCELERATE_USE_MEGATRON_LM")):
            if _is_on(environment, flag):
                raise SettingsError(f"Training under {name} is not supported. {_WAYS}")
        if not _is_on(environment, "ACCELERATE_USE_FSDP"):
            return cls(processes, notes=_single_process_notes(environment))
        if environment.get("FSDP_VERSION", "1") != "2":
            raise SettingsError("FSDP is supported in its version 2 only; add --fsdp_version 2 to accelerate launch.")
        if _is_on(environment, "FSDP_OFFLOAD_PARAMS"):
            raise SettingsError(
                "The shares of the base stay on the devices; leave out --fsdp_offload_params, or take more devices."
            )
        free = _is_on(environment, "FSDP_RESHARD_AFTER_FORWARD", "true")
        return cls(processes, shared="WORLD_SIZE" in environment, free_after_forward=free)


_WAYS = "Use accelerate launch --multi_gpu, or --use_fsdp --fsdp_version 2 where the base does not fit one GPU."


def _is_on(environment: Mapping[str, str], flag: str, otherwise: str = "") -> bool:
    return environment.get(flag, otherwise).lower() in _TRUE


def _single_process_notes(environment: Mapping[str, str]) -> tuple[str, ...]:
    """`accelerate launch --cpu --num_processes 2` starts one process unless mpirun starts the others."""
    if "MASTER_PORT" not in environment or "WORLD_SIZE" in environment:
        return ()
    return (
        "accelerate launch --cpu started a single process; for several on processors use accelerate launch "
        "--multi_gpu --num_processes N, which needs no GPU",
    )


def accelerator_for(dtype: str, device: str) -> Any:
    """accelerate's view of this process, of the devices it was launched on."""
    from accelerate import Accelerator
    from accelerate.utils import DistributedDataParallelKwargs

    on_device(device)
    return Accelerator(
        mixed_precision="bf16" if dtype == "bfloat16" else "no",
        cpu=device == "cpu",
        # Buffers never change; sending position embeddings around at every step would take longer than the gradients.
        kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
    )


def share_base(
    transformer: Any, adapter: Iterable[Parameter], launch: Launch, accelerator: Any, dtype: torch.dtype
) -> Any:
    """Divides a frozen transformer among the devices, block by block; its adapter stays whole on each of them.

    A process reads one block at a time from the files that the weights are mapped from, and keeps its share of it: of
    the base, no process has more than that in memory at any moment. A block is gathered when its turn comes and given
    back after it. Gradients of the adapter are this process's own: see `average_gradients`.
    """
    import torch
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    from reelops.cogvideox.denoiser import place_base

    # The output is a view of the last block's, which matters to who writes into it; the loss does not.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    device = accelerator.device
    whole = set(adapter)
    mesh = init_device_mesh(device.type, (launch.processes,))
    with torch.no_grad():
        for parameter in whole:
            parameter.data = parameter.data.to(device)
    for block in transformer.transformer_blocks:
        place_base(block, dtype, device, whole)
        fully_shard(block, mesh=mesh, reshard_after_forward=launch.free_after_forward, ignored_params=whole)
    shared = {parameter for block in transformer.transformer_blocks for parameter in block.parameters()}
    place_base(transformer, dtype, device, whole | shared)
    return fully_shard(transformer, mesh=mesh, ignored_params=whole)


def average_gradients(adapter: Iterable[Parameter], accelerator: Any) -> None:
    """The mean of all processes' gradients in the place of each one's own, in one message."""
    import torch

    gradients = [parameter.grad for parameter in adapter if parameter.grad is not None]
    message = accelerator.reduce(torch.cat([gradient.flatten() for gradient in gradients]), "mean")
    for gradient, mean in zip(gradients, message.split([one.numel() for one in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


@contextmanager
def report_lost_ranks(launch: Launch) -> Iterator[None]:
    """Within it the end of another process is one line; torch reports it as a broken connection.

    Raises:
        LostProcess
    """
    try:
        yield
    except RuntimeError as error:
        if launch.processes == 1 or not _is_lost_connection(error):
            raise
        raise LostProcess(
            f"Another of the {launch.processes} processes of this run has ended; its message is above, unless it "
            "was killed. The last checkpoint is whole, and the same command resumes from there."
        ) from error


def _is_lost_connection(error: RuntimeError) -> bool:
    from torch.distributed import DistError

    message = str(error)
    return isinstance(error, DistError) or "gloo" in message or "Connection" in message


def is_rank_zero() -> bool:
    """Of all processes of a run: the one that writes and reports."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def report_on_rank_zero() -> Iterator[None]:
    """Within it a fault that all processes meet ends them all, and is reported by the first of each machine alone.

    One that a single process may meet, as memory that runs out on its device, is reported by whoever meets it.

    Raises:
        SystemExit: in the others, with the fault's own code.
    """
    try:
        yield
    except (LostProcess, OutOfMemory):
        raise
    except ReelOpsError as error:
        if os.environ.get("LOCAL_RANK", "0") == "0":
            raise
        raise SystemExit(error.exit_code) from None
