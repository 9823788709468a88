"""What text encoder and VAE made of the prompts and pictures before, so that the next clip need not ask them again.

Both follow from their input alone, so a clip with what was kept equals one without, bit for bit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


@dataclass
class Encodings:
    """Of one loaded model.

    Attributes:
        most: prompts that are kept, and as many pictures; 0 keeps none.
        made, reused: how often something was encoded, and how often it was there.
    """

    most: int = 0
    made: int = 0
    reused: int = 0
    _kept: dict[str, OrderedDict[Hashable, Any]] = field(default_factory=dict, repr=False)

    def of(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, or gave when it was last asked for that key."""
        kept = self._kept.setdefault(kind, OrderedDict())
        if key in kept:
            self.reused += 1
            kept.move_to_end(key)
            found: T = kept[key]
            return found
        self.made += 1
        made = make()
        if self.most:
            kept[key] = made
        while len(kept) > self.most:
            kept.popitem(last=False)
        return made


def picture_key(picture_HWC: np.ndarray, *further: Hashable) -> Hashable:
    """What names a picture: its size and pixels, and what else its encoding depends on."""
    return (picture_HWC.shape, sha256(np.ascontiguousarray(picture_HWC).tobytes()).digest(), *further)
