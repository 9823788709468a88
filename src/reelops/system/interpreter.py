"""How the process of a command of ours is set up: it starts and ends sooner, and leaves other processes their share."""

from __future__ import annotations

import atexit
import gc
import os

# torch, diffusers and transformers make a million objects while they are imported, and keep them. By Python's own 700,
# a quarter of the time that importing takes goes into looking for garbage among them.
_NEW_OBJECTS_PER_COLLECTION = 50_000


def configure_interpreter() -> None:
    """For a process that is ours alone, before torch is imported; results do not change.

    OpenMP's threads sleep while they wait for work. By default they spin, and where another process is busy, each keeps
    the core from the thread that it waits for. A user's own OMP_WAIT_POLICY counts.

    Garbage is looked for less often, and no more at the end of the process, which returns all memory anyhow.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _, *older = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS_PER_COLLECTION, *older)
    atexit.register(gc.freeze)
