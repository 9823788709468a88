"""What came of fetching a source, and of all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from reelops.dataset.entry import Fetched, Lost
from reelops.dataset.fetch.listing import Listing
from reelops.errors import ReelOpsError


@dataclass(frozen=True)
class SourceReport:
    """What became of one source.

    Attributes:
        listed: clips that its listings name, as far as they were read.
        wanted: clips that were chosen.
        here: videos that were there before this run.
        fetched: videos that this run brought.
        lost: entries without a video, each with its reasons.
        size_bytes: of all videos that are here.
        received_bytes: what came over the network.
        notes: what was left out or refused, a sentence each.
        failure: why the source ended early, or was not even listed; None where it did neither.
    """

    name: str
    listed: int
    wanted: int
    here: int
    fetched: int
    lost: tuple[Lost, ...]
    size_bytes: int
    received_bytes: int
    seconds: float
    notes: tuple[str, ...]
    failure: ReelOpsError | None = None

    @property
    def figures(self) -> dict[str, int]:
        """What does not depend on when and in how many runs it was fetched."""
        return {"wanted": self.wanted, "got": self.here + self.fetched, "lost": len(self.lost)}


@dataclass(frozen=True)
class FetchResult:
    """What came of a run.

    Attributes:
        sources: a report each, in the order of params.yaml.
        known_gone: addresses that were not asked, as an earlier run found them gone.
        gone_since: when the first of those was found (YYYY-MM-DD); None where there are none.
    """

    sources: tuple[SourceReport, ...]
    known_gone: int = 0
    gone_since: str | None = None


@dataclass(frozen=True)
class Preview:
    """What a run would do with a source: in its report, lost is what it would fetch; from `shelves`, in words."""

    report: SourceReport
    shelves: tuple[str, ...]


def report_of(listing: Listing, got: Sequence[Fetched], lost: Sequence[Lost], began: float) -> SourceReport:
    """The report of a source.

    Args:
        began: when work on it did, by `time.monotonic`.
    """
    depot = listing.depot
    return SourceReport(
        name=listing.source.name,
        listed=listing.listed,
        wanted=len(listing.entries),
        here=sum(not one.new for one in got),
        fetched=sum(one.new for one in got),
        lost=tuple(lost),
        size_bytes=sum(path.stat().st_size for path in {one.path for one in got} if path.is_file()),
        received_bytes=depot.meter.received_bytes,
        seconds=time.monotonic() - began,
        notes=depot.notes.all(),
        failure=listing.failure,
    )
