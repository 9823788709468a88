"""Videos that only a web page shows, fetched with yt-dlp by people who may, and cut to the clip."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reelops.dataset.entry import Entry, Fetched, Lost, Segment
from reelops.dataset.fetch.depot import Depot
from reelops.dataset.fetch.download.failures import Stopped
from reelops.errors import DownloadError, SettingsError, VideoError
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
        with depot.downloader.disk.claim(0):
            whole = _download(page, folder, depot)
    except DownloadError as error:
        return [Lost(entry, (f"{page}: {error}",)) for entry in entries]
    answers = [_cut(whole, entry, depot.videos / f"{entry.clip_id}.mp4") for entry in entries]
    shutil.rmtree(folder)
    return answers


def _cut(whole: Path, entry: Entry, target: Path) -> Fetched | Lost:
    """Writes the segment of a whole video as a file of its own."""
    try:
        info = probe(whole)
        segment = entry.segment or Segment(info.duration * 0, info.duration)
        # An uneven rate becomes its even average: a tick shows the frame of that moment.
        frames = read_frames(whole, fps=info.fps, start=segment.start, stop=segment.end, on_damage=lambda _: None)
        encode((shown.frame_HWC for shown in frames), target, info.fps, _CUT)
    except VideoError as error:
        return Lost(entry, (f"{entry.page}: {error}",))
    return Fetched(entry, target, new=True)


def _download(page: str, folder: Path, depot: Depot) -> Path:
    """The whole video in `folder`, where a stopped run left what it had of it.

    Raises:
        DownloadError: yt-dlp cannot get it.
        Stopped: the run is to end.
    """
    import yt_dlp

    folder.mkdir(parents=True, exist_ok=True)
    note = depot.meter.of(page)

    def on_progress(facts: dict[str, Any]) -> None:
        if depot.stopping.is_set():
            raise Stopped("stopped")
        note(facts.get("downloaded_bytes") or 0, facts.get("total_bytes"))

    settings = depot.downloader.settings
    options = {
        "format": _FORMAT,
        "outtmpl": {"default": str(folder / "video.%(ext)s")},
        "noplaylist": True,
        "fixup": "never",
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "logger": _Silence(),
        "progress_hooks": [on_progress],
        "socket_timeout": settings.read_seconds,
        "retries": settings.rounds,
        "sleep_interval_requests": 1 / settings.requests_per_second,
        "cachedir": False,
    }
    try:
        with yt_dlp.YoutubeDL(options) as downloader:
            facts = downloader.extract_info(page, download=True)
    except yt_dlp.utils.YoutubeDLError as error:
        reason = " ".join(str(error).removeprefix("ERROR: ").split())
        if any(words in reason.lower() for words in _GONE_WORDS):
            depot.downloader.tombstones.add(page, reason)
        raise DownloadError(reason) from error
    finally:
        depot.meter.settle(page)
    return Path(facts["requested_downloads"][0]["filepath"])


class _Silence:
    """yt-dlp's talk; what matters of it comes as an exception."""

    def _nothing(self, _message: str) -> None:
        pass

    debug: Callable[..., None] = _nothing
    info = warning = error = debug
