"""The machine we run on: processor, memory, accelerators."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reelops.errors import MachineError

# Instructions that decide how fast small networks run on a processor.
_WORTH_NAMING = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_bf16", "asimd", "bf16", "sve")


@dataclass(frozen=True)
class Processor:
    """Its name, and the instructions that it has beyond the common ones, as Linux calls them."""

    name: str
    features: frozenset[str] = frozenset()


@cache
def inspect_processor() -> Processor:
    """This machine's."""
    lines = _described()
    features = lines.get("flags") or lines.get("Features") or ""  # on x86 and on Arm
    name = lines.get("model name") or platform.processor() or platform.machine()
    return Processor(name, frozenset(features.split()))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _described() -> dict[str, str]:
    """What Linux says of the first core; nothing elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    lines: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        lines.setdefault(key.strip(), value.strip())
    return lines


@dataclass(frozen=True)
class Gpu:
    """A CUDA device.

    Attributes:
        free_bytes: known of the device that this process computes on alone: to ask another one takes a CUDA context on
            it, which holds about half a GB there for as long as the process lives.
        bf16: it computes in bfloat16 natively (compute capability 8 and up).
    """

    name: str
    total_bytes: int
    free_bytes: int | None
    bf16: bool
    capability: str = ""


@dataclass(frozen=True)
class Machine:
    """What is there to compute with.

    Attributes:
        ram_bytes: memory in all, or the container's limit where that is less.
        ram_free_bytes: what a new process can take without swapping.
        cpu_bf16: the processor multiplies in bfloat16 in hardware.
        gpus: CUDA devices; the first is the one that this process computes on.
    """

    cpu: str
    cores: int
    ram_bytes: int
    ram_free_bytes: int
    cpu_bf16: bool
    cpu_features: tuple[str, ...] = ()
    gpus: tuple[Gpu, ...] = ()

    @property
    def device(self) -> str:
        return "cuda" if self.gpus else "cpu"

    @property
    def free_bytes(self) -> int:
        """What is free where it computes: on its GPU, or in main memory."""
        if not self.gpus:
            return self.ram_free_bytes
        free = self.gpus[0].free_bytes
        assert free is not None, "the first GPU is the one that is asked"
        return free


def _number_in(path: str) -> int | None:
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def memory() -> tuple[int, int]:
    """Bytes in all and bytes free; a container's limit counts where it is lower than the host's memory."""
    import psutil

    machine = psutil.virtual_memory()
    limit, used = _number_in("/sys/fs/cgroup/memory.max"), _number_in("/sys/fs/cgroup/memory.current")
    if limit is None or limit >= machine.total:
        return int(machine.total), int(machine.available)
    return limit, max(0, min(int(machine.available), limit - (used or 0)))


def _gpus() -> tuple[Gpu, ...]:
    import torch

    if not torch.cuda.is_available():
        return ()
    own = _own_gpu()
    return tuple(_gpu(index, index == own) for index in sorted(range(torch.cuda.device_count()), key=own.__ne__))


def _own_gpu() -> int:
    """This process's device: of several processes each has the one of its local rank."""
    import torch

    rank = os.environ.get("LOCAL_RANK", "")
    return int(rank) % torch.cuda.device_count() if rank.isdecimal() else torch.cuda.current_device()


def _gpu(index: int, is_own: bool) -> Gpu:
    import torch

    properties = torch.cuda.get_device_properties(index)
    return Gpu(
        name=properties.name,
        total_bytes=int(properties.total_memory),
        free_bytes=int(torch.cuda.mem_get_info(index)[0]) if is_own else None,
        bf16=properties.major >= 8,
        capability=f"{properties.major}.{properties.minor}",
    )


def inspect_machine() -> Machine:
    """This machine, now.

    Raises:
        MachineError: torch is missing or broken, so nothing can be computed.
    """
    try:
        import torch
    except (ImportError, OSError) as error:
        raise MachineError(f"torch cannot be loaded ({error}). Install the project's requirements again.") from error
    processor = inspect_processor()
    ram, free = memory()
    return Machine(
        cpu=processor.name,
        cores=cores(),
        ram_bytes=ram,
        ram_free_bytes=free,
        cpu_bf16=bool({"avx512_bf16", "amx_bf16", "bf16"} & processor.features)
        and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()),
        cpu_features=tuple(name for name in _WORTH_NAMING if name in processor.features),
        gpus=_gpus(),
    )
