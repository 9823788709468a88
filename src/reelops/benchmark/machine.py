"""What a benchmark ran on: the one description of the machine that all reports have."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

import cv2
from pydantic import BaseModel, ConfigDict

import reelops
from reelops.metrics.catalogue import METRICS_VERSION
from reelops.system.hardware import cores, inspect_machine, inspect_processor, memory

_LIBRARIES = ("av", "diffusers", "numba", "numpy", "torch")
_GB = 1e9


class MachineRecord(BaseModel):
    """Hardware, versions, and how busy it was.

    Attributes:
        cores: that the benchmark was allowed to use.
        ram_gb: in all, or the container's limit.
        gpus: by name; only where the benchmark could use one.
        load_before: load average over the minute before; much above 0, and seconds on the wall say little.
        threads: of libraries that start their own.
        versions: of ReelOps, of its metrics, and of the libraries that decide what is measured.
    """

    model_config = ConfigDict(frozen=True)

    processor: str
    cores: int
    ram_gb: float | None = None
    gpus: tuple[str, ...] = ()
    load_before: float | None = None
    threads: Mapping[str, int] = {}
    versions: Mapping[str, str] = {}


def record_machine(with_torch: bool = False) -> MachineRecord:
    """This machine, now.

    Args:
        with_torch: GPUs and torch's threads, too, which takes loading torch.
    """
    threads, gpus = {"opencv": cv2.getNumThreads()}, tuple[str, ...]()
    if with_torch:
        import torch

        threads["torch"], gpus = torch.get_num_threads(), tuple(gpu.name for gpu in inspect_machine().gpus)
    return MachineRecord(
        processor=f"{inspect_processor().name} ({platform.machine()})",
        cores=cores(),
        ram_gb=round(memory()[0] / _GB, 1),
        gpus=gpus,
        load_before=round(os.getloadavg()[0], 2),
        threads=threads,
        versions=_versions(),
    )


def _versions() -> dict[str, str]:
    own = {"reelops": reelops.__version__, "metrics": METRICS_VERSION, "python": platform.python_version()}
    return own | {"opencv": cv2.__version__} | {name: found for name in _LIBRARIES if (found := _installed(name))}


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@contextmanager
def limited_to(count: int | None) -> Iterator[None]:
    """Within, this thread, and what it starts, has so many cores at most; None leaves it all of them."""
    if count is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before, threads = os.sched_getaffinity(0), cv2.getNumThreads()
    os.sched_setaffinity(0, sorted(before)[:count])
    cv2.setNumThreads(min(threads, count))
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        os.sched_setaffinity(0, before)
