"""Who is learnt from and who is held back: whole videos at a time, by a hash of each one's name.

The hash does not know what else there is, so a split holds when data is added. Where a publisher's word counts, a video
of which any clip is held back is held back as a whole, for the test first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from reelops.dataset.entry import Entry, Split
from reelops.dataset.metadata.params import SplitParams

# What is held back more strictly counts more.
_STRICTNESS: dict[Split | None, int] = {None: 0, "train": 1, "validation": 2, "test": 3}


def split_origins(entries: Iterable[Entry], params: SplitParams, seed: int) -> dict[str, Split]:
    """The split of every origin."""
    published: dict[str, Split | None] = {}
    for entry in entries:
        known = published.get(entry.origin)
        published[entry.origin] = max(known, entry.split, key=_STRICTNESS.__getitem__)
    return {origin: _split_of(origin, word, params, seed) for origin, word in published.items()}


def hashed_split(origin: str, params: SplitParams, seed: int) -> Split:
    """The split that an origin's name alone decides."""
    digest = hashlib.sha256(f"{seed}/split/{origin}".encode()).digest()
    place = int.from_bytes(digest[:8]) / 2**64
    if place < params.test:
        return "test"
    return "validation" if place < params.test + params.validation else "train"


def _split_of(origin: str, published: Split | None, params: SplitParams, seed: int) -> Split:
    kept = {"all": ("train", "validation", "test"), "held_out": ("validation", "test"), "ignore": ()}
    if published is not None and published in kept[params.published]:
        return published
    return hashed_split(origin, params, seed)
