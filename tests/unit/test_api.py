"""ReelOps from Python: plain strings, the same clip as on the production line, and errors that name what was given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import reelops
from reelops.errors import InputError, PictureError, VideoError

PROFILE = "{kind: camera_moves, num_frames: 9, fps: 8, width: 96, height: 64}"


@pytest.fixture
def work(tmp_path, monkeypatch) -> Path:
    """A working folder with a picture and a profile that needs no model."""
    y, x = np.mgrid[0:128, 0:192]
    Image.fromarray(np.stack([x, y, 128 + 90 * np.sin(x / 7)], -1).astype(np.uint8)).save(tmp_path / "photo.png")
    (tmp_path / "params.yaml").write_text(f"profiles:\n  small: {PROFILE}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REELOPS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("REELOPS_PARAMS_FILE", raising=False)
    return tmp_path


def test_strings_are_enough_for_a_clip_with_its_verdict(work):
    take = reelops.generate("photo.png", "slow zoom in", output="clip.mp4", profile="small", track=False)
    assert take.clip.path == work / "clip.mp4" and take.clip.path.is_file()
    assert str(take.verdict).startswith(take.verdict.decision.value)
    assert all(reason.text in str(take.verdict) for reason in take.verdict.reasons)
    assert take.order.seed == 0 and take.scores["temporal_consistency"] > 0


def test_a_clip_is_scored_as_when_it_was_made(work):
    take = reelops.generate("photo.png", "pan left", output="clip.mp4", profile="small", track=False)
    scored = reelops.score("clip.mp4")
    of_the_clip_alone = ("temporal_consistency", "sharpness", "contrast", "flicker")
    assert all(scored.scores[name] == take.scores[name] for name in of_the_clip_alone)
    assert scored.origin.prompt == "pan left"
    assert reelops.score("clip.mp4", reference="clip.mp4").scores["psnr"] == 100


def test_a_clip_without_a_name_goes_into_outputs_and_replaces_none(work):
    first, second = (reelops.generate("photo.png", "pan left", profile="small", track=False) for _ in range(2))
    assert first.clip.path.parent == work / "outputs"
    assert first.clip.path != second.clip.path and first.clip.sha256 == second.clip.sha256


def test_a_clip_that_is_there_is_replaced_only_on_request(work):
    (work / "clip.mp4").write_bytes(b"mine")
    with pytest.raises(InputError, match="overwrite=True"):
        reelops.generate("photo.png", "pan left", "clip.mp4", profile="small", track=False)
    assert (work / "clip.mp4").read_bytes() == b"mine"
    reelops.generate("photo.png", "pan left", "clip.mp4", profile="small", track=False, overwrite=True)
    assert (work / "clip.mp4").stat().st_size > 1000


def test_what_cannot_be_used_is_named(work):
    with pytest.raises(InputError, match="sed"):
        reelops.generate("photo.png", "pan left", "clip.mp4", sed=3)
    with pytest.raises(PictureError, match=r"absent\.png"):
        reelops.generate("absent.png", "pan left", "clip.mp4", profile="small")
    with pytest.raises(VideoError, match=r"photo\.png|absent\.mp4"):
        reelops.score("absent.mp4")


def test_importing_reelops_loads_nothing_of_it_and_no_library():
    program = """
import sys, reelops
print(reelops.__version__, [n for n in sys.modules if n.startswith('reelops.') or n in ('numpy', 'pydantic', 'yaml')])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{reelops.__version__} []\n"


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'generat'"):
        reelops.generat  # noqa: B018 - looking it up is what fails
