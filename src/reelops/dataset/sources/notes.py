"""One line for many things of a kind: the first of them by name, the others by their number."""

from __future__ import annotations

from dataclasses import dataclass

from reelops.dataset.entry import OnNote


@dataclass
class Tally:
    """Things of a kind that were met in a source.

    Attributes:
        first: what there is to say of the first one.
    """

    first: str = ""
    count: int = 0

    def add(self, words: str) -> None:
        self.first = self.first or words
        self.count += 1

    def say(self, on_note: OnNote) -> None:
        """Tells the first, and how many more there are; nothing where there is none."""
        if self.count:
            more = self.count - 1
            on_note(self.first + (f" (and {more:,} more like it)" if more else ""))
