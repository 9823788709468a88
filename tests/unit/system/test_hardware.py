"""What the processor is, beside what the system says of it."""

from __future__ import annotations

import os
import platform

import psutil
import pytest

from reelops.system.hardware import cores, inspect_processor


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
