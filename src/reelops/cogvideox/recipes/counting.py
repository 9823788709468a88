"""Counting what a transformer computes: every block, its attention and its feed-forward layer, and on how many samples.

The counters wrap the innermost forward pass, beneath whatever caches put around it: what is skipped is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

PARTS = ("block", "attention", "feed_forward")


@dataclass
class Work:
    """What was computed, by part of a block; `attention` and `feed_forward` are empty where blocks are compiled.

    Attributes:
        calls: part -> times that each block's was computed.
        rows: part -> samples in all of these calls, of each block.
    """

    calls: dict[str, list[int]] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)

    def share(self, asked_rows: int) -> float:
        """The least share of asked-for samples that all blocks together computed of any part; 1 where none skipped."""
        shares = [sum(rows) / (asked_rows * len(rows)) for rows in self.rows.values() if rows and asked_rows]
        return min(shares, default=1.0)


@contextmanager
def forward_replaced(module: Any, forward: Callable[..., Any]) -> Iterator[None]:
    """The module with another forward pass; what it had is put back."""
    own = vars(module).get("forward")
    module.forward = forward
    try:
        yield
    finally:
        vars(module).pop("forward", None)
        if own is not None:
            module.forward = own


@contextmanager
def counted(transformer: Any, work: Work, within_blocks: bool) -> Iterator[None]:
    """Counts into `work`.

    Args:
        within_blocks: attention and feed-forward layers, too, which a compiled block hides.
    """
    blocks = transformer.transformer_blocks
    for part in PARTS if within_blocks else PARTS[:1]:
        work.calls[part], work.rows[part] = [0] * len(blocks), [0] * len(blocks)
    with ExitStack() as stack:
        for number, block in enumerate(blocks):
            parts = {"block": block, "attention": block.attn1, "feed_forward": block.ff}
            for part in work.calls:
                module = parts[part]
                stack.enter_context(forward_replaced(module, _counting(module.forward, work, part, number)))
        yield


def _counting(forward: Callable[..., Any], work: Work, part: str, number: int) -> Callable[..., Any]:
    @wraps(forward)
    def counting(*args: Any, **kwargs: Any) -> Any:
        work.calls[part][number] += 1
        work.rows[part][number] += len(kwargs["hidden_states"] if "hidden_states" in kwargs else args[0])
        return forward(*args, **kwargs)

    return counting
