"""MSR-VTT and VATEX served in their published forms: whatever a server does, the same clips end up here.

`reelops fetch` runs as a user runs it, against a real server on loopback.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import published
import pytest
import yaml
from file_server import Answer, FileServer, serving
from studio import START_SECONDS, end, wait_for

MSR_CLIPS, VATEX_CLIPS = 6, 3
QUICK = {"rounds": 3, "backoff_seconds": 0.01, "read_seconds": 2, "requests_per_second": 1000, "keep_free_gb": 0}


@dataclass
class Publisher:
    """A server with both data sets, a project that names it in params.yaml, and how `reelops fetch` is run there."""

    server: FileServer
    root: Path
    clips: list[str]
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "reelops.cli", "fetch", "--json"]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("REELOPS_", "HF_"))}
        return {**kept, "REELOPS_PARAMS_FILE": str(self.root / "params.yaml"), "HF_ENDPOINT": self.server.url}

    def write_params(self) -> None:
        (self.root / "params.yaml").write_text(yaml.safe_dump({"dataset": self.params}))

    def fetch(self, *options: str) -> dict[str, dict[str, Any]]:
        """Reports by source."""
        self.write_params()
        done = subprocess.run(
            [*self.command, *options], env=self.environment, capture_output=True, text=True, timeout=START_SECONDS
        )
        assert done.returncode in (0, 1) and done.stdout, done.stderr
        return {report["source"]: report for report in json.loads(done.stdout)}

    def tables(self) -> dict[str, str]:
        """All that fetching left, but for the videos' bytes, which are given by their digests."""
        raw = self.root / "data" / "raw"
        content = {str(path.relative_to(raw)): path.read_bytes() for path in raw.rglob("*") if path.is_file()}
        return {
            name: hashlib.sha256(data).hexdigest() if name.endswith(".mp4") else data.decode()
            for name, data in sorted(content.items())
        }

    def half_done(self) -> list[int]:
        """Sizes of the files that are still coming in."""
        sizes = []
        for path in (self.root / ".cache").rglob("*.partial"):
            with suppress(FileNotFoundError):  # it has just arrived
                sizes.append(path.stat().st_size)
        return sizes


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    sentences = published.sentences(MSR_CLIPS)
    clips = [clip_id for clip_id, _ in sentences]
    rows = published.vatex(VATEX_CLIPS)
    videos = published.videos(MSR_CLIPS + VATEX_CLIPS, tmp_path / "drawn")
    files = {
        "/msr/train_val_videodatainfo.json": json.dumps(published.msr_vtt(sentences)).encode(),
        "/vatex/vatex_training_v1.0.json": json.dumps(rows).encode(),
        **{f"/msr/{clip}.mp4": video for clip, video in zip(clips, videos, strict=False)},
        **{f"/vatex/{row['videoID']}.mp4": video for row, video in zip(rows, videos[MSR_CLIPS:], strict=True)},
    }
    files |= {f"/mirror{path}": content for path, content in files.items() if path.endswith(".mp4")}
    sums = [f"{hashlib.sha256(files[f'/msr/{clip}.mp4']).hexdigest()}  {clip}.mp4\n" for clip in clips]
    (tmp_path / "SHA256SUMS").write_text("".join(sums))
    with serving(files) as server:
        one = Publisher(server, tmp_path, clips)
        one.params = {
            "sources": [
                {
                    "kind": "msr_vtt",
                    "annotations": [f"{server.url}/msr/train_val_videodatainfo.json"],
                    "videos": [{"url": [f"{server.url}/msr/{{clip}}.mp4", f"{server.url}/mirror/msr/{{clip}}.mp4"]}],
                    "checksums": "SHA256SUMS",
                },
                {
                    "kind": "vatex",
                    "annotations": [f"{server.url}/vatex/vatex_training_v1.0.json"],
                    "videos": [f"{server.url}/vatex/{{clip}}.mp4"],
                },
            ],
            "download": dict(QUICK),
        }
        yield one


@pytest.fixture
def untroubled(publisher: Publisher) -> dict[str, str]:
    """The tables after a fetch in which nothing went wrong; all is then put back as it was."""
    reports = publisher.fetch()
    assert [(report["fetched"], report["lost"]) for report in reports.values()] == [(MSR_CLIPS, []), (VATEX_CLIPS, [])]
    tables = publisher.tables()
    for folder in ("data", ".cache", "reports"):
        (publisher.root / folder).rename(publisher.root / f"{folder}-before")
    publisher.server.asked.clear()
    return tables


def path_of(publisher: Publisher, number: int) -> str:
    return f"/msr/{publisher.clips[number]}.mp4"


def a_third(publisher: Publisher, number: int) -> int:
    """Of a video's bytes."""
    return len(publisher.server.files[path_of(publisher, number)]) // 3


def test_whatever_passes_the_end_is_the_same(publisher: Publisher, untroubled: dict[str, str]) -> None:
    """Each clip of MSR-VTT meets another fault, all of which a mirror, a retry or a range request gets over."""
    server = publisher.server
    server.always[path_of(publisher, 0)] = Answer(503)
    server.files[path_of(publisher, 1)] = b"other bytes"
    server.always[path_of(publisher, 2)] = Answer(404)
    server.answers[path_of(publisher, 3)] = [Answer(429, {"Retry-After": "1"})]
    server.answers["/mirror" + path_of(publisher, 3)] = [Answer(429, {"Retry-After": "1"})]
    server.answers[path_of(publisher, 4)] = [Answer(cut_after=a_third(publisher, 4))] * 2
    server.answers[path_of(publisher, 5)] = [Answer(cut_after=a_third(publisher, 5), hold=True)]
    server.answers["/msr/train_val_videodatainfo.json"] = [Answer(500)]
    reports = publisher.fetch()
    assert publisher.tables() == untroubled
    assert all(report["lost"] == [] for report in reports.values())
    assert publisher.half_done() == []


def test_what_is_gone_is_lost_by_name_and_is_asked_for_once(publisher: Publisher, untroubled: dict[str, str]) -> None:
    server, clip = publisher.server, publisher.clips[2]
    for path in (path_of(publisher, 2), "/mirror" + path_of(publisher, 2)):
        server.always[path] = Answer(404)
    (lost,) = publisher.fetch()["msr_vtt"]["lost"]
    assert lost["clip_id"] == clip and lost["reasons"][0].count("gone (404 Not Found)") == 2
    tables = publisher.tables()
    rest = [line for line in untroubled["msr_vtt/entries.jsonl"].splitlines() if f'"{clip}"' not in line]
    assert tables["msr_vtt/entries.jsonl"].splitlines() == rest
    assert json.loads(tables["msr_vtt/lost.jsonl"])["clip_id"] == clip
    server.asked.clear()
    publisher.fetch()
    assert not server.asked and publisher.tables() == tables
    server.always.clear()
    publisher.fetch("--forget-gone")
    assert publisher.tables() == untroubled


def test_every_kind_of_loss_is_named(publisher: Publisher) -> None:
    server = publisher.server
    del publisher.params["sources"][0]["videos"][0]["url"][1]
    server.always[path_of(publisher, 0)] = Answer(503)
    server.files[path_of(publisher, 1)] = b"other bytes"
    server.always[path_of(publisher, 2)] = Answer(410)
    server.always[path_of(publisher, 3)] = Answer(429, {"Retry-After": "9999"})
    server.always[path_of(publisher, 4)] = Answer(cut_after=a_third(publisher, 4), ignore_range=True)
    said = ("503", "other bytes than its sha256", "gone (410 Gone)", "left alone for 9,999 s", "broke off")
    reports = publisher.fetch()
    reasons = {lost["clip_id"]: lost["reasons"][0] for lost in reports["msr_vtt"]["lost"]}
    assert len(reasons) == 5 and reports["msr_vtt"]["fetched"] == 1
    for clip, words in zip(publisher.clips, said, strict=False):
        assert words in reasons[clip]
    metrics = json.loads((publisher.root / "reports/fetch/metrics.json").read_text())
    assert metrics["msr_vtt"]["lost"] == 5 and len(metrics["msr_vtt"]["reasons"]) == 5


def test_killed_in_the_middle_of_a_file_it_goes_on_there(publisher: Publisher, untroubled: dict[str, str]) -> None:
    path, third = path_of(publisher, 0), a_third(publisher, 0)
    publisher.server.answers[path] = [Answer(cut_after=third, hold=True)]
    publisher.params["download"]["read_seconds"] = 600
    publisher.write_params()
    process = subprocess.Popen(
        publisher.command, env=publisher.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        # The other connections end their files; this one gets no further.
        wait_for(process, lambda: publisher.half_done() == [third])
        os.kill(process.pid, signal.SIGKILL)
    finally:
        end(process)
    assert not (publisher.root / "data/raw/msr_vtt/videos" / Path(path).name).exists()
    publisher.server.asked.clear()
    publisher.params["download"]["read_seconds"] = QUICK["read_seconds"]
    publisher.fetch()
    assert publisher.tables() == untroubled
    (resumed,) = publisher.server.asked_for(path)
    assert (resumed.status, resumed.range) == (206, f"bytes={third}-")
    assert publisher.half_done() == []


def test_an_archive_from_the_hub_is_resumed_and_unpacked(publisher: Publisher, untroubled: dict[str, str]) -> None:
    server, packed = publisher.server, publisher.root / "packed.zip"
    with ZipFile(packed, "w") as zipped:
        zipped.writestr("../../escape.mp4", b"no")
        for clip in publisher.clips:
            zipped.writestr(f"video/{clip}.mp4", server.files[f"/msr/{clip}.mp4"])
    place = "/datasets/friedrichor/MSR-VTT/resolve/abc123/MSRVTT_Videos.zip"
    server.files[place] = packed.read_bytes()
    server.answers[place] = [Answer(cut_after=len(server.files[place]) // 2)]
    publisher.params["sources"][0]["videos"] = ["hf://datasets/friedrichor/MSR-VTT@abc123/MSRVTT_Videos.zip"]
    reports = publisher.fetch()
    assert publisher.tables() == untroubled
    assert [one.status for one in server.asked_for(place)] == [200, 206]
    assert any("'../../escape.mp4' was refused: it leads out" in note for note in reports["msr_vtt"]["notes"])


def test_offline_says_what_is_not_here(publisher: Publisher) -> None:
    publisher.write_params()
    done = subprocess.run(
        [*publisher.command, "--offline"], env=publisher.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and not publisher.server.asked
    (line,) = done.stderr.splitlines()
    assert "train_val_videodatainfo.json: not asked, the run is offline" in line


def test_check_counts_and_downloads_no_video(publisher: Publisher) -> None:
    publisher.write_params()
    done = subprocess.run([*publisher.command, "--check"], env=publisher.environment, capture_output=True, text=True)
    msr, vatex = json.loads(done.stdout)
    assert (msr["listed"], msr["to_fetch"], vatex["listed"], vatex["here"]) == (MSR_CLIPS, MSR_CLIPS, VATEX_CLIPS, 0)
    assert not any(one.path.endswith(".mp4") for one in publisher.server.asked)
    assert any("i_have_the_rights" in place for place in vatex["from"])


def test_two_runs_at_once_do_not_meet_and_ctrl_c_ends_one_that_hears_nothing(publisher: Publisher) -> None:
    publisher.server.answers[path_of(publisher, 0)] = [Answer(cut_after=a_third(publisher, 0), hold=True)]
    publisher.params["download"]["read_seconds"] = 600
    publisher.write_params()
    process = subprocess.Popen(
        publisher.command, env=publisher.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(process, lambda: bool(publisher.half_done()))
        other = subprocess.run(publisher.command, env=publisher.environment, capture_output=True, text=True)
        assert other.returncode == 1 and "another `reelops fetch`" in other.stderr
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=START_SECONDS)
    finally:
        end(process)
    assert process.returncode == 130 and "What was fetched stays" in told and "Traceback" not in told
