"""Runs of the stage one after the other: what was published anew comes anew, and no source stops another."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import ZipFile

import published
import pytest
from file_server import Answer, FileServer
from scarcity import files_no_larger_than

from reelops.dataset.fetch import stage
from reelops.dataset.fetch.report import SourceReport
from reelops.dataset.fetch.stage import RAW, plan_fetch, run_fetch
from reelops.dataset.params import DatasetParams
from reelops.dataset.records import read_fetched, why_unlisted
from reelops.errors import DatasetError, DownloadError, MachineError
from reelops.progress import QUIET, Progress, RunContext

CLIPS = [f"video{number}" for number in range(3)]
QUICK = {"rounds": 2, "backoff_seconds": 0.0, "requests_per_second": 1000.0, "keep_free_gb": 0.0}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def zipped(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


class Project:
    """A folder with MSR-VTT's annotations of three clips; their videos are a few bytes that a server has."""

    def __init__(self, root: Path, server: FileServer) -> None:
        self.root = root
        self.server = server
        self.server.files = {f"/{clip}.mp4": f"first bytes of {clip}".encode() for clip in CLIPS}
        published.write_json(root / "MSRVTT_data.json", published.msr_vtt([(clip, "some words") for clip in CLIPS]))
        self.source: dict[str, Any] = {"kind": "msr_vtt", "annotations": ["MSRVTT_data.json"]}
        self.more: list[dict[str, Any]] = []
        self.block: dict[str, Any] = {}

    def sums(self) -> None:
        """Publishes checksums of what the server has now."""
        lines = (f"{sha256(self.server.files[f'/{clip}.mp4'])}  {clip}.mp4\n" for clip in CLIPS)
        (self.root / "SHA256SUMS").write_text("".join(lines))
        self.source |= {"videos": [f"{self.server.url}/{{clip}}.mp4"], "checksums": "SHA256SUMS"}

    def archive(self, files: Mapping[str, bytes], sha: str | None = None) -> None:
        """Publishes an archive and, where one is given or wanted, its checksum."""
        data = zipped(files)
        self.server.files["/all.zip"] = data
        self.source["videos"] = [{"url": f"{self.server.url}/all.zip", "sha256": sha or sha256(data)}]

    def fetch(self, context: RunContext = QUIET) -> dict[str, SourceReport]:
        self.server.asked.clear()
        block = {"sources": [self.source, *self.more], "download": QUICK, **self.block}
        result = run_fetch(plan_fetch(DatasetParams.model_validate(block), self.root), context)
        return {report.name: report for report in result.sources}

    def videos(self) -> dict[str, bytes]:
        """What the table says is here."""
        return {
            one.entry.clip_id: one.path.read_bytes() for one in read_fetched(self.root / RAW / "msr_vtt", self.root)
        }

    def asked(self) -> list[str]:
        return sorted(one.path for one in self.server.asked)


@pytest.fixture
def project(tmp_path: Path, server: FileServer) -> Project:
    return Project(tmp_path, server)


# ---- what was published anew ----


def test_a_video_whose_published_checksum_changed_comes_anew_and_no_other(project: Project) -> None:
    project.sums()
    project.fetch()
    project.server.files["/video1.mp4"] = b"second bytes"
    assert project.fetch()["msr_vtt"].fetched == 0, "nobody has said that it changed"
    project.sums()
    report = project.fetch()["msr_vtt"]
    assert (report.here, report.fetched, project.asked()) == (2, 1, ["/video1.mp4"])
    assert project.videos()["video1"] == b"second bytes"
    assert any("video1.mp4 is fetched again: " in note and "checksum" in note for note in report.notes)
    assert project.fetch()["msr_vtt"].fetched == 0


def test_a_video_that_is_no_longer_published_so_is_lost_and_not_served(project: Project) -> None:
    project.sums()
    project.fetch()
    sums = (project.root / "SHA256SUMS").read_text()
    (project.root / "SHA256SUMS").write_text(sums.replace(sha256(b"first bytes of video1"), "0" * 64))
    for _ in range(2):
        (lost,) = project.fetch()["msr_vtt"].lost
        assert lost.entry.clip_id == "video1" and "other bytes than its sha256" in lost.reasons[0]
        assert sorted(project.videos()) == ["video0", "video2"]
    (project.root / "SHA256SUMS").write_text(sums)
    assert project.fetch()["msr_vtt"].here == 3


def test_a_digest_is_remembered_as_long_as_size_and_time_of_the_file_hold(project: Project) -> None:
    project.sums()
    project.fetch()
    video = project.root / RAW / "msr_vtt" / "videos" / "video0.mp4"
    before = video.stat()
    video.write_bytes(b"F" + video.read_bytes()[1:])
    os.utime(video, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert project.fetch()["msr_vtt"].here == 3, "it was not read"
    os.utime(video, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert (project.fetch()["msr_vtt"].fetched, project.videos()["video0"]) == (1, b"first bytes of video0")


def test_an_archive_of_another_checksum_is_fetched_and_unpacked_anew(project: Project) -> None:
    project.archive({f"{clip}.mp4": b"old" for clip in CLIPS[:2]})
    assert project.fetch()["msr_vtt"].fetched == 2
    assert project.fetch()["msr_vtt"].fetched == 0 and project.asked() == []
    project.archive({f"{clip}.mp4": b"new" for clip in CLIPS})
    report = project.fetch()["msr_vtt"]
    assert (report.fetched, project.asked()) == (3, ["/all.zip"])
    assert set(project.videos().values()) == {b"new"}
    assert project.fetch()["msr_vtt"].here == 3


def test_a_member_of_an_archive_is_held_to_its_checksum_and_the_next_place_asked(project: Project) -> None:
    project.sums()
    videos = project.source["videos"]
    project.archive({"video0.mp4": b"something else", "video1.mp4": b"first bytes of video1"})
    project.source["videos"] += videos
    assert project.fetch()["msr_vtt"].fetched == 3
    assert project.asked() == ["/all.zip", "/video0.mp4", "/video2.mp4"]
    assert project.videos() == {clip: f"first bytes of {clip}".encode() for clip in CLIPS}


def test_a_list_from_another_address_is_not_taken_for_the_one_that_is_here(project: Project) -> None:
    for revision, clips in (("one", CLIPS[:1]), ("two", CLIPS)):
        rows = published.msr_vtt([(clip, "some words") for clip in clips])
        project.server.files[f"/{revision}/list.json"] = json.dumps(rows).encode()
    for revision, listed in (("one", 1), ("two", 3), ("one", 1)):
        project.source["annotations"] = [f"{project.server.url}/{revision}/list.json"]
        assert project.fetch()["msr_vtt"].listed == listed
    assert project.asked() == []


@pytest.mark.parametrize("key", ["annotations", "videos"])
def test_a_file_of_ones_own_is_held_to_its_checksum_too(project: Project, key: str) -> None:
    path = project.root / ("all.zip" if key == "videos" else "MSRVTT_data.json")
    if key == "videos":
        path.write_bytes(zipped({"video0.mp4": b"old"}))
    project.source[key] = [{"path": path.name, "sha256": sha256(path.read_bytes())}]
    assert project.fetch()["msr_vtt"].failure is None
    path.write_bytes(path.read_bytes() + b" ")
    failure = project.fetch()["msr_vtt"].failure
    assert isinstance(failure, DatasetError) and f"{path.name} has other bytes than its sha256" in str(failure)


# ---- sources that fail ----


def test_a_source_that_cannot_be_listed_is_lost_by_name_and_the_others_come(project: Project) -> None:
    project.sums()
    rows = published.vatex(2)
    vatex = {"kind": "vatex", "annotations": [f"{project.server.url}/vatex_training_v1.0.json"]}
    project.more = [{**vatex, "videos": [f"{project.server.url}/{{clip}}.mp4"]}]
    project.server.always["/vatex_training_v1.0.json"] = Answer(503)
    reports = project.fetch()
    assert reports["msr_vtt"].fetched == 3 and reports["msr_vtt"].failure is None
    failure = reports["vatex"].failure
    assert isinstance(failure, DownloadError) and "The list of clips cannot be had" in str(failure)
    folder = project.root / RAW / "vatex"
    assert why_unlisted(folder) == str(failure) and list(read_fetched(folder, project.root)) == []
    project.server.always.clear()
    project.server.files |= {f"/{row['videoID']}.mp4": b"bytes" for row in rows}
    project.server.files["/vatex_training_v1.0.json"] = json.dumps(rows).encode()
    assert project.fetch()["vatex"].fetched == 2
    assert why_unlisted(folder) is None


def test_a_source_that_cannot_be_listed_keeps_its_share(project: Project) -> None:
    project.sums()
    project.block = {"clips": 4}
    project.more = [{"kind": "vatex", "annotations": ["nowhere.json"], "weight": 3}]
    reports = project.fetch()
    assert reports["msr_vtt"].wanted == 1 and isinstance(reports["vatex"].failure, DatasetError)


def test_a_place_that_cannot_be_used_ends_its_source_and_no_other(project: Project) -> None:
    project.sums()
    (project.root / "mine").mkdir()
    project.more = [{**project.source, "name": "second"}]
    project.source = {**project.source, "videos": ["nowhere", *project.source["videos"]]}
    reports = project.fetch()
    assert "There is no folder" in str(reports["msr_vtt"].failure) and len(reports["msr_vtt"].lost) == 3
    assert reports["second"].fetched == 3


def test_an_archive_that_cannot_be_had_does_not_stop_what_comes_after_it(project: Project) -> None:
    project.sums()
    project.source["videos"] = [f"{project.server.url}/gone.zip", *project.source["videos"]]
    assert project.fetch()["msr_vtt"].fetched == 3


def test_an_answer_that_cannot_be_understood_costs_its_clip_and_no_other(project: Project) -> None:
    project.sums()
    project.more = [{"kind": "samples", "clips": 1}]
    for answer in (Answer(302), Answer(304), Answer(503, {"Retry-After": "\u00b2"}), Answer(302, {"Location": "//["})):
        project.server.always["/video1.mp4"] = answer
        reports = project.fetch()
        assert [one.entry.clip_id for one in reports["msr_vtt"].lost] == ["video1"]
        assert reports["samples"].wanted == reports["samples"].fetched + reports["samples"].here == 1


# ---- what lies in archives ----


def test_lists_of_one_name_in_one_archive_are_all_read(project: Project) -> None:
    lists = {
        place: json.dumps(published.msr_vtt([(clip, "some words") for clip in clips])).encode()
        for place, clips in (("train_val/videodatainfo.json", CLIPS[:2]), ("test/videodatainfo.json", CLIPS[2:]))
    }
    project.sums()
    (project.root / "lists.zip").write_bytes(zipped(lists))
    project.source["annotations"] = ["lists.zip"]
    assert (project.fetch()["msr_vtt"].listed, project.fetch()["msr_vtt"].here) == (3, 3)


def test_videos_of_one_name_in_one_archive_are_said_to_be_two(project: Project) -> None:
    project.archive({"train/video0.mp4": b"one", "test/video0.mp4": b"two", "video1.mp4": b"three"})
    report = project.fetch()["msr_vtt"]
    assert project.videos() == {"video0": b"one", "video1": b"three"}
    assert any("train/video0.mp4 and test/video0.mp4 have one name" in note for note in report.notes)


def test_an_archive_that_has_come_is_no_clip_more(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "_REPORT_SECONDS", 0.0)
    project.archive({f"{clip}.mp4": bytes(200_000) for clip in CLIPS})
    told: list[Progress] = []
    project.fetch(RunContext(told.append))  # type: ignore[arg-type] # fetching tells nothing else
    assert max(one.done for one in told) == told[-1].done == told[-1].total == 3


def test_a_clip_that_a_damaged_archive_may_have_is_lost_to_the_damage(project: Project) -> None:
    project.archive({f"{clip}.mp4": b"bytes" for clip in CLIPS[:2]})
    data = project.server.files["/all.zip"]
    data = data.replace(b"PK\5\6\0\0\0\0\2\0\2", b"PK\5\6\0\0\0\0\3\0\3")
    project.server.files["/all.zip"] = data
    project.source["videos"][0]["sha256"] = sha256(data)
    report = project.fetch()["msr_vtt"]
    assert len(report.lost) == 3
    assert all("all.zip is damaged: its directory has 2 members" in one.reasons[0] for one in report.lost)


def test_a_full_disk_ends_the_run_and_is_no_lost_clip(project: Project) -> None:
    project.archive({f"{clip}.mp4": bytes(200_000) for clip in CLIPS})
    project.fetch()
    for path in (project.root / RAW).rglob("*.mp4"):
        path.unlink()
    with files_no_larger_than(100_000), pytest.raises(MachineError, match="cannot write"):
        project.fetch()


@pytest.mark.parametrize("name", ["x" * 240, "\u732b" * 80])
def test_archives_and_lists_may_have_any_name_that_a_server_gives_them(project: Project, name: str) -> None:
    project.archive({f"{clip}.mp4": b"bytes" for clip in CLIPS})
    project.server.files[f"/{quote(name)}.zip"] = project.server.files["/all.zip"]
    lists = zipped({"MSRVTT_data.json": (project.root / "MSRVTT_data.json").read_bytes()})
    project.server.files[f"/{quote(name)}.tar.json.zip"] = lists
    project.source["videos"] = [f"{project.server.url}/{quote(name)}.zip"]
    project.source["annotations"] = [f"{project.server.url}/{quote(name)}.tar.json.zip"]
    assert project.fetch()["msr_vtt"].fetched == 3
    assert project.fetch()["msr_vtt"].here == 3
