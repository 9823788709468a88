"""Which clips are shown beside each other: all about equally often, in random order and on random sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

from reelops.errors import InputError

Clip = TypeVar("Clip")


def drawn_pairs(
    clips: Sequence[Clip], seen: Sequence[tuple[Clip, Clip]], draw: np.random.Generator
) -> Iterator[tuple[Clip, Clip]]:
    """Pairs (left, right), until all were shown: those first whose clips were shown least, among equals at random.

    Args:
        seen: pairs that were voted on before; they are not drawn again.

    Raises:
        InputError: there are fewer than two clips.
    """
    if len(clips) < 2:
        raise InputError("voting takes two clips at least; name a folder that holds more.")
    left_over = set(combinations(range(len(clips)), 2))
    number = {clip: place for place, clip in enumerate(clips)}
    shown: Counter[int] = Counter()
    for both in seen:
        places = sorted(number[clip] for clip in both if clip in number)
        shown.update(places)
        left_over.discard((places[0], places[-1]) if len(places) == 2 else (-1, -1))
    while left_over:
        rarest = min(shown[one] + shown[other] for one, other in left_over)
        rare = sorted(pair for pair in left_over if shown[pair[0]] + shown[pair[1]] == rarest)
        pair = rare[int(draw.integers(len(rare)))]
        left_over.remove(pair)
        shown.update(pair)
        left, right = pair if draw.random() < 0.5 else pair[::-1]
        yield clips[left], clips[right]
