"""Memory that runs out is one line, whichever library it runs out in; all else stays what it is."""

from __future__ import annotations

import errno
import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from reelops.errors import Fault, MachineError, OutOfMemory, VideoError, fault_of, is_out_of_memory
from reelops.foreign import reading_foreign
from reelops.system.out_of_memory import explaining_out_of_memory

FAR_TOO_MUCH = 10**15
IN_MAIN_MEMORY = {
    "torch": lambda: torch.empty(FAR_TOO_MUCH),
    "numpy": lambda: np.empty(FAR_TOO_MUCH),
    "OpenCV": lambda: cv2.resize(np.zeros((10, 10, 3), np.uint8), (2**31 - 1, 2**30)),
    "Python": lambda: bytearray(FAR_TOO_MUCH * 100),
}
ON_A_GPU = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    torch.AcceleratorError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
]


def failing(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("library", IN_MAIN_MEMORY)
def test_each_librarys_own_way_to_run_out_of_main_memory_is_the_same_line(library: str) -> None:
    with pytest.raises(OutOfMemory) as caught, explaining_out_of_memory("encoding clips", "Encode fewer."):
        IN_MAIN_MEMORY[library]()
    assert str(caught.value) == "This machine ran out of memory encoding clips. Encode fewer."
    assert fault_of(caught.value) is Fault.MACHINE


@pytest.mark.parametrize("error", ON_A_GPU, ids=lambda error: type(error).__name__)
def test_a_gpu_that_is_full_is_called_one(error: Exception) -> None:
    said = r"^The GPU ran out of memory training\. Free it"
    with pytest.raises(OutOfMemory, match=said), explaining_out_of_memory("training"):
        failing(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("out of memory, says nobody who would know"),
        RuntimeError("shapes differ"),
        OSError(errno.ENOSPC, "full"),
        MachineError("the disk is full."),
        VideoError("not a video."),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_other_errors_pass_as_they_are(error: BaseException) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)) as caught, explaining_out_of_memory("training"):
        failing(error)
    assert caught.value is error


def test_memory_that_ran_out_behind_another_error_is_found() -> None:
    with pytest.raises(OutOfMemory) as caught, explaining_out_of_memory("reading samples"):
        try:
            failing(MemoryError())
        except MemoryError as error:
            raise RuntimeError("worker 3 has ended") from error
    assert is_out_of_memory(caught.value)


def test_what_the_failed_work_held_is_let_go_of_while_its_error_is_still_told() -> None:
    held = []

    def work() -> None:
        large = torch.zeros(8)
        held.append(weakref.ref(large))
        failing(MemoryError())

    with pytest.raises(OutOfMemory) as caught, explaining_out_of_memory("training"):
        work()
    assert caught.value.__cause__ is not None and held[0]() is None


def test_a_file_is_not_blamed_for_the_memory_that_reading_it_took() -> None:
    reading = reading_foreign(Path("weights.safetensors"), VideoError, "is damaged")
    with pytest.raises(OutOfMemory, match=r"ran out of memory reading weights\.safetensors"), reading:
        torch.empty(FAR_TOO_MUCH)
