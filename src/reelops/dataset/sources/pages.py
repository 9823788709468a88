"""Videos that only a web page shows, fetched with yt-dlp by people who may, and cut to the clip."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reelops.dataset.entry import Entry, Fetched, Lost, Segment
from reelops.dataset.fetch.depot import Depot
from reelops.dataset.fetch.download.disk import Claim
from reelops.dataset.fetch.download.failures import Stopped
from reelops.errors import (
    DownloadError,
    MachineError,
    SettingsError,
    this_machine_failed,
)
from reelops.foreign import reading_foreign, reason_of
from reelops.system.worker_pool import JobProgress, ReportProgress, run_jobs
from reelops.system.write_errors import machine_error_on_write
from reelops.video.decode import read_frames
from reelops.video.encode import EncoderProfile, encode
from reelops.video.probe import probe

# One file without a second one for sound, which ffmpeg would have to join; no taller than training needs.
_FORMAT = "bv[height<=720][protocol^=http]/b[height<=720][protocol^=http]/b[protocol^=http]/b"
# What sites say of videos that will not come back, in lower case.
_GONE_WORDS = ("video unavailable", "private video", "has been removed", "account associated with this video has been")
# Nothing is to be lost in a copy that is only cut.
_CUT = EncoderProfile("cut", "libx264", "yuv420p", MappingProxyType({"preset": "veryfast", "crf": "16"}))


@dataclass(frozen=True)
class PageShelf:
    """The pages of the entries. A whole video is fetched, cut, and deleted; a stopped fetch of one is resumed."""

    def __str__(self) -> str:
        return "the videos' own pages, by yt-dlp"

    def supply(self, entries: Sequence[Entry], depot: Depot) -> Iterator[Fetched | Lost]:
        _require_yt_dlp()
        groups: dict[str, list[Entry]] = {}
        for entry in entries:
            groups.setdefault(entry.page or "", []).append(entry)
        for page, group in groups.items():
            if not page:
                yield from (Lost(entry, ("no page is published for it",)) for entry in group)
        jobs = (partial(_bring, page, group, depot) for page, group in groups.items() if page)
        for answers in depot.run(jobs):
            yield from answers


def _require_yt_dlp() -> None:
    try:
        import yt_dlp  # noqa: F401 - only whether it is here
    except ImportError as error:
        raise SettingsError(
            'Pages are fetched with yt-dlp, which is not here; pip install "reelops[youtube]".'
        ) from error


def _bring(page: str, entries: list[Entry], depot: Depot) -> list[Fetched | Lost]:
    if stone := depot.downloader.tombstones.find(page):
        return [Lost(entry, (f"{page}: {stone.reason}",)) for entry in entries]
    if depot.downloader.offline:
        return [Lost(entry, (f"{page}: not asked, the run is offline",)) for entry in entries]
    folder = depot.work / "pages" / entries[0].video_id
    try:
        whole = _download(page, folder, depot)
    except DownloadError as error:
        return [Lost(entry, (f"{page}: {error}",)) for entry in entries]
    answers = list(_cuts(whole, entries, depot))
    shutil.rmtree(folder, ignore_errors=True)
    return answers


def _cuts(whole: Path, entries: Sequence[Entry], depot: Depot) -> Iterator[Fetched | Lost]:
    """The segments of a whole video, each a file of its own; cut in another process, which a strange video may end.

    Raises:
        MachineError: this machine cannot read or write it now; nothing is known of the video.
        Stopped: the run is to end.
    """
    jobs = [_Cut(whole, entry.segment, depot.videos / f"{entry.clip_id}.mp4") for entry in entries]
    with closing(run_jobs(_cut, jobs, 1, partial(_raise_if_stopping, depot))) as answers:
        for answer in answers:
            if isinstance(answer, JobProgress):
                continue
            answer.raise_machine_fault(whole)
            entry = entries[answer.index]
            if answer.error:
                yield Lost(entry, (f"{entry.page}: {answer.error}",))
            else:
                yield Fetched(entry, jobs[answer.index].target, new=True)


@dataclass(frozen=True)
class _Cut:
    """What to cut of a whole video, all of it where no segment is given, and the file that it becomes."""

    whole: Path
    segment: Segment | None
    target: Path


def _cut(job: _Cut, _report: ReportProgress) -> None:
    info = probe(job.whole)
    segment = job.segment or Segment(info.duration * 0, info.duration)
    # An uneven rate becomes its even average: a tick shows the frame of that moment.
    frames = read_frames(job.whole, fps=info.fps, start=segment.start, stop=segment.end, on_damage=lambda _: None)
    encode((shown.frame_HWC for shown in frames), job.target, info.fps, _CUT)


def _raise_if_stopping(depot: Depot) -> None:
    if depot.stopping.is_set():
        raise Stopped("stopped")


def _download(page: str, folder: Path, depot: Depot) -> Path:
    """The whole video in `folder`, where a stopped run left what it had of it.

    Raises:
        DownloadError: yt-dlp cannot get it.
        Stopped: the run is to end.
    """
    import yt_dlp

    class IntoFolder(yt_dlp.YoutubeDL):  # type: ignore[misc] # it has no types
        """Its own way to a path takes "%" and "$" in the name of a project's folder for fields and variables."""

        def get_output_path(self, _kind: str = "", filename: str | None = None) -> str:
            return str(folder / (filename or ""))

    with machine_error_on_write(folder):
        folder.mkdir(parents=True, exist_ok=True)
    settings = depot.downloader.settings
    options = {
        "format": _FORMAT,
        "outtmpl": {"default": "video.%(ext)s"},
        "noplaylist": True,
        "fixup": "never",
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "logger": _Silence(),
        "socket_timeout": settings.read_seconds,
        "retries": settings.rounds,
        "sleep_interval_requests": 1 / settings.requests_per_second,
        "cachedir": False,
    }
    with _room_for_it(page, depot) as on_progress, _telling_failures(page, folder, depot):
        try:
            with IntoFolder(options | {"progress_hooks": [on_progress]}) as downloader:
                facts = downloader.extract_info(page, download=True)
                return Path(facts["requested_downloads"][0]["filepath"])
        finally:
            depot.meter.settle(page)


@contextmanager
def _room_for_it(page: str, depot: Depot) -> Iterator[Callable[[dict[str, Any]], None]]:
    """What yt-dlp calls as bytes come: room is kept for those that it announces, and others are watched."""
    note = depot.meter.of(page)
    claims = ExitStack()
    claim: Claim | None = None
    have = 0

    def on_progress(facts: dict[str, Any]) -> None:
        nonlocal claim, have
        _raise_if_stopping(depot)
        now, total = facts.get("downloaded_bytes") or 0, facts.get("total_bytes")
        if claim is None:
            claim = claims.enter_context(depot.downloader.disk.claim(max(0, (total or 0) - now)))
        elif now > have:
            claim.landed(now - have)
        have = now
        note(now, total)

    with claims:
        yield on_progress


@contextmanager
def _telling_failures(page: str, folder: Path, depot: Depot) -> Iterator[None]:
    """yt-dlp's failures as ours.

    Raises:
        DownloadError: it cannot get the video; a page that says it is gone is remembered.
        MachineError: the disk is full, or another fault of this machine.
    """
    import yt_dlp

    with reading_foreign(page, DownloadError, "is not understood by yt-dlp", "a newer yt-dlp may understand it"):
        try:
            yield
        except yt_dlp.utils.YoutubeDLError as error:
            if this_machine_failed(error):
                raise MachineError(
                    f"cannot write into {folder}: {reason_of(error).removeprefix('ERROR: ')}. "
                    "Free some space there; what was fetched stays."
                ) from error
            reason = " ".join(str(error).removeprefix("ERROR: ").split())
            if any(words in reason.lower() for words in _GONE_WORDS):
                depot.downloader.tombstones.add(page, reason)
            raise DownloadError(reason) from error


class _Silence:
    """yt-dlp's talk; what matters of it comes as an exception."""

    def _nothing(self, _message: str) -> None:
        pass

    debug: Callable[..., None] = _nothing
    info = warning = error = debug
