"""Clips that look alike across splits: what is learnt from must not show what is held back.

Each clip is known by the hashes of some of its pictures. Two clips look alike if at least half of the pictures of one
of them have a partner in the other, a hash that differs in a few bits. Of two the one that is held back more strictly
stays: test before validation before train.

Partners are found without comparing all with all: 64 bits are cut into four bands of 16. Hashes that differ in at most
seven bits have a band that differs in one at most, so looking up 17 values in each of four tables finds every one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reelops.dataset.entry import Split

_BANDS, _BAND_BITS = 4, 16
MOST_BITS = 2 * _BANDS - 1
_PROBES = (0, *(1 << bit for bit in range(_BAND_BITS)))
# Of so many clips that show the same picture the first ones are asked; more would find the same.
_MOST_OWNERS = 32
_STRICTEST_FIRST: tuple[Split, ...] = ("test", "validation", "train")


@dataclass(frozen=True)
class Look:
    """A clip as far as this matters."""

    clip_id: str
    split: Split
    hashes: tuple[int, ...]


def find_duplicates(looks: Sequence[Look], most_bits: int) -> dict[str, tuple[str, int, int]]:
    """Clips that must go: by clip id the other clip's id, how many pictures match, and of how many.

    Args:
        looks: by clip id, so that the same clips give the same answer.
        most_bits: in which two hashes that look alike may differ, at most seven.
    """
    gone: dict[str, tuple[str, int, int]] = {}
    index = HashIndex(most_bits)
    for split in _STRICTEST_FIRST:
        fresh = [look for look in looks if look.split == split]
        for look in fresh:
            if (match := _match(look, index)) is not None:
                gone[look.clip_id] = match
        if split != _STRICTEST_FIRST[-1]:
            index.add(look for look in fresh if look.clip_id not in gone)
    return gone


class HashIndex:
    """Finds the clips that have a picture like a given one."""

    def __init__(self, most_bits: int) -> None:
        if not 0 <= most_bits <= MOST_BITS:
            raise ValueError(f"hashes within {most_bits} bits cannot be looked up; {MOST_BITS} is the most")
        self._most_bits = most_bits
        self._bands: list[dict[int, list[int]]] = [defaultdict(list) for _ in range(_BANDS)]
        self._owners: dict[int, list[str]] = {}
        self.hashes: dict[str, tuple[int, ...]] = {}

    def add(self, looks: Iterator[Look]) -> None:
        for look in looks:
            self.hashes[look.clip_id] = look.hashes
            for one in look.hashes:
                if one not in self._owners:
                    self._owners[one] = []
                    for band, value in enumerate(_bands(one)):
                        self._bands[band][value].append(one)
                if len(self._owners[one]) < _MOST_OWNERS:
                    self._owners[one].append(look.clip_id)

    def like(self, wanted: int) -> set[str]:
        """Clips that have a picture whose hash differs from this one in few bits."""
        near = {
            one
            for band, value in enumerate(_bands(wanted))
            for probe in _PROBES
            for one in self._bands[band].get(value ^ probe, ())
            if (one ^ wanted).bit_count() <= self._most_bits
        }
        return {owner for one in near for owner in self._owners[one]}


def _match(look: Look, index: HashIndex) -> tuple[str, int, int] | None:
    """The clip in the index that looks most like it, if one does."""
    theirs: Mapping[str, int] = Counter(owner for one in look.hashes for owner in index.like(one))
    best: tuple[float, str, int, int] | None = None
    for other in sorted(theirs):
        # Each side's own share counts: a long clip may hold all of a short one.
        mine, whole = theirs[other], min(len(look.hashes), len(index.hashes[other]))
        share = min(1.0, mine / whole)
        if share >= 0.5 and (best is None or share > best[0]):
            best = share, other, min(mine, whole), whole
    return best[1:] if best else None


def _bands(value: int) -> tuple[int, ...]:
    return tuple(value >> (band * _BAND_BITS) & 0xFFFF for band in range(_BANDS))
