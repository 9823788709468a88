"""What the processor is, beside what the system says of it."""

from __future__ import annotations

import os
import platform

import psutil
import pytest

from reelops.system.hardware import cores, inspect_machine, inspect_processor


def test_cores_are_those_this_process_may_use():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system keeps no process to some cores")
    before = os.sched_getaffinity(0)
    assert cores() == len(psutil.Process().cpu_affinity())
    os.sched_setaffinity(0, {min(before)})
    try:
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_it_has_a_name_and_the_instructions_that_torch_sees():
    import torch

    processor = inspect_processor()
    assert processor.name
    if platform.machine() == "x86_64" and platform.system() == "Linux":
        capability = torch.backends.cpu.get_cpu_capability()
        assert ("avx2" in processor.features) == capability.startswith(("AVX2", "AVX512"))
        assert ("avx512f" in processor.features) == capability.startswith("AVX512")


@pytest.mark.parametrize(("rank", "own"), [(None, 0), ("0", 0), ("5", 5), ("9", 1)])
def test_a_process_asks_its_own_gpu_alone_for_what_is_free(pretend_gpus, monkeypatch, rank, own):
    """Asking another one opens a context there: eight processes on eight GPUs would have 64."""
    gpus = pretend_gpus(8, free_gb=33.0)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)
    machine = inspect_machine()
    assert gpus.contexts == [own]
    assert len(machine.gpus) == 8 and machine.gpus[0].name == f"GPU {own}"
    assert machine.free_bytes == 33_000_000_000
    assert [gpu.free_bytes for gpu in machine.gpus[1:]] == [None] * 7


def test_without_a_gpu_what_is_free_is_main_memory(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    machine = inspect_machine()
    assert machine.free_bytes == machine.ram_free_bytes > 0
