"""MSR-VTT and VATEX served in their published forms: whatever a server does, the same clips end up here.

`reelops fetch` runs as a user runs it, against a real server on loopback.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest
from file_server import Answer
from publisher import MSR_CLIPS, VATEX_CLIPS, Publisher, publisher
from studio import START_SECONDS, wait_for

__all__ = ["publisher"]


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
    return f"/msr/{publisher.names[number]}.mp4"


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
    publisher.params["download"]["read_seconds"] = 2
    reports = publisher.fetch()
    assert publisher.tables() == untroubled
    assert all(report["lost"] == [] for report in reports.values())
    assert publisher.half_done() == []


def test_what_is_gone_is_lost_by_name_and_is_asked_for_once(publisher: Publisher, untroubled: dict[str, str]) -> None:
    server, clip = publisher.server, publisher.names[2]
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
    for clip, words in zip(publisher.names, said, strict=False):
        assert words in reasons[clip]
    metrics = json.loads((publisher.root / "reports/fetch/metrics.json").read_text())
    assert metrics["msr_vtt"]["lost"] == 5 and len(metrics["msr_vtt"]["reasons"]) == 5


def test_killed_in_the_middle_of_a_file_it_goes_on_there(publisher: Publisher, untroubled: dict[str, str]) -> None:
    path, third = path_of(publisher, 0), a_third(publisher, 0)
    publisher.server.answers[path] = [Answer(cut_after=third, hold=True)]
    publisher.params["download"]["read_seconds"] = 600
    with publisher.started() as process:
        # The other connections end their files; this one gets no further.
        wait_for(process, lambda: publisher.half_done() == [third])
        os.kill(process.pid, signal.SIGKILL)
    assert not (publisher.root / "data/raw/msr_vtt/videos" / Path(path).name).exists()
    publisher.server.asked.clear()
    del publisher.params["download"]["read_seconds"]
    publisher.fetch()
    assert publisher.tables() == untroubled
    (resumed,) = publisher.server.asked_for(path)
    assert (resumed.status, resumed.range) == (206, f"bytes={third}-")
    assert publisher.half_done() == []


def test_an_archive_from_the_hub_is_resumed_and_unpacked(publisher: Publisher, untroubled: dict[str, str]) -> None:
    server, packed = publisher.server, publisher.root / "packed.zip"
    with ZipFile(packed, "w") as zipped:
        zipped.writestr("../../escape.mp4", b"no")
        for clip in publisher.names:
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
    for line, name in zip(done.stderr.splitlines(), ("train_val_videodatainfo", "vatex_training_v1.0"), strict=True):
        assert line.startswith("Failed: ") and f"{name}.json: not asked, the run is offline" in line


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
    with publisher.started() as process:
        wait_for(process, lambda: bool(publisher.half_done()))
        other = subprocess.run(publisher.command, env=publisher.environment, capture_output=True, text=True)
        assert other.returncode == 1 and "another `reelops fetch`" in other.stderr
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 130 and "What was fetched stays" in told and "Traceback" not in told
