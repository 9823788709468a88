"""How people lay out their videos and what is said of them: names, folders, links, and the forms of other tools."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from listed import Listed, listed


def listed_in(place: Path) -> tuple[Listed, list[str]]:
    """Entries by their paths in a folder, and what was noted."""
    return listed({"kind": "folder", "path": str(place)}, place)


def touch(place: Path, *names: str) -> None:
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()


def captions(place: Path) -> dict[str, tuple[str, ...]]:
    """Captions by the videos' paths, where nothing is to be noted."""
    entries, notes = listed_in(place)
    assert not notes
    return {name: entry.captions for name, entry in entries.items()}


# ---- names ----


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("said_in", ["table.csv", "{}.txt", "{}.mp4.json", "videos.txt"])
def test_a_name_is_found_in_either_form_of_unicode(tmp_path: Path, on_disk: Any, said_in: str) -> None:
    name, other = "caf\u00e9 \u1112\u1161\u11ab \u0627\u0653", "NFD" if on_disk == "NFC" else "NFC"
    video = unicodedata.normalize(on_disk, name)
    said: Any = unicodedata.normalize(other, name)
    touch(tmp_path, f"{video}.mp4")
    text = {
        "table.csv": f"file_name,caption\n{said}.mp4,a cup of coffee\n",
        "{}.txt": "a cup of coffee",
        "{}.mp4.json": '"a cup of coffee"',
        "videos.txt": f"{said}.mp4\n",
    }
    (tmp_path / said_in.format(said)).write_text(text[said_in])
    (tmp_path / "prompts.txt").write_text("a cup of coffee")
    assert captions(tmp_path) == {f"{video}.mp4": ("a cup of coffee",)}


def test_a_name_in_other_case_is_found_unless_it_could_mean_two(tmp_path: Path) -> None:
    touch(tmp_path, "A.MP4", "b.mp4", "B.mp4")
    (tmp_path / "a.TXT").write_text("beside")
    (tmp_path / "table.csv").write_text("file_name,caption\na.mp4,one\nb.mp4,two\nB.MP4,whose?\n")
    entries, notes = listed_in(tmp_path)
    assert {name: entry.captions for name, entry in entries.items()} == {
        "A.MP4": ("beside", "one"),
        "B.mp4": (),
        "b.mp4": ("two",),
    }
    assert len(notes) == 1 and "B.MP4 has a caption in a table, but there is no such video" in notes[0]


@pytest.mark.parametrize("name", ["videos\\a.mp4", ".\\videos\\a", "./videos//a.mp4", "a.mp4", "a"])
def test_windows_strokes_and_names_without_their_folder_are_understood(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "videos/a.mp4")
    (tmp_path / "table.json").write_text(json.dumps([{"path": name, "caption": "one"}]))
    assert captions(tmp_path) == {"videos/a.mp4": ("one",)}


def test_a_bare_name_is_not_taken_for_a_video_of_another_folder(tmp_path: Path) -> None:
    touch(tmp_path, "deep/a.mp4")
    (tmp_path / "table.csv").write_text("file_name,caption\na.mp4,one\n")
    entries, notes = listed_in(tmp_path)
    assert entries["deep/a.mp4"].captions == () and len(notes) == 1


# ---- folders ----


@pytest.mark.parametrize("name", ["training_dog", "test_driving", "dev_kit", "val_thorens", "trainspotting", "protest"])
def test_a_class_whose_name_holds_a_word_for_a_split_is_a_class(tmp_path: Path, name: str) -> None:
    touch(tmp_path, f"{name}/a.mp4", f"val/{name}/a.mp4")
    entries, _ = listed_in(tmp_path)
    assert {(one.split, one.category) for one in entries.values()} == {(None, name), ("validation", name)}


@pytest.mark.parametrize(
    ("folder", "split"),
    [("train", "train"), ("Validation", "validation"), ("val2014", "validation"), ("test-set", "test"),
     ("train_videos", "train"), ("public_test", "test"), ("data/train", "train")],
)  # fmt: skip
def test_a_folder_that_holds_a_split_is_known(tmp_path: Path, folder: str, split: str) -> None:
    touch(tmp_path, f"{folder}/dog/a.mp4", f"{folder}/test/b.mp4")
    entries, _ = listed_in(tmp_path)
    assert [(one.split, one.category) for one in entries.values()] == [(split, "dog"), (split, "test")]


def test_the_name_of_a_video_is_no_split(tmp_path: Path) -> None:
    touch(tmp_path, "train_running.mp4", "test.mp4", "videos/val.mp4")
    entries, _ = listed_in(tmp_path)
    assert {(one.split, one.category) for one in entries.values()} == {(None, None)}


def test_linked_folders_are_entered_once_and_what_leads_back_is_said(tmp_path: Path) -> None:
    mine, elsewhere = tmp_path / "mine", tmp_path / "elsewhere"
    touch(mine, "real/a.mp4")
    touch(elsewhere, "b.mp4")
    (elsewhere / "b.txt").write_text("a linked cat")
    (elsewhere / "table.csv").write_text("file_name,caption\nb.mp4,one\n")
    for name, target in (("link", elsewhere), ("round", mine), ("twice", elsewhere), ("up", tmp_path)):
        (mine / name).symlink_to(target)
    (elsewhere / "loop").symlink_to(elsewhere)
    entries, notes = listed_in(mine)
    assert {name: entry.captions for name, entry in entries.items()} == {
        "link/b.mp4": ("a linked cat", "one"),
        "real/a.mp4": (),
    }
    assert len(notes) == 4 and all("it was not entered" in note for note in notes)


# ---- the forms of other tools ----


def test_sat_keeps_captions_in_a_folder_of_labels(tmp_path: Path) -> None:
    touch(tmp_path, "videos/1.mp4", "videos/2.mp4")
    for name, text in (("1", "a cat walks\n"), ("2", "0 0.5 0.5 0.1 0.2\n")):
        (tmp_path / "labels").mkdir(exist_ok=True)
        (tmp_path / "labels" / f"{name}.txt").write_text(text)
    assert captions(tmp_path) == {"videos/1.mp4": ("a cat walks",), "videos/2.mp4": ()}


TOOLS: dict[str, list[dict[str, Any]]] = {
    "Data-Juicer": [{"videos": ["clips/a.mp4"], "text": "<__dj__video> a cat sleeps <|__dj__eoc|>"}],
    "ShareGPT4Video": [
        {"video_id": "a", "video_path": "clips/a.mp4", "zip_folder": "v.zip"}
        | {"captions": [{"idx": "0", "content": "it begins"}, {"idx": "-1", "content": "a cat sleeps"}]}
    ],
    "CogVideoX-Fun": [{"file_path": "clips/a.mp4", "text": "a cat sleeps", "type": "video"}],
    "musubi": [{"video_path": "clips\\a.mp4", "caption": "a cat sleeps"}],
    "Hugging Face datasets": [{"video": {"path": "clips/a.mp4", "bytes": None}, "caption": "a cat sleeps"}],
}


@pytest.mark.parametrize("tool", list(TOOLS))
@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_a_table_of_another_tool_is_read(tmp_path: Path, tool: str, suffix: str) -> None:
    touch(tmp_path, "clips/a.mp4")
    rows = TOOLS[tool]
    (tmp_path / f"data{suffix}").write_text(
        "\n".join(map(json.dumps, rows)) if suffix == ".jsonl" else json.dumps(rows)
    )
    ((caption,),) = captions(tmp_path).values()
    assert "a cat sleeps" in caption and "begins" not in caption


@pytest.mark.parametrize("label", [float("nan"), None, "", []])
def test_a_field_without_a_value_says_nothing(tmp_path: Path, label: Any) -> None:
    """Python's json writes the missing values of pandas as NaN."""
    touch(tmp_path, "a.mp4")
    (tmp_path / "t.jsonl").write_text(json.dumps({"video": "a.mp4", "text": "one", "label": label, "licence": label}))
    entries, notes = listed_in(tmp_path)
    assert (entries["a.mp4"].category, entries["a.mp4"].licence, notes) == (None, "not stated", [])


def test_splits_of_a_table_may_be_its_keys(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b.mp4")
    rows = {"train": [{"video": "a.mp4", "caption": "one"}], "test": [{"video": "b.mp4", "caption": "two"}]}
    (tmp_path / "all.json").write_text(json.dumps(rows))
    entries, notes = listed_in(tmp_path)
    assert [(one.split, one.captions) for one in entries.values()] == [("train", ("one",)), ("test", ("two",))]
    assert not notes


def test_captions_beside_a_video_may_end_in_caption(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    (tmp_path / "a.caption").write_text("a cat sleeps")
    assert captions(tmp_path) == {"a.mp4": ("a cat sleeps",)}


def test_a_row_of_several_videos_is_left_out_and_said(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "data.jsonl").write_text(json.dumps({"videos": ["a.mp4", "b.mp4"], "text": "a cat and a dog"}))
    entries, notes = listed_in(tmp_path)
    assert all(not entry.captions for entry in entries.values()) and len(notes) == 1


@pytest.mark.parametrize("said", ["['a cat', \"it's a dog\"]", '["a cat", "it\'s a dog"]'])
def test_a_list_of_captions_in_a_field_is_read_as_python_or_json_writes_it(tmp_path: Path, said: str) -> None:
    touch(tmp_path, "a.mp4")
    (tmp_path / "table.tsv").write_text(f"file_name\tcaption\na.mp4\t{said}\n")
    assert captions(tmp_path) == {"a.mp4": ("a cat", "it's a dog")}


def test_broken_lines_of_json_are_one_line(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    (tmp_path / "t.jsonl").write_text('{"video": "a.mp4", "text": "tab\there"}\n{\n{\n5\n')
    entries, notes = listed_in(tmp_path)
    assert entries["a.mp4"].captions == ("tab\there",)
    assert len(notes) == 2 and any("t.jsonl, line 2 is not JSON" in n and "1 more like it" in n for n in notes)
