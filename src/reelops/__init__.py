"""ReelOps: one picture and a sentence become a short clip, and the factory behind it stays honest.

import reelops

take = reelops.generate("photo.jpg", "slow zoom in", output="clip.mp4")
print(take.verdict)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reelops.api import generate, score

__all__ = ["__version__", "generate", "score"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Loads the library when it is first used, so that importing the package takes no time."""
    if name in ("generate", "score"):
        return getattr(import_module("reelops.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
