"""`reelops score` as a person and as a machine use it, on real files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import footage
import numpy as np
import pytest
import typer
from PIL import Image
from real_media import media
from studio import START_SECONDS
from typer.testing import CliRunner, Result

from reelops.camera.moves import CameraMove, film, path_of
from reelops.cli import score
from reelops.errors import InputError, SettingsError
from reelops.gate.faults.catalogue import FAMILIES
from reelops.system.digest import sha256_of


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


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One store of scores for all tests of this file, and none of the user's."""
    home = tmp_path_factory.getbasetemp() / "score-home"
    monkeypatch.setenv("REELOPS_HOME", str(home))
    return home


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photo.png, zoom.mp4 filmed over it, frozen.mp4, and made.mp4, which names its origin."""
    folder = tmp_path_factory.mktemp("clips")
    with Image.open(media("kodim03.png")) as image:
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
    assert answer["verdict"] == {"decision": "accept", "reasons": [], "limits": "default"}
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
    assert "picture" in [reason["metric"] for reason in answer["verdict"]["reasons"]]
    assert answer["verdict"]["decision"] != "accept"


def test_a_profile_without_limits_is_said_aloud(clips: Path) -> None:
    answer = json.loads(run(clips / "zoom.mp4", "--profile", "camera-moves", "--json").stdout)
    assert answer["verdict"]["limits"] == "default" and "no limits for profile camera-moves" in answer["notes"][0]


def test_a_profile_that_is_not_there_is_refused_with_the_nearest_name(clips: Path) -> None:
    refused = run(clips / "zoom.mp4", "--profile", "tinny", "--json")
    assert isinstance(refused.exception, SettingsError)
    assert str(refused.exception) == "profile 'tinny' is no profile and no folder. Did you mean tiny?"


def test_a_folder_is_a_list_even_with_one_clip_in_it(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "frozen.mp4").write_bytes((clips / "frozen.mp4").read_bytes())
    assert len(json.loads(run(tmp_path, "--json").stdout)) == 1
    assert isinstance(json.loads(run(tmp_path / "frozen.mp4", "--json").stdout), dict)


def test_json_goes_to_a_file_that_is_named_one_and_never_over_a_clip(clips: Path, tmp_path: Path) -> None:
    before = (clips / "frozen.mp4").read_bytes()
    printed = run("--json", clips / "frozen.mp4")
    written = run("--json", tmp_path / "scores.json", clips / "frozen.mp4")
    assert "rejected" in written.stdout
    assert json.loads((tmp_path / "scores.json").read_text()) == json.loads(printed.stdout)
    assert run("--json", "-", clips / "frozen.mp4").stdout == printed.stdout
    assert (clips / "frozen.mp4").read_bytes() == before


def test_a_second_run_reads_what_the_first_one_scored_and_says_so(clips: Path) -> None:
    first, second = (run(clips / "zoom.mp4", clips / "frozen.mp4", "--no-origin", "-j", 1) for _ in range(2))
    assert "2 had been scored before" in second.stdout
    assert first.exit_code == second.exit_code == 3


def test_every_output_is_written_and_said(clips: Path, tmp_path: Path) -> None:
    outputs = {name: tmp_path / f"scores.{name}" for name in ("csv", "parquet", "html")}
    options = [word for name, path in outputs.items() for word in (f"--{name}", path)]
    result = run(clips / "zoom.mp4", clips / "frozen.mp4", *options, "--plots", tmp_path / "plots", "--json")
    assert len(json.loads(result.stdout)) == 2
    for path in (*outputs.values(), tmp_path / "plots" / "metrics.json", tmp_path / "plots" / "clips.csv"):
        assert path.stat().st_size > 100
        assert str(path) in result.stderr


def test_two_folders_are_compared_in_pairs(clips: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.mp4").write_bytes(
            (clips / f"{'frozen' if name == 'old' else 'zoom'}.mp4").read_bytes()
        )
    result = run(tmp_path / "new", "--compare", tmp_path / "old", "--html", tmp_path / "report.html")
    assert "1 pairs of clips of the same name" in result.stdout
    assert "too few pairs" in result.stdout
    assert "Compared with" in (tmp_path / "report.html").read_text()
    assert result.exit_code == 0, "what counts is the new clip; the old one was rejected"


def test_what_cannot_be_written_is_said_before_any_clip_is_scored(clips: Path, tmp_path: Path) -> None:
    result = run(clips / "zoom.mp4", "--html", tmp_path)
    assert isinstance(result.exception, InputError) and "is a folder" in str(result.exception)


def test_a_picture_that_is_none_is_said_once(clips: Path) -> None:
    result = run(clips / "zoom.mp4", clips / "frozen.mp4", "--picture", clips / "broken.mp4")
    assert isinstance(result.exception, InputError) and "broken.mp4" in str(result.exception)


def test_a_reference_adds_its_metrics(clips: Path) -> None:
    answer = json.loads(run(clips / "zoom.mp4", "--reference", clips / "zoom.mp4", "--json").stdout)
    assert answer["scores"]["ssim"] == pytest.approx(1)
    unknown = run(clips / "zoom.mp4", "--also", "beauty")
    assert isinstance(unknown.exception, InputError) and "beauty" in str(unknown.exception)


def test_a_metric_without_weights_is_said_to_be_unavailable_and_asked_for_again_next_time(clips: Path) -> None:
    for _ in range(2):
        answer = json.loads(run(clips / "frozen.mp4", "--also", "subject_consistency", "--json").stdout)
        assert answer["scores"]["subject_consistency"] is None
        assert "not available" in answer["measures"]["subject_consistency"]["reason"]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_keeps_what_it_has_scored_and_goes_on_from_there(
    end: signal.Signals, tmp_path: Path
) -> None:
    for number in range(6):
        footage.write_clip(tmp_path / f"{number}.mp4", footage.filmed(num_frames=9, seed=number))
    environment = {**os.environ, "REELOPS_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "reelops.cli", "score", str(tmp_path), "-j", "1"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + START_SECONDS
    while not (kept := list((tmp_path / "home").rglob("*.json"))) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(end)
    _, err = process.communicate(timeout=START_SECONDS)
    if end is signal.SIGINT:
        assert process.returncode == 130, err
        assert "of 6 clips have scores, which are kept" in err and "Traceback" not in err
    assert 1 <= len(kept) < 6
    assert not list((tmp_path / "home").rglob("*.partial"))
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert "had been scored before" in again.stdout and again.returncode in (0, 3)
    assert len(list((tmp_path / "home").rglob("*.json"))) == 6


def test_the_gate_tests_itself_on_a_good_clip(clips: Path, tmp_path: Path) -> None:
    result = run(clips / "zoom.mp4", "--self-test", "--families", "resolution", "--json", tmp_path / "test.json")
    (test,) = json.loads((tmp_path / "test.json").read_text())
    versions = {version["name"]: version for version in test["versions"]}
    assert versions["as it is"]["expected"] == "good" and versions["frozen"]["expected"] == "bad"
    assert versions["frozen"]["verdict"]["decision"] == "reject"
    right = sum(version["passed"] for version in versions.values())
    assert f"{right} of {len(versions)} answers right" in result.stdout
    known = [version["passed"] for version in versions.values() if version["family"] is None]
    further = [version["passed"] for version in versions.values() if version["family"] is not None]
    assert "faults held back" in result.stdout and len(further) == len(FAMILIES["resolution"])
    assert result.exit_code == (0 if all(known) and sum(further) >= 0.85 * len(further) else 1)


def test_a_family_that_there_is_not_is_named_with_those_there_are(clips: Path) -> None:
    result = run(clips / "zoom.mp4", "--self-test", "--families", "time,luck")
    assert isinstance(result.exception, InputError)
    assert "'luck'" in str(result.exception) and "resolution" in str(result.exception)


def test_importing_the_command_loads_nothing_that_takes_seconds() -> None:
    heavy = ("torch", "transformers", "diffusers", "pandas", "pandera", "scipy", "mlflow", "numba", "jinja2")
    code = f"import sys, reelops.cli.score; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("option", ["--csv", "--parquet", "--html", "--json={}"])
def test_a_clip_is_not_written_over_by_what_is_said_of_it(clips: Path, tmp_path: Path, option: str) -> None:
    clip = tmp_path / "clip.json"  # what a clip is called does not matter
    clip.write_bytes((clips / "zoom.mp4").read_bytes())
    digest = sha256_of(clip)
    result = run(clip, *([option.format(clip)] if "{}" in option else [option, clip]))
    assert isinstance(result.exception, InputError) and "is one of the clips" in str(result.exception)
    assert sha256_of(clip) == digest and list(tmp_path.iterdir()) == [clip]


def test_files_that_would_take_each_others_place_or_have_none_are_refused_before_anything_is_scored(
    clips: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "other.mp4").write_bytes(b"a clip that nobody asked about")
    Image.new("RGB", (2, 2)).save(tmp_path / "picture", "png")
    for options, told in (
        (["--csv", tmp_path / "a", "--html", tmp_path / "." / "a"], "written twice"),
        (["--csv", tmp_path / "file" / "a.csv"], "cannot be written"),
        (["--plots", tmp_path / "file" / "plots"], "cannot be written"),
        (["--csv", tmp_path / "other.mp4"], "is a video or picture, and would be replaced"),
        (["--html", tmp_path / "picture"], "is a video or picture, and would be replaced"),
        ([f"--json={tmp_path / 'folder.json'}"], "is a folder"),
        (["--self-test", f"--json={tmp_path / 'folder.json'}"], "is a folder"),
    ):
        result = run(clips / "zoom.mp4", *options)
        assert isinstance(result.exception, InputError) and told in str(result.exception), result.exception
        assert "zoom.mp4" not in result.stdout
