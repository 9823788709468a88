"""Videos from their pages: yt-dlp itself, against a page on loopback that is a plain video."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import published
import pytest
from file_server import Answer, FileServer
from scarcity import files_no_larger_than
from worker_jobs import DeadlyPath

from reelops.dataset.entry import Entry, Fetched, Lost, Segment
from reelops.dataset.fetch.depot import Depot, Notes
from reelops.dataset.fetch.known_files import KnownFiles
from reelops.dataset.fetch.unpacked import Unpacked
from reelops.dataset.sources.pages import PageShelf
from reelops.errors import MachineError
from reelops.video.decode import read_clip
from reelops.video.probe import probe

pytest.importorskip("yt_dlp", reason='yt-dlp comes with pip install "reelops[youtube]"')


@pytest.fixture
def depot(desk, tmp_path: Path) -> Iterator[Depot]:
    place = tmp_path / "data"
    known, unpacked = KnownFiles(place / "known"), Unpacked(place / "unpacked.jsonl")
    work, downloader = place / "work", desk.downloader()
    one = Depot(tmp_path, place / "videos", work, downloader, known, unpacked, Notes())
    yield one
    assert one.notes.all() == ()


@pytest.fixture
def entry(server: FileServer, tmp_path: Path) -> Entry:
    whole = published.draw_video(tmp_path / "whole.mp4", seconds=4)
    server.files["/whole.mp4"] = whole.read_bytes()
    segment = Segment(Fraction(1), Fraction(3))
    return Entry("vatex", "abc_1_3", ("words",), "", "youtube:abc", segment=segment, page=f"{server.url}/whole.mp4")


def bring(entries: list[Entry], depot: Depot) -> list[Fetched | Lost]:
    return list(PageShelf().supply(entries, depot))


def test_the_clip_is_the_segment_and_the_whole_video_does_not_stay(entry: Entry, depot: Depot, tmp_path: Path) -> None:
    (got,) = bring([entry], depot)
    assert isinstance(got, Fetched) and got.segment is None and got.new
    assert got.path == depot.videos / "abc_1_3.mp4"
    assert (probe(got.path).num_frames, probe(got.path).fps) == (16, 8)
    whole, clip = read_clip(tmp_path / "whole.mp4").astype(int), read_clip(got.path)
    errors = [abs(clip - whole[first : first + 16]).mean() for first in range(17)]
    assert errors.index(min(errors)) == 8, "one second is eight frames"
    assert not list(depot.work.rglob("*.mp4"))


def test_clips_of_one_video_are_cut_from_one_download(entry: Entry, depot: Depot, server: FileServer) -> None:
    other = replace(entry, clip_id="abc_0_1", segment=Segment(Fraction(0), Fraction(1)))
    bring([entry], depot)
    requests = len(server.asked)
    server.asked.clear()
    got = bring([entry, other], depot)
    assert [isinstance(one, Fetched) for one in got] == [True, True]
    assert len(server.asked) == requests


def test_a_segment_beyond_the_end_is_lost_with_the_reason(entry: Entry, depot: Depot) -> None:
    (lost,) = bring([replace(entry, segment=Segment(Fraction(90), Fraction(100)))], depot)
    assert isinstance(lost, Lost) and "nothing from 90 s" in lost.reasons[0]


def test_a_video_that_ends_its_decoder_costs_its_own_clips_alone(entry: Entry, depot: Depot, tmp_path: Path) -> None:
    other = replace(entry, clip_id="abc_0_1", segment=Segment(Fraction(0), Fraction(1)))
    videos = MixedFolder(depot.videos)
    (lost, got) = bring([entry, other], replace(depot, videos=videos))
    assert isinstance(lost, Lost) and "was ended by SIGSEGV" in lost.reasons[0] and isinstance(got, Fetched)


class MixedFolder(type(Path())):
    """A folder with one file in it that ends the process which its name is sent to."""

    def __truediv__(self, name: str) -> Path:
        return DeadlyPath(super().__truediv__(name)) if name == "abc_1_3.mp4" else Path(self, name)


def test_what_yt_dlp_cannot_get_is_lost_in_its_words(entry: Entry, depot: Depot, server: FileServer) -> None:
    server.always["/whole.mp4"] = Answer(404)
    (lost,) = bring([entry], depot)
    assert isinstance(lost, Lost) and "404" in lost.reasons[0] and "\n" not in lost.reasons[0]
    server.asked.clear()
    assert isinstance(bring([replace(entry, page=None)], depot)[0], Lost)
    assert not server.asked


def test_offline_no_page_is_asked(entry: Entry, depot: Depot, desk, server: FileServer) -> None:
    (lost,) = bring([entry], replace(depot, downloader=desk.downloader(offline=True)))
    assert isinstance(lost, Lost) and "offline" in lost.reasons[0] and not server.asked


@pytest.mark.parametrize("name", ["100% mine", "%(ext)s", "$HOME", "~", "a%"])
def test_a_projects_folder_may_have_any_name(entry: Entry, depot: Depot, tmp_path: Path, name: str) -> None:
    (got,) = bring([entry], replace(depot, work=tmp_path / name / "work", videos=tmp_path / name / "videos"))
    assert isinstance(got, Fetched) and got.path.parent.parent == tmp_path / name


def test_a_full_disk_ends_the_run_and_is_no_lost_clip(entry: Entry, depot: Depot) -> None:
    bring([entry], depot)  # all modules are loaded
    with files_no_larger_than(1000), pytest.raises(MachineError, match="cannot write"):
        bring([entry], depot)


def test_the_disk_is_watched_while_a_video_comes(entry: Entry, depot: Depot, desk, tmp_path: Path) -> None:
    keep = (shutil.disk_usage(tmp_path).free + 10**9) / 1e9
    with pytest.raises(MachineError, match="are to stay free"):
        bring([entry], replace(depot, downloader=desk.downloader(keep_free_gb=keep)))
