"""`reelops metadata` as a user runs it: killed, given damaged folders, given what a troubled download brought."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import damaged_folder
import published
import pytest
import yaml
from file_server import Answer
from publisher import SMALL_WINDOW, Publisher, publisher
from quarantined import read_quarantine
from studio import START_SECONDS, end, wait_for

from reelops.dataset.table import Reason, read_clips
from reelops.video.decode import read_clip
from tests.unit.video.media import with_pause, write_with_times

__all__ = ["publisher"]


def project(root: Path, source: dict[str, Any], **metadata: Any) -> dict[str, str]:
    """A project with one source; the environment in which commands are run there."""
    root.mkdir(parents=True, exist_ok=True)
    blocks = {"dataset": {"sources": [source]}, "metadata": {**SMALL_WINDOW, **metadata}}
    (root / "params.yaml").write_text(yaml.safe_dump(blocks))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REELOPS_")}
    return {**kept, "REELOPS_PARAMS_FILE": str(root / "params.yaml")}


def command(name: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "reelops.cli", name, *options]


def run(environment: dict[str, str], name: str, *options: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(name, *options), env=environment, capture_output=True, text=True, timeout=START_SECONDS, **how
    )


def tables(root: Path) -> dict[str, bytes]:
    folder = root / "data" / "metadata"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_killed_in_the_middle_it_gives_the_same_tables_byte_for_byte(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    for number in range(24):
        clip = published.draw_video(mine / f"clip{number:02d}.mp4", seed=number)
        clip.with_suffix(".txt").write_text(f"Soft shapes drift past, number {number}.\n")
    roots = [tmp_path / name for name in ("whole", "killed")]
    environments = [project(root, {"kind": "folder", "path": "../mine"}) for root in roots]
    assert run(environments[0], "fetch").returncode == 0
    shutil.copytree(roots[0], roots[1], dirs_exist_ok=True)
    untroubled = run(environments[0], "metadata", "--json", "--no-data-docs")
    assert untroubled.returncode == 0, untroubled.stderr
    assert json.loads(untroubled.stdout)["clips"] == 24

    def measured() -> int:
        return len(list((roots[1] / ".cache/metadata/measured").glob("*/*.json")))

    process = subprocess.Popen(
        command("metadata", "--no-data-docs"), env=environments[1], start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_for(process, lambda: measured() >= 3)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        end(process)
    assert 3 <= measured() < 24 and not (roots[1] / "data/metadata/clips.parquet").exists()
    assert run(environments[1], "metadata", "--no-data-docs").returncode == 0
    assert tables(roots[1]) == tables(roots[0])
    again = run(environments[1], "metadata", "--no-data-docs")
    assert "0 clips looked at" in again.stderr and tables(roots[1]) == tables(roots[0])


def test_of_a_damaged_folder_all_good_clips_are_in_and_all_bad_ones_are_out_for_the_right_reason(
    tmp_path: Path,
) -> None:
    captions = [text for _, text in published.sentences(200)]
    expected = damaged_folder.lay_out(tmp_path / "mine", captions)
    assert len(expected) == 200
    root = tmp_path / "project"
    environment = project(root, {"kind": "folder", "path": "../mine", "licence": "my own"})
    assert run(environment, "fetch").returncode == 0
    (tmp_path / "mine" / "good-000.mp4").unlink()
    (tmp_path / "mine" / "good-000.mp4").mkdir()
    expected["good-000.mp4"] = Reason.UNREADABLE
    done = run(environment, "metadata", "--no-data-docs", preexec_fn=damaged_folder.without_roots_rights)
    assert done.returncode == 0, done.stderr
    kept = {row.clip_id: None for row in read_clips(root / "data/metadata/clips.parquet")}
    out = {clip.clip_id: clip.reason for clip in read_quarantine(root / "data/metadata/quarantine.parquet")}
    assert kept | out == {f"folder/{name}": reason for name, reason in expected.items()}
    said = {clip.clip_id: clip.evidence for clip in read_quarantine(root / "data/metadata/quarantine.parquet")}
    for name, words in (("named_pipe", "named pipe"), ("link_to_nothing", "moved-away.mp4"), ("good-000", "a folder")):
        assert words in said[f"folder/{name}.mp4"]
    assert str(tmp_path) not in (root / "data/metadata/clips.jsonl").read_text()


def test_clips_without_a_caption_are_not_called_known_and_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    published.draw_video(mine / "said.mp4", seed=0).with_suffix(".txt").write_text("Soft shapes drift past.\n")
    published.draw_video(mine / "unsaid.mp4", seed=1)
    (mine / "empty.mp4").touch()
    environment = project(tmp_path / "project", {"kind": "folder", "path": "../mine"}, max_quarantined_share=1)
    assert run(environment, "fetch").returncode == 0
    for looked, known in ((1, 0), (0, 1)):
        done = run(environment, "metadata", "--no-data-docs")
        assert f"{looked} clips looked at" in done.stderr and f"{known} known before" in done.stderr, done.stderr
    out = read_quarantine(tmp_path / "project/data/metadata/quarantine.parquet")
    reasons = {clip.clip_id: clip.reason for clip in out}
    assert reasons == {"folder/empty.mp4": Reason.EMPTY, "folder/unsaid.mp4": Reason.NO_CAPTION}


def test_what_is_odd_about_files_that_are_read_is_on_the_page(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    plain = published.draw_video(mine / "plain.mp4", seconds=3)
    shots = read_clip(plain)
    write_with_times(mine / "still.mp4", shots, range(len(shots)), Fraction(1, 8))
    with_pause(mine / "still.mp4", mine / "paused.mp4", 4, seconds=7200)
    (mine / "still.mp4").unlink()
    for name in ("plain", "paused"):
        (mine / f"{name}.txt").write_text("Soft shapes drift past.\n")
    environment = project(tmp_path / "project", {"kind": "folder", "path": "../mine"})
    assert run(environment, "fetch").returncode == 0
    for _ in range(2):  # what is kept of an earlier run says it, too
        done = run(environment, "metadata", "--no-data-docs")
        assert done.returncode == 0, done.stderr
        assert "odd files that are read all the same" in done.stdout
        page = (tmp_path / "project/reports/data/index.html").read_text()
        assert page.count("Frame 3 stands for 7,200 s, which the rate leaves out.") == 1


def test_1500_clips_of_msr_vtt_from_the_hub_become_a_table(publisher: Publisher) -> None:
    """Real captions, as far as they go; ids share the bytes of three videos, so look-alikes are not looked for."""
    sentences = published.sentences(1000)
    clips = [*sentences, *((f"video{number}", sentences[number % len(sentences)][1]) for number in range(560))]
    videos = published.small_videos(publisher.root / "small")
    server = publisher.server
    server.files["/datasets/friedrichor/MSR-VTT/resolve/main/data.json"] = json.dumps(published.msr_vtt(clips)).encode()
    with ZipFile(publisher.root / "packed.zip", "w") as packed:
        for number, (clip_id, _) in enumerate(clips[:-20]):
            packed.writestr(f"video/{clip_id}.mp4", videos[number % len(videos)])
    server.files["/datasets/friedrichor/MSR-VTT/resolve/main/all.zip"] = (publisher.root / "packed.zip").read_bytes()
    hub = "hf://datasets/friedrichor/MSR-VTT"
    publisher.params["sources"] = [
        {"kind": "msr_vtt", "annotations": [f"{hub}/data.json"], "videos": [f"{hub}/all.zip"]}
    ]
    (report,) = publisher.fetch().values()
    assert (report["fetched"], len(report["lost"])) == (len(clips) - 20, 20)
    done = publisher.metadata()
    assert done.returncode == 0, done.stderr
    rows = read_clips(publisher.root / "data/metadata/clips.parquet")
    assert len(rows) == len(clips) - 20 >= 1500
    assert [row.clip_id for row in rows] == sorted(row.clip_id for row in rows)
    lines = (publisher.root / "data/metadata/clips.jsonl").read_text().splitlines()
    for row, line in list(zip(rows, lines, strict=True))[::97]:
        plain = json.loads(line)
        assert list(plain)[:3] == ["video_path", "image_path", "prompt"] and plain["clip_id"] == row.clip_id
        assert (publisher.root / row.image_path).is_file() and row.prompt in row.captions
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row.origin, set()).add(row.split)
    assert all(len(found) == 1 for found in splits.values())
    assert {row.split for row in rows} == {"train", "validation", "test"}
    assert json.loads(done.stdout)["lost"] == {"msr_vtt": 20}


def test_whatever_a_download_meets_the_table_is_the_same_and_what_is_lost_is_named(publisher: Publisher) -> None:
    assert publisher.fetch() and publisher.metadata().returncode == 0
    untroubled = publisher.clips()
    for folder in ("data", ".cache", "reports"):
        (publisher.root / folder).rename(publisher.root / f"{folder}-before")
    server = publisher.server
    paths = [f"/msr/{name}.mp4" for name in publisher.names]
    third = len(server.files[paths[0]]) // 3
    server.answers[paths[0]] = [Answer(cut_after=third, hold=True)]
    server.always[paths[1]] = Answer(503)
    server.files[paths[2]] = b"other bytes"
    server.always[paths[3]] = Answer(404)
    server.answers[paths[4]] = [Answer(429, {"Retry-After": "1"})]
    publisher.params["download"]["read_seconds"] = 600
    with publisher.started() as process:
        wait_for(process, lambda: third in publisher.half_done())
        os.kill(process.pid, signal.SIGKILL)
    del publisher.params["download"]["read_seconds"]
    publisher.params["sources"].append({"kind": "panda70m", "annotations": ["nowhere.csv"]})
    assert all(report["lost"] == [] for report in publisher.fetch().values())
    done = publisher.metadata()
    assert done.returncode == 0, done.stderr
    assert publisher.clips() == untroubled
    assert "nothing of panda70m is in the table: There is no file" in done.stderr
    assert json.loads(done.stdout)["unlisted"] == ["panda70m"]

    # A server that has only half of a video, whole as far as it knows, and no checksum to tell.
    video = min((publisher.root / "data/raw/vatex/videos").iterdir())
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    assert json.loads(publisher.metadata().stdout)["reasons"] == {"truncated": 1}
    (clip,) = read_quarantine(publisher.root / "data/metadata/quarantine.parquet")
    assert clip.video_path.name == video.name and "cut short" in clip.evidence
    assert len(read_clips(publisher.root / "data/metadata/clips.parquet")) == len(untroubled_rows(publisher)) - 1


def untroubled_rows(publisher: Publisher) -> list[str]:
    return (publisher.root / "data-before/metadata/clips.jsonl").read_text().splitlines()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"max_quarantined_share": 0.1},
            "100% of 3 clips are quarantined (3 too_small); metadata.max_quarantined_share allows 10%",
        ),
        ({"window": {"frames": 49, "fps": 8, "search_seconds": 2}}, "search_seconds must be at least that"),
    ],
)
def test_what_a_user_can_mend_is_one_line(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    for number in range(3):
        published.draw_video(tmp_path / "mine" / f"{number}.mp4", seed=number)
        (tmp_path / "mine" / f"{number}.txt").write_text("Soft shapes drift past.\n")
    limits = {**SMALL_WINDOW["limits"], "min_side": 256}
    environment = project(tmp_path / "p", {"kind": "folder", "path": "../mine"}, **{"limits": limits, **change})
    early = run(environment, "metadata")
    assert early.returncode == 2 and "Traceback" not in early.stderr
    assert run(environment, "fetch").returncode == 0
    done = run(environment, "metadata", "--no-data-docs")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert words in " ".join(done.stderr.split())
