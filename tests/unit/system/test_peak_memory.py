"""Peak memory is the peak, also when it is gone by the end."""

from __future__ import annotations

import mmap
import time

from reelops.system.peak_memory import PeakMemory


def test_memory_that_was_let_go_still_counts():
    with PeakMemory(every_seconds=0.005) as idle:
        time.sleep(0.02)
    # New pages from the kernel: the allocator of a process that did much before may have as much in reserve.
    with PeakMemory(every_seconds=0.005) as busy, mmap.mmap(-1, 150_000_000) as block:
        block.write(b"1" * 150_000_000)
        time.sleep(0.1)
        block.close()
    assert busy.bytes_used["rss"] - idle.bytes_used["rss"] > 100_000_000
