"""However a run ends, a clip under its final name is whole, and the next run works."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from studio import START_SECONDS, Studio, end, make_studio, wait_for

from reelops.clip import ClipOrder
from reelops.params import load_config
from reelops.production.producer import build_producer
from reelops.progress import Event, Progress, RunContext
from reelops.system.digest import sha256_of
from reelops.video.probe import probe


def arguments(studio: Studio, *more: str) -> list[str]:
    clip = studio.outputs / "clip.mp4"
    return ["generate", str(studio.picture), "slow zoom in", "-o", str(clip), "-p", str(studio.model), *more]


MOMENTS: dict[str, Callable[[Studio], bool]] = {
    "while the model loads": lambda studio: bool(studio.scratch),
    "while frames are laid down": lambda studio: any((folder / "frames.npy").exists() for folder in studio.scratch),
    "while the clip is encoded": lambda studio: bool(list(studio.outputs.glob(".clip.mp4.*/.clip.mp4.*"))),
    "while the contact sheet is drawn": lambda studio: bool(list(studio.outputs.glob(".clip.mp4.*/clip.mp4"))),
}


def test_killed_at_any_moment_no_half_clip_stands_and_the_next_run_succeeds(tmp_path: Path, small_model: Path) -> None:
    """Two moments in each of two studios, side by side."""

    def kill_at(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        studio = make_studio(folder, small_model)
        for moment in list(MOMENTS.values())[number::2]:
            kill_one(studio, moment)
        finish_one(studio)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(kill_at, range(2)))


def kill_one(studio: Studio, moment: Callable[[Studio], bool]) -> None:
    clip = studio.outputs / "clip.mp4"
    process = studio.start("reelops.cli", *arguments(studio, "--steps", "2", "--no-track", "--force"))
    try:
        wait_for(process, lambda: moment(studio))
        os.kill(process.pid, signal.SIGKILL)
    finally:
        end(process)
    if clip.exists():
        assert probe(clip).num_frames == 9
        clip.unlink()


def finish_one(studio: Studio) -> None:
    clip = studio.outputs / "clip.mp4"
    done = studio.run("reelops.cli", *arguments(studio, "--steps", "2", "--no-track", "--json", "--force"))
    assert done.returncode in (0, 3), done.stderr
    take = json.loads(done.stdout)
    assert take["sha256"] == sha256_of(clip)
    assert json.loads(clip.with_suffix(".json").read_text()) == take
    assert studio.half_written() == [], "the next run clears away what a killed one left"


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_under_way_leaves_nothing(studio: Studio, sent: signal.Signals, code: int) -> None:
    process = studio.start("reelops.cli", *arguments(studio, "--steps", "1000", "--no-track"))
    try:
        wait_for(process, lambda: bool(studio.scratch))
        time.sleep(1)
        process.send_signal(sent)
        out, err = process.communicate(timeout=START_SECONDS)
    finally:
        end(process)
    assert process.returncode == code, err
    assert out == ""
    assert "Traceback" not in err
    assert list(studio.outputs.iterdir()) == []
    assert studio.half_written() == []


def test_stopped_before_its_verdict_a_finished_clip_goes_too(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in studio.environment.items():
        monkeypatch.setenv(name, value)
    clip = studio.outputs / "clip.mp4"
    order = ClipOrder(picture=studio.picture, prompt="slow zoom in", profile=str(studio.model), steps=1)

    def stop(event: Event) -> None:
        if isinstance(event, Progress) and event.stage == "score":
            assert list(studio.outputs.glob(".clip.mp4.*/clip.mp4")), "it is encoded"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_producer(load_config()).produce(order, clip, RunContext(stop), track=False)
    assert list(studio.outputs.iterdir()) == []
    assert studio.half_written() == []


@pytest.mark.parametrize(
    ("content", "said"), [(b"this is a text file\n", "harbour.png"), (b"", "harbour.png"), (None, "harbour.png")]
)
def test_a_picture_that_is_none_is_one_line_and_exit_code_2(studio: Studio, content: bytes | None, said: str) -> None:
    if content is None:
        studio.picture.unlink()
    else:
        studio.picture.write_bytes(content)
    done = studio.run("reelops.cli", *arguments(studio, "--no-track"))
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert said in line
    assert done.stdout == ""
    assert list(studio.outputs.iterdir()) == []
