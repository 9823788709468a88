"""`reelops score` as a person and as a machine use it, on real files."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from reelops.cli import score
from reelops.clip import sha256_of
from reelops.video.camera import CameraMove, film, path_of


def write_clip(path: Path, frames_THWC: np.ndarray, comment: str = "") -> Path:
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = comment
        stream = container.add_stream("libx264", rate=Fraction(8), options={"crf": "18"})
        stream.height, stream.width = frames_THWC.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames_THWC:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.callback()(lambda: None)
    score.register(app)
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


@pytest.fixture(scope="module")
def clips(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photo.png, zoom.mp4 filmed over it, frozen.mp4, and made.mp4, which names its origin."""
    folder = tmp_path_factory.mktemp("clips")
    with Image.open(shared_data / "image" / "kodim03.png") as image:
        picture = np.asarray(image.convert("RGB"))
    box = (150.0, 120.0, 480.0, 320.0)
    frames = film(picture, box, path_of(CameraMove.ZOOM_IN), (240, 160), np.linspace(0, 1, 9))
    Image.fromarray(frames[0]).save(folder / "photo.png")
    write_clip(folder / "zoom.mp4", frames)
    write_clip(folder / "frozen.mp4", np.repeat(frames[:1], 9, axis=0))
    origin = {"picture": "photo.png", "picture_sha256": sha256_of(folder / "photo.png"), "prompt": "pan left"}
    write_clip(folder / "made.mp4", frames, json.dumps({"reelops": {**origin, "profile": "tiny"}}))
    (folder / "broken.mp4").write_bytes(b"this is not a video")
    return folder


def test_a_good_clip_is_accepted(clips: Path) -> None:
    result = run(clips / "zoom.mp4", "--picture", clips / "photo.png", "--prompt", "zoom in", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["path"] == str(clips / "zoom.mp4")
    assert answer["verdict"] == {"decision": "accept", "reasons": [], "limits": "tiny"}
    assert answer["scores"]["first_frame_fidelity"] > 25
    assert answer["camera"]["measured"] == "zoom_in"


def test_a_frozen_clip_is_rejected_and_says_why(clips: Path) -> None:
    result = run(clips / "frozen.mp4", "--picture", clips / "photo.png")
    assert result.exit_code == 3
    assert "The clip is frozen." in result.stdout and "\x1b[" not in result.stdout


def test_a_broken_clip_is_reported_and_stops_nothing(clips: Path) -> None:
    result = run(clips / "broken.mp4", clips / "frozen.mp4", clips / "absent.mp4", "--json")
    assert result.exit_code == 2
    broken, frozen, absent = json.loads(result.stdout)
    assert broken["scores"] is None and "broken.mp4 is not a video" in broken["error"]
    assert frozen["verdict"]["decision"] == "reject"
    assert "does not exist" in absent["error"]
    assert "Not scored" in result.stderr


def test_broken_clips_are_counted(clips: Path) -> None:
    result = run(clips / "frozen.mp4", clips / "broken.mp4")
    assert "2 clips: 1 rejected, 1 could not be scored." in result.stdout


def test_picture_and_prompt_come_from_the_clips_own_provenance(clips: Path) -> None:
    answer = json.loads(run(clips / "made.mp4", "--json").stdout)
    assert answer["scores"]["first_frame_fidelity"] is not None
    assert answer["camera"]["asked"] == "pan_left"
    assert [reason["metric"] for reason in answer["verdict"]["reasons"]] == ["camera_move"]


def test_a_picture_that_has_changed_since_is_not_used(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "made.mp4").write_bytes((clips / "made.mp4").read_bytes())
    Image.new("RGB", (240, 160)).save(tmp_path / "photo.png")
    answer = json.loads(run(tmp_path / "made.mp4", "--json").stdout)
    assert answer["scores"]["first_frame_fidelity"] is None
    assert "photo.png, which is not here" in answer["notes"][0]


def test_a_profile_without_limits_is_said_aloud(clips: Path) -> None:
    answer = json.loads(run(clips / "zoom.mp4", "--profile", "mine", "--json").stdout)
    assert answer["verdict"]["limits"] == "default" and "no limits for profile mine" in answer["notes"][0]


def test_importing_the_command_loads_nothing_heavy() -> None:
    code = "import sys, reelops.cli.score; print([name for name in ('cv2', 'torch', 'av') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
