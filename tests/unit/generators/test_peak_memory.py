"""Peak memory is the peak, also when it is gone by the end."""

from __future__ import annotations

import time

import numpy as np

from reelops.generators.peak_memory import PeakMemory


def test_memory_that_was_let_go_still_counts():
    with PeakMemory(every_seconds=0.005) as idle:
        time.sleep(0.02)
    with PeakMemory(every_seconds=0.005) as busy:
        block = np.ones(150_000_000, np.uint8)
        time.sleep(0.1)
        del block
    assert busy.bytes_used["rss"] - idle.bytes_used["rss"] > 100_000_000
