"""`reelops batch` as a user runs it: killed, stopped, refused, and gone on with."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from studio import Studio, end, ended, wait_for

from reelops.video.probe import probe


def write_jobs(studio: Studio, number: int, **fields: object) -> Path:
    rows = [
        {
            "image_path": "harbour.png",
            "prompt": "pan left",
            "profile": "camera-moves",
            "num_frames": 5,
            "width": 96,
            "height": 64,
            "seed": seed,
            **fields,
        }
        for seed in range(number)
    ]
    (studio.folder / "jobs.json").write_text(json.dumps(rows))
    return studio.folder / "jobs.json"


def command(jobs: Path, studio: Studio, *more: str) -> list[str]:
    return ["batch", str(jobs), "-o", str(studio.outputs), "--no-track", "--retries", "0", *more]


def test_killed_amid_its_work_a_batch_goes_on_with_no_clip_lost_or_made_twice(bare_studio: Studio) -> None:
    jobs = write_jobs(bare_studio, 6)
    process = bare_studio.start("reelops.cli", *command(jobs, bare_studio))
    try:
        wait_for(process, lambda: len(list(bare_studio.outputs.glob("*.mp4"))) >= 2)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        end(process)
    before = {path: path.stat().st_mtime_ns for path in bare_studio.outputs.glob("*.mp4")}
    assert 2 <= len(before) < 6
    done = bare_studio.run("reelops.cli", *command(jobs, bare_studio, "--json"))
    summary = json.loads(done.stdout)
    ends = summary["done"] + summary["rejected"]
    assert (ends, summary["jobs"], summary["clips"]) == (6, 6, 6), done.stderr
    clips = list(bare_studio.outputs.glob("*.mp4"))
    assert len(clips) == 6 and all(probe(clip).num_frames == 5 for clip in clips)
    assert {path: path.stat().st_mtime_ns for path in before} == before, "what was done stays as it was"
    assert bare_studio.half_written() == []


def test_stopped_by_ctrl_c_it_says_so_and_leaves_whole_clips(bare_studio: Studio) -> None:
    jobs = write_jobs(bare_studio, 6)
    process = bare_studio.start("reelops.cli", *command(jobs, bare_studio))
    try:
        wait_for(process, lambda: bool(list(bare_studio.outputs.glob("*.mp4"))))
        process.send_signal(signal.SIGINT)
        done = ended(process)
    finally:
        end(process)
    assert done.returncode == 130 and "Traceback" not in done.stderr, done.stderr
    assert "the same command goes on where it was" in done.stderr
    assert bare_studio.half_written() == []
    counts = json.loads((bare_studio.outputs / "batch-summary.json").read_text())
    assert counts["running"] == 0 and counts["waiting"] + counts["done"] + counts["rejected"] == 6
