"""A folder of one's own clips: captions wherever they are, odd names and odd bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import published
import pytest
from listed import listed
from scarcity import no_more_open_files

from reelops.errors import DatasetError, MachineError

Lay = Callable[[Path], None]
FOLDER = {"kind": "folder", "path": "mine", "licence": "my own"}


def beside_as_text(place: Path) -> None:
    (place / "a.txt").write_text("First.\n\n  Second. \n")


def beside_as_json(place: Path) -> None:
    (place / "a.mp4.json").write_text('{"captions": ["First.", "Second."], "licence": "CC0"}')


def above_as_json_lines(place: Path) -> None:
    rows = [{"file_name": "deep/a.mp4", "text": "First."}, {"file_name": "deep/a.mp4", "text": "Second."}]
    (place.parent / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))


def above_as_csv_of_another_country(place: Path) -> None:
    (place.parent / "clips.csv").write_bytes("file_name;caption\ndeep/a;First.\ndeep/a;Second.\n".encode("utf-8-sig"))


def in_a_list_of_objects(place: Path) -> None:
    (place / "all.json").write_text('[{"video": "a.mp4", "captions": ["First.", "Second."]}, 5]')


def in_two_lists(place: Path) -> None:
    (place.parent / "videos.txt").write_text("deep/a.mp4\ndeep/a.mp4\n")
    (place.parent / "prompts.txt").write_text("First.\nSecond.\n")


@pytest.mark.parametrize(
    "lay",
    [
        beside_as_text, beside_as_json, above_as_json_lines, above_as_csv_of_another_country, in_a_list_of_objects,
        in_two_lists,
    ],
)  # fmt: skip
def test_captions_of_a_folder_wherever_they_are(tmp_path: Path, lay: Lay) -> None:
    place = tmp_path / "mine" / "deep"
    place.mkdir(parents=True)
    (place / "a.mp4").write_bytes(b"")
    (place / ".hidden.mp4").write_bytes(b"")
    lay(place)
    entries, notes = listed(FOLDER, tmp_path)
    assert entries["deep/a.mp4"].captions == ("First.", "Second.")
    assert entries["deep/a.mp4"].licence == ("CC0" if lay is beside_as_json else "my own")
    assert len(entries) == 1 and len(notes) == (lay is in_a_list_of_objects)


def test_the_layout_videofolder_gives_splits_and_classes(tmp_path: Path) -> None:
    for name in ("train/dog/a.mp4", "validation/cat/a.mp4", "test/cat/b.webm", "loose.mov"):
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_bytes(b"")
    (tmp_path / "mine/train/metadata.csv").write_text("file_name,text\ndog/a.mp4,A dog.\n")
    entries, _ = listed(FOLDER, tmp_path)
    assert {name: (entry.split, entry.category) for name, entry in entries.items()} == {
        "loose.mov": (None, None),
        "test/cat/b.webm": ("test", "cat"),
        "train/dog/a.mp4": ("train", "dog"),
        "validation/cat/a.mp4": ("validation", "cat"),
    }
    assert entries["train/dog/a.mp4"].captions == ("A dog.",)


def test_what_is_wrong_in_a_folder_is_said_and_the_rest_is_listed(tmp_path: Path) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    for name in "abc":
        (place / f"{name}.mp4").write_bytes(b"")
    (place / "a.json").write_text("{broken")
    (place / "b.txt").write_bytes("Café.".encode("cp1252"))
    (place / "table.csv").write_text('file_name,caption\nabsent.mp4,x\n../outside.mp4,y\nc.mp4,"C, it is."\nc.mp4\n')
    entries, notes = listed(FOLDER, tmp_path)
    assert [entry.captions for entry in entries.values()] == [(), ("Café.",), ("C, it is.",)]
    for words in ("a.json is not JSON", "b.txt is not UTF-8", "absent.mp4 has a caption", "outside", "line 5"):
        assert any(words in note for note in notes), (words, notes)


def mine(root: Path) -> Path:
    (root / "mine").mkdir()
    return root / "mine"


def test_a_name_that_is_no_unicode_leaves_out_its_video_and_no_other(tmp_path: Path) -> None:
    place = mine(tmp_path)
    (place / "good.mp4").write_bytes(b"x")
    (place / os.fsdecode(b"caf\xe9.mp4")).write_bytes(b"x")
    (place / "table.csv").write_bytes(b"file_name,caption\ngood.mp4,One.\ncaf\xe9.mp4,Two.\n")
    entries, notes = listed(FOLDER, tmp_path)
    assert list(entries) == ["good.mp4"] and entries["good.mp4"].captions == ("One.",)
    assert any("is not UTF-8, and the video was left out; rename it" in note for note in notes)


@pytest.mark.parametrize(
    ("said", "caption"),
    [
        ('{"caption": "a cat \\ud83d"}', "a cat \ufffd"),
        ('{"caption": "a cat \\ud83d\\ude00"}', "a cat \U0001f600"),
        ('["a \\udce9 cat"]', "a \ufffd cat"),
        ('{"text": "[\\"a \\\\udfff cat\\"]"}', "a \ufffd cat"),
    ],
)
def test_half_a_letter_in_a_caption_does_not_spoil_it(tmp_path: Path, said: str, caption: str) -> None:
    place = mine(tmp_path)
    (place / "a.mp4").write_bytes(b"x")
    (place / "a.json").write_text(said)
    entries, _ = listed(FOLDER, tmp_path)
    assert entries["a.mp4"].captions == (caption,)
    entries["a.mp4"].captions[0].encode()


def test_names_as_long_as_a_file_may_have_are_listed(tmp_path: Path) -> None:
    place = mine(tmp_path)
    for letter, count in (("a", 251), ("\u732b", 83)):
        (place / (letter * count + ".mp4")).write_bytes(b"x")
    (place / "table.csv").write_text(f"file_name,caption\n{'a' * 251}.mp4,One.\n{'b' * 5000},Two.\n\0,Three.\n")
    entries, _ = listed(FOLDER, tmp_path)
    assert len(entries) == 2 and entries["a" * 251 + ".mp4"].captions == ("One.",)


@pytest.mark.parametrize(
    "rows",
    [
        '[{"video_id": "a", "caption": ' + "[" * 900 + "]" * 900 + "}]",
        "[" * 100_000,
        '[{"video_id": "a", "caption": "' + "[" * 50_000 + '"}]',
        '[{"video_id": "a", "split": ' + "[" * 900 + "]" * 900 + ', "category": ' + "[" * 900 + "]" * 900 + "}]",
        "[" + "[" * 900 + "]" * 900 + "]",
        '[{"video_id": "a", "start time": ' + "9" * 4000 + ', "end time": 1e308}]',
        '[{"video_id": "a", "start time": true, "end time": [[]]}]',
        '[{"video_id": "a", "url": "watch?v=../../../etc"}]',
        "9" * 5000,
        "NaN",
    ],
)
@pytest.mark.parametrize("kind", ["msr_vtt", "vatex", "folder"])
def test_lists_of_odd_values_are_read_as_far_as_they_can_be(tmp_path: Path, kind: str, rows: str) -> None:
    place = mine(tmp_path)
    (place / "a.mp4").write_bytes(b"x")
    (place / "train.json").write_text(rows)
    source = FOLDER if kind == "folder" else {"kind": kind, "annotations": ["unused"]}
    try:
        entries, notes = listed(source, tmp_path, place / "train.json")
    except DatasetError as error:
        entries, notes = {}, [str(error)]
    assert all("\n" not in note for note in notes)
    for entry in entries.values():
        assert "/" not in entry.video_id or kind == "folder"
        assert entry.segment is None


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "json"])
@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe\x00\xd8a", b"a\rb,c\rd\n1,2", b'"' + b"x" * 10_000, b"\0" * 100, b"", b"\xef\xbb\xbf", b"\n\n,\n,,,\n"],
)
def test_tables_of_odd_bytes_are_read_or_said_to_be_none(tmp_path: Path, suffix: str, data: bytes) -> None:
    place = mine(tmp_path)
    (place / "a.mp4").write_bytes(b"x")
    (place / f"table.{suffix}").write_bytes(data)
    entries, _ = listed(FOLDER, tmp_path)
    assert list(entries) == ["a.mp4"]


def test_a_letter_of_another_encoding_far_down_a_table_costs_nothing(tmp_path: Path) -> None:
    place = mine(tmp_path)
    names = [f"{number}.mp4" for number in range(3)]
    for name in names:
        (place / name).write_bytes(b"x")
    rows = [f"{name},{'word ' * 20_000}".encode() for name in names]
    (place / "table.csv").write_bytes(b"\n".join((b"file_name,caption", *rows[:2], rows[2] + b"caf\xe9", b"")))
    entries, notes = listed(FOLDER, tmp_path)
    assert [len(entry.captions) for entry in entries.values()] == [1, 1, 1]
    assert entries["2.mp4"].captions[0].endswith("caf\u00e9")
    assert any("is not UTF-8 in line 4" in note for note in notes)


def test_a_machine_that_cannot_open_another_file_does_not_blame_a_list(tmp_path: Path) -> None:
    place = mine(tmp_path)
    (place / "a.mp4").write_bytes(b"x")
    (place / "a.json").write_text("{}")
    published.write_json(tmp_path / "train.json", [])
    for source, files in ((FOLDER, ()), ({"kind": "vatex", "annotations": ["x"]}, (tmp_path / "train.json",))):
        with no_more_open_files(), pytest.raises(MachineError, match="Too many open files"):
            listed(source, tmp_path, *files)
