"""How samples come to the loop: read by other processes, or in its own, one pass of a device after the other."""

from __future__ import annotations

import signal
from collections.abc import Generator

import torch
from torch.utils.data import DataLoader

from reelops.training.samples import MicroBatches, Sample, TrainingSamples


def read_batches(samples: TrainingSamples, order: MicroBatches, workers: int, pinned: bool) -> Generator[Sample]:
    """The samples of each pass, stacked. Closing it ends the processes that read: they do not hear signals.

    Args:
        workers: processes that read; 0 reads here.
        pinned: in memory from which a GPU copies faster.
    """
    loader: DataLoader[Sample] = DataLoader(
        samples,
        batch_sampler=order,
        num_workers=workers,
        pin_memory=pinned,
        worker_init_fn=_ignore_stop_signals,
        generator=torch.Generator(),  # else it draws a number from the process's own
    )
    batches = iter(loader)
    try:
        yield from batches
    finally:
        # What a reader raised holds all of them in a cycle of references, so dropping them does not end them.
        if workers:
            batches._shutdown_workers()  # type: ignore[attr-defined]  # of the iterator over several processes


def _ignore_stop_signals(_worker: int) -> None:
    """Signals reach all processes of a terminal or a service; a reader that ended by one would break the last step."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
