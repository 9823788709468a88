"""The stage `fetch`: from params.yaml to the videos and two tables in `data/raw/<source>/`.

    plan -> listings -> the first shelf that has each video -> entries.jsonl, lost.jsonl

It may be killed at any moment and run again: what is there is not fetched again, and half-done downloads are resumed.
What is there and is no longer what is published is fetched again. A source that cannot be listed, or that names a place
which cannot be used, is lost by its name, and the others are fetched. Half-done files, archives and addresses that are
gone lie in `.cache/fetch/`, outside the stage's outputs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reelops.dataset.entry import Entry, Fetched, Lost
from reelops.dataset.fetch.depot import Depot, Notes
from reelops.dataset.fetch.download.downloader import Downloader
from reelops.dataset.fetch.download.tombstones import Tombstones
from reelops.dataset.fetch.known_files import KnownFiles
from reelops.dataset.fetch.listing import Listing, list_sources
from reelops.dataset.fetch.report import FetchResult, Preview, SourceReport, report_of
from reelops.dataset.fetch.unpacked import Unpacked
from reelops.dataset.location import hub_endpoint
from reelops.dataset.params import DatasetParams, open_source
from reelops.dataset.records import write_records
from reelops.dataset.sources.contract import JudgingShelf, Shelf, Source
from reelops.dataset.sources.folder_files import find_videos
from reelops.dataset.sources.shelves import find_among
from reelops.errors import DatasetError, DownloadError, InputError
from reelops.progress import QUIET, RunContext
from reelops.system.exclusive_lock import exclusive_lock

RAW = Path("data/raw")
WORK = Path(".cache/fetch")
STOPPED = "Stopped. What was fetched stays, and the next run resumes from there."

_REPORT_SECONDS = 0.2


@dataclass(frozen=True)
class FetchPlan:
    """A run of the stage that can begin.

    Attributes:
        params: the block `dataset` of params.yaml.
        root: the project's folder.
        sources: all of params.yaml, in its order.
        only: names of those that are fetched.
        offline: ask nobody on the network; what is here counts.
    """

    params: DatasetParams
    root: Path
    sources: tuple[Source, ...]
    only: frozenset[str]
    offline: bool = False


def plan_fetch(params: DatasetParams, root: Path, only: Sequence[str] = (), offline: bool = False) -> FetchPlan:
    """A run over some sources.

    Args:
        only: names of sources; empty means all.

    Raises:
        DatasetError: `only` names a source that is not in params.yaml.
    """
    sources = tuple(open_source(one, root) for one in params.sources)
    names = [source.name for source in sources]
    for name in only:
        if name not in names:
            raise DatasetError(f"params.yaml has no source {name!r}; it has {', '.join(names)}.")
    return FetchPlan(params, root, sources, frozenset(only or names), offline)


def run_fetch(plan: FetchPlan, context: RunContext = QUIET) -> FetchResult:
    """Fetches all that is to be fetched, and writes the tables. A source that fails says so in its report.

    Args:
        context: told several times a second how many clips are settled, of the source that `detail` names.

    Raises:
        MachineError: the disk is full, or another fetch is running.
        Cancelled: somebody asked to stop; what was fetched stays.
    """
    stones = _tombstones(plan.root)
    with _listed(plan, stones) as listings:
        reports = tuple(_fetch(listing, context) for listing in listings)
    return FetchResult(reports, len(stones.met), stones.oldest_met if stones.met else None)


def preview_fetch(plan: FetchPlan) -> list[Preview]:
    """What a run would do: fetches listings alone, and counts.

    Raises:
        MachineError: as `run_fetch`.
    """
    with _listed(plan, _tombstones(plan.root)) as listings:
        return [_preview(listing) for listing in listings]


def list_entries(plan: FetchPlan) -> dict[str, list[Entry]]:
    """What a run would fetch, by source; fetches listings alone.

    Raises:
        MachineError: as `run_fetch`.
        DatasetError, DownloadError: a source cannot be listed.
    """
    with _listed(plan, _tombstones(plan.root)) as listings:
        for listing in listings:
            if listing.failure:
                raise listing.failure
        return {listing.source.name: listing.entries for listing in listings}


def forget_gone(root: Path) -> int:
    """Lets addresses that were found gone be asked again; how many there were."""
    return _tombstones(root).forget()


def _tombstones(root: Path) -> Tombstones:
    return Tombstones(root / WORK / "gone.jsonl")


@contextmanager
def _listed(plan: FetchPlan, stones: Tombstones) -> Iterator[list[Listing]]:
    """The listings, with the network open and nobody else at work: two runs would write to the same half-done files."""
    busy = f"another `reelops fetch` works in {plan.root}; wait until it has ended."
    with exclusive_lock(plan.root / WORK / "lock", busy), _network(plan, stones) as downloader:
        sources = [(source, _depot(plan.root, source.name, downloader)) for source in plan.sources]
        yield list_sources(plan.params, sources, plan.only)


@contextmanager
def _network(plan: FetchPlan, stones: Tombstones) -> Iterator[Downloader]:
    downloader = Downloader(
        plan.params.download,
        plan.root / WORK / "partial",
        stones,
        threading.Event(),
        offline=plan.offline,
        tokens=_hub_token(),
    )
    try:
        yield downloader
    finally:
        downloader.close()


def _depot(root: Path, name: str, downloader: Downloader) -> Depot:
    work = root / WORK / name
    return Depot(
        root=root,
        videos=root / RAW / name / "videos",
        work=work,
        downloader=downloader,
        known=KnownFiles(work / "known"),
        unpacked=Unpacked(work / "unpacked.jsonl"),
        notes=Notes(),
    )


def _preview(listing: Listing) -> Preview:
    began = time.monotonic()
    here: list[Fetched] = []
    missing: list[Entry] = []
    shelves: Sequence[Shelf] = ()
    try:
        shelves = listing.source.shelves()
        here, missing = _here_already(listing.entries, shelves, listing.depot)
    except (InputError, DownloadError) as error:
        listing = replace(listing, failure=listing.failure or error)
    listing.depot.known.write("all")
    report = report_of(listing, here, [Lost(entry, ()) for entry in missing], began)
    return Preview(report, tuple(str(shelf) for shelf in shelves))


def _fetch(listing: Listing, context: RunContext) -> SourceReport:
    began, entries = time.monotonic(), listing.entries
    settled: dict[str, Fetched | Lost] = {}
    depot = replace(listing.depot, on_poll=_Reporting(listing, settled, context).poll)
    try:
        for answer in [] if listing.failure else _answers(entries, listing.source.shelves(), depot):
            settled[answer.entry.clip_id] = answer
            depot.on_poll()
    except (InputError, DownloadError) as error:
        listing = replace(listing, failure=error)
    reasons = (str(listing.failure),) if listing.failure else ()
    in_order = [settled.get(entry.clip_id, Lost(entry, reasons)) for entry in entries]
    got = [one for one in in_order if isinstance(one, Fetched)]
    lost = [one for one in in_order if isinstance(one, Lost)]
    depot.known.write("all")
    unlisted = str(listing.failure) if listing.failure and not entries else None
    write_records(depot.videos.parent, got, lost, depot.root, unlisted)
    return report_of(listing, got, lost, began)


class _Reporting:
    """Says how far a source is, not more often than anybody can read."""

    def __init__(self, listing: Listing, settled: dict[str, Fetched | Lost], context: RunContext) -> None:
        self._name, self._total, self._meter = listing.source.name, len(listing.entries), listing.depot.meter
        self._settled = settled
        self._context = context
        self._last = 0.0

    def poll(self) -> None:
        self._context.raise_if_stopped(STOPPED)
        if time.monotonic() - self._last < _REPORT_SECONDS:
            return
        self._last = time.monotonic()
        done, received_bytes = len(self._settled) + self._meter.under_way, self._meter.received_bytes
        self._context.progress("fetch", done, self._total, "clips", self._name, received_bytes=received_bytes)


def _answers(entries: list[Entry], shelves: Sequence[Shelf], depot: Depot) -> Iterator[Fetched | Lost]:
    """What became of each entry."""
    here, missing = _here_already(entries, shelves, depot)
    yield from here
    yield from _from_shelves(shelves, missing, depot)


def _here_already(entries: list[Entry], shelves: Sequence[Shelf], depot: Depot) -> tuple[list[Fetched], list[Entry]]:
    """What earlier runs brought and is still what is published: under its final name a video is whole."""
    videos = {path.stem: path for path in find_videos(depot.videos, depot.on_note) if path.is_file()}
    found = [(entry, find_among(videos, entry)) for entry in entries]
    files = {one.path: None for _, one in found if one}
    outdated: dict[Path, str] = {}
    for shelf in shelves:
        if isinstance(shelf, JudgingShelf):
            outdated |= shelf.outdated(list(files), depot)
    for path, reason in outdated.items():
        depot.on_note(f"{path.name} is fetched again: {reason}")
    here = [one for _, one in found if one and one.path not in outdated]
    return here, [entry for entry, one in found if one is None or one.path in outdated]


def _from_shelves(shelves: Sequence[Shelf], missing: list[Entry], depot: Depot) -> Iterator[Fetched | Lost]:
    """One answer for each entry: from the first shelf that has it, or what all of them said."""
    reasons: dict[str, tuple[str, ...]] = {}
    for shelf in shelves:
        if not missing:
            return
        left = []
        for answer in shelf.supply(missing, depot):
            if isinstance(answer, Fetched):
                yield answer
            else:
                reasons[answer.entry.clip_id] = (*reasons.get(answer.entry.clip_id, ()), *answer.reasons)
                left.append(answer.entry)
        missing = left
    yield from (Lost(entry, reasons.get(entry.clip_id, ())) for entry in missing)


def _hub_token() -> dict[str, str]:
    """The user's own token for the Hugging Face hub, where there is one."""
    from huggingface_hub import get_token

    token = get_token()
    return {"/".join(hub_endpoint().split("/")[:3]): token} if token else {}
