"""`reelops info` for people and for machines."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from reelops.cli.info import register
from reelops.video.encode import encode
from tests.unit.video.media import noise_frames


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return app


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    provenance = {"prompt": "a [bold] lighthouse", "seed": 7, "lineage_id": "4df4024.aa", "base": "tiny"}
    return encode(noise_frames(3), tmp_path / "clip.mp4", Fraction(30000, 1001), "fast", provenance).path


def test_table_shows_exact_rate_and_provenance(app: typer.Typer, clip: Path) -> None:
    shown = CliRunner().invoke(app, ["info", str(clip)])
    assert shown.exit_code == 0
    for words in ("29.970 (30000/1001)", "3 frames", "64x48", "a [bold] lighthouse", "7", "4df4024.aa", "tiny"):
        assert words in shown.stdout


def test_what_is_not_known_of_a_clip_is_left_out_and_a_long_value_stays_in_its_line(
    app: typer.Typer, tmp_path: Path
) -> None:
    provenance = {"prompt": "a harbour", "adapter_sha256": None, "base_sha256": "4df4024a" * 32}
    clip = encode(noise_frames(3), tmp_path / "clip.mp4", Fraction(8), "fast", provenance).path
    shown = CliRunner().invoke(app, ["info", str(clip)], env={"COLUMNS": "80"}).stdout
    assert ", in MP4" in shown and "adapter" not in shown and "null" not in shown
    assert "4df4024a" * 32 in shown and str(clip) in shown.splitlines()


def test_json_is_one_object_for_one_file_and_a_list_for_several(app: typer.Typer, clip: Path, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "p.png")
    one = json.loads(CliRunner().invoke(app, ["info", "--json", str(clip)]).stdout)
    assert (one["fps"], one["num_frames"], one["provenance"]["seed"]) == ("30000/1001", 3, 7)
    several = json.loads(CliRunner().invoke(app, ["info", "--json", str(clip), str(tmp_path / "p.png")]).stdout)
    assert [facts["kind"] for facts in several] == ["video", "picture"]
    assert (several[1]["width"], several[1]["height"]) == (40, 30)


def test_broken_file_is_one_line_on_stderr_and_exit_code_2(app: typer.Typer, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    shown = CliRunner().invoke(app, ["info", "--json", str(tmp_path / "empty.mp4"), str(clip)])
    assert shown.exit_code == 2
    assert shown.stderr.count("\n") == 1
    assert "empty.mp4 is empty" in shown.stderr
    assert [facts["kind"] for facts in json.loads(shown.stdout)] == ["video"]
