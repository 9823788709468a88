"""Where memory runs out, on a GPU or in main memory: one line for a person, and nothing held on to."""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from reelops.errors import FREE_MEMORY, OutOfMemory, ReelOpsError, is_out_of_memory


@contextmanager
def explaining_out_of_memory(doing: str, what_to_do: str = FREE_MEMORY) -> Iterator[None]:
    """Within it whatever a library raises when memory runs out is an `OutOfMemory`; all else passes as it is.

    What the failed work held is let go of, so that the next try in this process does not begin with it.

    Args:
        doing: what needed the memory: "encoding clips in bfloat16".
        what_to_do: so that less is needed, or more is there; a sentence.

    Raises:
        OutOfMemory
    """
    try:
        yield
    except ReelOpsError:
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # their variables hold what was computed so far
        release_unused_memory()
        raise OutOfMemory.of(error, doing, what_to_do) from error


def release_unused_memory() -> None:
    """Gives back what nobody refers to any more, and on a GPU what torch's allocator keeps of it."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
