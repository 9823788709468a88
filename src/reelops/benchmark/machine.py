"""What a benchmark ran on: the one description of the machine that all reports have."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2
import numba
import numpy as np
from pydantic import BaseModel, ConfigDict

import reelops
from reelops.errors import MachineError
from reelops.metrics.suite import METRICS_VERSION
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


CORES = 2
"""Figures are stated for so many; where there are more, the rest is left alone."""

_CLI = (sys.executable, "-m", "reelops.cli")
_REJECTED = 3
_MB = 1e6


@dataclass(frozen=True)
class Ran:
    """A command that has ended.

    Attributes:
        wall: seconds from start to end.
        cpu: seconds of processor time, of the processes that it started and waited for, too.
        peak_mb: the most memory that one process had at once (resident set), in millions of bytes.
        output: what it printed.
    """

    wall: float
    cpu: float
    peak_mb: float
    output: str


def machine() -> dict[str, Any]:
    """What the figures are measured on, and how busy it was."""
    return {
        "processor": f"{inspect_processor().name} ({platform.machine()})",
        "cores": cores(),
        "load_before": round(os.getloadavg()[0], 2),
        "opencv": cv2.__version__,
        "opencv_threads": cv2.getNumThreads(),
        "numba": numba.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "reelops": reelops.__version__,
        "metrics_version": METRICS_VERSION,
    }


@contextmanager
def on_two_cores() -> Iterator[None]:
    """Within, this thread, and what it starts, has two processors at most."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    threads = cv2.getNumThreads()
    os.sched_setaffinity(0, sorted(before)[:CORES])
    cv2.setNumThreads(min(threads, CORES))
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        os.sched_setaffinity(0, before)


def score_command(arguments: Sequence[str], home: Path, params_file: Path, **environment: str) -> Ran:
    """`reelops score` in a process of its own.

    Args:
        arguments: of the command.
        home: where it keeps its stores.
        params_file: whose settings count.
        environment: variables on top of this process's.

    Raises:
        MachineError: it failed. Clips that are rejected are no failure.
    """
    variables = {"REELOPS_HOME": str(home), "REELOPS_PARAMS_FILE": str(params_file), **environment}
    return _run([*_CLI, "score", *arguments], {**os.environ, **variables})


def _run(command: Sequence[str], environment: Mapping[str, str]) -> Ran:
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment)  # noqa: S603 - our own
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode not in (0, _REJECTED):
            raise MachineError(f"{' '.join(command)} ended with {process.returncode}: {errors.read().strip()}")
        return Ran(wall, used.ru_utime + used.ru_stime, _peak_mb(used), output.read())


def _peak_mb(used: resource.struct_rusage) -> float:
    """Linux counts in units of 1024 bytes, macOS in bytes."""
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / _MB
