"""The description of the machine, and how many of its cores are used."""

from __future__ import annotations

import os

import cv2
import torch

from reelops.benchmark.machine import limited_to, record_machine
from reelops.metrics.catalogue import METRICS_VERSION


def test_cores_are_limited_and_all_come_back() -> None:
    before = os.sched_getaffinity(0), cv2.getNumThreads()
    with limited_to(2):
        assert len(os.sched_getaffinity(0)) <= 2 and cv2.getNumThreads() <= 2
        assert record_machine().cores <= 2
    assert (os.sched_getaffinity(0), cv2.getNumThreads()) == before


def test_a_machine_is_described_with_what_decides_figures() -> None:
    found = record_machine()
    assert found.processor and found.cores >= 1 and found.ram_gb and found.ram_gb > 0
    assert found.versions["metrics"] == METRICS_VERSION and found.versions["opencv"] == cv2.__version__
    assert found.threads == {"opencv": cv2.getNumThreads()} and found.gpus == ()


def test_with_torch_its_threads_and_gpus_are_described_too() -> None:
    found = record_machine(with_torch=True)
    assert found.threads["torch"] == torch.get_num_threads()
    assert len(found.gpus) == torch.cuda.device_count()
