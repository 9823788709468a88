"""Which clips are taken where not all are: decided by a hash of each one's name, so that it holds when others come."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Sequence

from reelops.dataset.entry import Entry


def rank(entry: Entry, seed: int) -> int:
    """A clip's place among all clips: evenly spread, and the same whatever else is listed."""
    name = f"{seed}/{entry.source}/{entry.clip_id}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])


def choose(entries: Iterable[Entry], limit: int | None, seed: int) -> list[Entry]:
    """At most `limit` entries of a source, in its own order; memory grows with the limit, not with the source."""
    if limit is None:
        return list(entries)
    numbered = ((rank(entry, seed), number, entry) for number, entry in enumerate(entries))
    taken = heapq.nsmallest(limit, numbered, key=lambda one: one[:2])
    return [entry for _, _, entry in sorted(taken, key=lambda one: one[1])]


def share_out(total: int, weights: Sequence[float], available: Sequence[int]) -> list[int]:
    """How many each source gives of `total`, by weight; what one has not is shared among the others.

    Returns:
        Numbers that add up to `total`, or to all that is available.
    """
    counts = [0] * len(weights)
    while True:
        left = min(total, sum(available)) - sum(counts)
        able = [index for index, count in enumerate(counts) if count < available[index]]
        if not left or not able:
            return counts
        whole = sum(weights[index] for index in able)
        exact = {index: left * weights[index] / whole for index in able}
        given = {index: min(int(exact[index]), available[index] - counts[index]) for index in able}
        if not any(given.values()):
            # Fewer than one each: the largest fractions get them, the first of equals.
            for index in sorted(able, key=lambda index: -exact[index])[:left]:
                counts[index] += 1
            return counts
        for index, count in given.items():
            counts[index] += count
