"""What every source does: name the files that list its clips, list them without their videos, say where videos are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import Field

from reelops.dataset.entry import Entry, Fetched, Lost, OnNote
from reelops.dataset.fetch.depot import Depot
from reelops.dataset.location import Location
from reelops.params import Amount, Count, ParamsBlock


class Shelf(Protocol):
    """A place that has videos of a source: a folder, an archive, addresses on the network, something that draws them.

    Its text is what people are told of it: `the folder ../msrvtt`.
    """

    def supply(self, entries: Sequence[Entry], depot: Depot, /) -> Iterator[Fetched | Lost]:
        """One answer for each entry, in any order. What is lost here may still be found on the next shelf.

        Raises:
            DatasetError: the place itself cannot be used, and the user can mend that.
            MachineError: the disk is full.
        """
        ...

    def __str__(self) -> str: ...


@runtime_checkable
class JudgingShelf(Protocol):
    """A shelf that knows what its files must be: by a published checksum, its own or that of each file."""

    def outdated(self, files: Sequence[Path], depot: Depot, /) -> dict[Path, str]:
        """Files of earlier runs that are not, or no longer, what is published; in words what is wrong with each.

        Raises:
            DatasetError: the file of checksums cannot be read.
        """
        ...


class Source(Protocol):
    """One source of params.yaml."""

    @property
    def name(self) -> str: ...

    def listings(self) -> Sequence[Location]:
        """The files that must be here before entries can be listed, small beside the videos."""
        ...

    def entries(self, listings: Sequence[Path], on_note: OnNote, /) -> Iterator[Entry]:
        """All clips, in the publisher's order, without looking for their videos.

        Args:
            listings: where the files of `listings()` are, in its order.
            on_note: told of what was left out, and why.

        Raises:
            DatasetError: a listing cannot be understood at all.
        """
        ...

    def shelves(self) -> Sequence[Shelf]:
        """Where videos may be, the best place first."""
        ...


class SourceParams(ParamsBlock):
    """What every source may be told in params.yaml.

    Attributes:
        name: what its clips, folder and reports are called; names the kind where it is not given.
        limit: at most so many clips; which ones follows from the seed, not from their order.
        weight: its share of `dataset.clips`, beside the weights of the other sources.
    """

    name: str = Field(default="", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$|^$")
    limit: Count | None = None
    weight: Amount = 1.0
