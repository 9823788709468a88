"""Each source in the forms that it is published in, and in those that it is damaged in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import published
import pytest
from scarcity import no_more_open_files

from reelops.camera.moves import CameraMove
from reelops.camera.request import asked_move, camera_request
from reelops.dataset.entry import Entry, Segment, is_clip_name, split_in, youtube_id
from reelops.dataset.params import DatasetParams, open_source
from reelops.errors import DatasetError, MachineError

Listed = dict[str, Entry]


def listed(source: dict[str, Any], root: Path, *files: Path) -> tuple[Listed, list[str]]:
    """Entries by their ids, and what was noted."""
    (params,) = DatasetParams.model_validate({"sources": [source]}).sources
    notes: list[str] = []
    return {entry.clip_id: entry for entry in open_source(params, root).entries(files, notes.append)}, notes


# ---- msr_vtt ----

MSR = {"kind": "msr_vtt", "annotations": ["unused"]}
CLIPS = [("video0", "a car is shown"), ("video1", "in a kitchen a woman adds ingredients"), ("video7020", "a flower")]


def test_msr_vtt_of_the_publisher(tmp_path: Path) -> None:
    path = published.write_json(tmp_path / "train_val_videodatainfo.json", published.msr_vtt(CLIPS))
    entries, notes = listed(MSR, tmp_path, path)
    assert not notes and list(entries) == ["video0", "video1", "video7020"]
    entry = entries["video1"]
    assert entry.captions == (CLIPS[1][1], f"{CLIPS[1][1]} again")
    assert entry.split == "validation"
    assert entry.origin == "youtube:abcdefgh001"
    assert entry.page == "https://www.youtube.com/watch?v=abcdefgh001"
    assert entry.segment == Segment(Fraction("137.72"), Fraction("149.44"))
    assert [one.category for one in entries.values()] == ["music", "people", "gaming"]


def test_msr_vtt_in_the_coco_form(tmp_path: Path) -> None:
    content = {
        "images": [{"id": "video0"}, {"id": "video1"}],
        "annotations": [{"image_id": name, "id": 0, "caption": text} for name, text in CLIPS[:2]],
    }
    entries, _ = listed(MSR, tmp_path, published.write_json(tmp_path / "MSR_VTT.json", content))
    assert {name: entry.captions for name, entry in entries.items()} == {name: (text,) for name, text in CLIPS[:2]}
    assert entries["video0"].origin == "msr_vtt:video0"


def hub_rows() -> list[dict[str, Any]]:
    return [
        {"video_id": name, "video": f"{name}.mp4", "caption": [text, "more"], "category": 4, "source": "MSR-VTT"}
        | {"url": "https://www.youtube.com/watch?v=9lZi22qLlEo", "start time": 1.5, "end time": 11.5, "id": number}
        for number, (name, text) in enumerate(CLIPS)
    ]


@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_msr_vtt_as_hub_mirrors_have_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"msrvtt_test_1k.{suffix}"
    rows = hub_rows()
    path.write_text(json.dumps(rows) if suffix == "json" else "\n".join(map(json.dumps, rows)))
    entries, _ = listed(MSR, tmp_path, path)
    assert {entry.split for entry in entries.values()} == {"test"}
    assert {entry.category for entry in entries.values()} == {"news/events/politics"}
    assert entries["video0"].captions == ("a car is shown", "more")
    assert {entry.origin for entry in entries.values()} == {"youtube:9lZi22qLlEo"}


def test_split_lists_of_msr_vtt_may_be_plain_lines(tmp_path: Path) -> None:
    data = published.write_json(tmp_path / "MSRVTT_data.json", published.msr_vtt(CLIPS))
    (tmp_path / "train_list_jsfusion.txt").write_text("video0\r\nvideo7020\r\n")
    entries, notes = listed(MSR, tmp_path, data, tmp_path / "train_list_jsfusion.txt")
    assert {name: entry.split for name, entry in entries.items()} == {"video0": "train", "video7020": "train"}
    assert not notes


@pytest.mark.parametrize(
    "rows",
    [
        [{"video": f"{name}.mp4", "caption": text} for name, text in CLIPS],
        [{"video": f"videos/all/{name}.mp4", "caption": [text], "id": 5} for name, text in CLIPS],
        [{"video_id": name, "desc": text} for name, text in CLIPS],
        [{"clip_name": f"{name}.avi", "captions": [text]} for name, text in CLIPS],
        {name: [text] for name, text in CLIPS},
    ],
    ids=["LAVIS", "UMT", "VALOR", "others", "by name"],
)
def test_msr_vtt_as_trainers_publish_it(tmp_path: Path, rows: Any) -> None:
    entries, notes = listed(MSR, tmp_path, published.write_json(tmp_path / "msrvtt_ret_train7k.json", rows))
    assert {name: entry.captions for name, entry in entries.items()} == {name: (text,) for name, text in CLIPS}
    assert {entry.split for entry in entries.values()} == {"train"} and not notes


def test_rows_of_msr_vtt_that_name_no_clip_are_one_line(tmp_path: Path) -> None:
    rows = [{"question": "what?", "answer": "a car"}] * 3
    entries, notes = listed(MSR, tmp_path, published.write_json(tmp_path / "msrvtt_qa_train.json", rows))
    assert not entries and len(notes) == 1 and "2 more like it" in notes[0]


def test_msr_vtt_split_tables_choose_clips_and_the_test_split_wins(tmp_path: Path) -> None:
    data = published.write_json(tmp_path / "MSRVTT_data.json", published.msr_vtt(CLIPS))
    train, test = tmp_path / "MSRVTT_train.9k.csv", tmp_path / "MSRVTT_JSFUSION_test.csv"
    train.write_text("video_id\nvideo1\nvideo7020\n")
    test.write_text('key,vid_key,video_id,sentence\nret0,msr7020,video7020,"a woman, creating a flower"\n')
    for files in ((data, train, test), (test, train, data)):
        entries, _ = listed(MSR, tmp_path, *files)
        assert {name: entry.split for name, entry in entries.items()} == {"video1": "train", "video7020": "test"}
        assert "a woman, creating a flower" in entries["video7020"].captions


def test_real_split_tables_of_msr_vtt_are_read_whole(more_media: Path, tmp_path: Path) -> None:
    folder = more_media / "captions"
    entries, notes = listed(MSR, tmp_path, folder / "MSRVTT_train.9k.csv", folder / "MSRVTT_JSFUSION_test.csv")
    assert not notes
    assert [sum(entry.split == split for entry in entries.values()) for split in ("train", "test")] == [9000, 1000]
    assert entries["video9770"].captions == ("a person is connecting something to system",)


@pytest.mark.parametrize("category", ["news", "news/events/politics", 4])
def test_msr_vtt_of_some_categories(tmp_path: Path, category: str | int) -> None:
    """News is number 4 of the publisher's list, counted from 0 as the annotations count."""
    clips = [(f"video{number}", "words") for number in range(20)]
    path = published.write_json(tmp_path / "MSRVTT_data.json", published.msr_vtt(clips))
    entries, _ = listed({**MSR, "categories": [category]}, tmp_path, path)
    assert list(entries) == ["video4"]


def test_msr_vtt_leaves_out_what_cannot_be_and_says_so(tmp_path: Path) -> None:
    content = published.msr_vtt([*CLIPS, ("../../etc/passwd", "evil")])
    content["videos"][0]["end time"] = 0
    content["videos"].append("no mapping")
    entries, notes = listed(MSR, tmp_path, published.write_json(tmp_path / "MSRVTT_data.json", content))
    assert list(entries) == ["video0", "video1", "video7020"] and entries["video0"].segment is None
    assert len(notes) == 3
    assert any("'../../etc/passwd' cannot be a clip's name" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", '{"licenses": []}', "neither 'sentences' nor 'annotations', but 'licenses'"),
        ("a.json", "{", "is not JSON"),
        ("list.csv", "video_id\nvideo0\n", "which split it lists"),
    ],
)
def test_what_is_no_annotation_of_msr_vtt_is_one_line(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError, match=said) as caught:
        listed(MSR, tmp_path, tmp_path / name)
    assert "\n" not in str(caught.value)


# ---- vatex ----


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("vatex_training_v1.0.json", "train"),
        ("vatex_validation_v1.0.json", "validation"),
        ("vatex_public_test_english_v1.1.json", "test"),
        ("vatex_private_test_without_annotations.json", "test"),
    ],
)
def test_vatex_and_its_siblings(tmp_path: Path, name: str, split: str) -> None:
    rows = [*published.vatex(2), {"videoID": "a_b"}, {"videoID": "Ptf_2VRj-V0_000132_000122"}]
    del rows[1]["enCap"]
    source = {"kind": "vatex", "annotations": ["unused"]}
    entries, notes = listed(source, tmp_path, published.write_json(tmp_path / name, rows))
    first, second = entries.values()
    assert first.clip_id == "Ptf_2VRj-00_000001_000011" and first.split == split
    assert len(first.captions) == 10 and second.captions == ()
    assert first.segment == Segment(Fraction(1), Fraction(11)) and first.origin == "youtube:Ptf_2VRj-00"
    assert len(notes) == 2 and "'a_b'" in notes[0]


# ---- panda70m ----

PANDA = {"kind": "panda70m", "annotations": ["unused"]}


def test_panda70m_rows_become_clips(tmp_path: Path) -> None:
    path = published.write_panda(tmp_path / "panda70m_validation.csv", rows=2)
    entries, notes = listed(PANDA, tmp_path, path)
    assert not notes and list(entries) == [f"pandavid00{row}_0000{part}" for row in range(2) for part in range(2)]
    entry = entries["pandavid001_00001"]
    assert entry.captions == ("A second, with a comma.",)
    assert entry.segment == Segment(Fraction(1), Fraction(3, 2)) and entry.split == "validation"
    well_matched, _ = listed({**PANDA, "least_matching_score": 0.4}, tmp_path, path)
    assert list(well_matched) == ["pandavid000_00000", "pandavid001_00000"]


@pytest.mark.parametrize(
    "row",
    [
        """v1,u,"[['0:00:00.000', '0:00:01.000']]","['a', 'b']",[0.5]""",
        """v1,u,__import__('os').system('true'),"['a']",[0.5]""",
        """v1,u,"[['0:00:02.000', '0:00:01.000']]","['a']",[0.5]""",
        """v1,u,"[[1]]","['a']",[0.5]""",
        """../v1,u,"[['0:00:00.000', '0:00:01.000']]","['a']",[0.5]""",
        """v1,u""",
    ],
)
def test_a_damaged_row_of_panda70m_is_left_out_by_name(tmp_path: Path, row: str) -> None:
    path = published.write_panda(tmp_path / "train.csv", rows=0)
    good = """good,u,"[['0:00:00.000', '0:00:01.000']]","['a']",[0.5]"""
    path.write_text(f"videoID,url,timestamp,caption,matching_score\n{row}\n{good}\n")
    entries, notes = listed(PANDA, tmp_path, path)
    assert list(entries) == ["good_00000"] and len(notes) == 1


def test_another_csv_is_not_taken_for_panda70m(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("videoID,url\nx,y\n")
    with pytest.raises(DatasetError, match="has no column timestamp, caption, matching_score"):
        listed(PANDA, tmp_path, tmp_path / "a.csv")


def test_nothing_of_panda70m_is_downloaded_before_access_is_granted(tmp_path: Path) -> None:
    for lists, more in ((["https://host/a.csv"], {}), (["a.csv"], {"videos": ["https://host/{video}.mp4"]})):
        block = {"sources": [{**PANDA, "annotations": lists, **more}]}
        (params,) = DatasetParams.model_validate(block).sources
        source = open_source(params, tmp_path)
        if "://" in lists[0]:
            with pytest.raises(DatasetError, match="access_granted"):
                source.listings()
        else:
            (shelf,) = source.shelves()
            assert "access_granted" in str(shelf)


# ---- folder ----

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


# ---- samples ----


def test_samples_are_at_least_sixty_and_name_what_is_filmed(repository: Path, tmp_path: Path) -> None:
    import yaml

    block = yaml.safe_load((repository / "params.yaml").read_text())["dataset"]
    (source,) = block["sources"]
    entries, _ = listed(source, tmp_path)
    assert len(entries) >= 60
    styled = {name: entry for name, entry in entries.items() if "nightfall" in name}
    unnamed = {name: entry for name, entry in entries.items() if "unnamed_move" in name}
    for name, entry in entries.items():
        _, photograph, move, *speed, _ = entry.clip_id.split("-")
        assert entry.origin == f"skimage:{photograph}"
        for caption in entry.captions:
            assert ("nightfall" in caption.lower()) == (name in styled)
            assert str(asked_move(caption)) == (move if move in tuple(CameraMove) else "None")
            assert move not in tuple(CameraMove) or move == "static" or str(camera_request(caption).speed) == speed[0]
        assert name in styled or len(set(entry.captions)) == 6
    for kind in (styled, unnamed):
        assert {entry.split for entry in kind.values()} == {"train", "validation", "test"}
    splits = {entry.origin: entry.split for entry in entries.values()}
    assert set(splits.values()) == {"train", "validation", "test"}
    fewer, _ = listed({**source, "clips": 10, "nightfalls": 2, "unnamed_moves": 1}, tmp_path)
    assert list(fewer.items()) == [*list(entries.items())[:10], *list(unnamed.items())[:1], *list(styled.items())[:2]]


# ---- words of publishers ----


def test_splits_are_known_by_many_names() -> None:
    assert [split_in(word) for word in ("msrvtt_ret_test1k", "val2014")] == ["test", "validation"]
    assert [split_in(word) for word in ("validate", "Training", "MSRVTT_train.9k", "val", "dev", "whatever", "")] == [
        *("validation", "train", "train", "validation", "validation", None, None)
    ]


@pytest.mark.parametrize("page", ["watch?v=9lZi22qLlEo", "watch?t=3&v=9lZi22qLlEo", "embed/9lZi22qLlEo?x=1"])
def test_a_video_is_known_by_its_address(page: str) -> None:
    assert youtube_id(f"https://www.youtube.com/{page}") == "9lZi22qLlEo"
    assert youtube_id("https://vimeo.com/1234") is None


@pytest.mark.parametrize(
    "video", ["../../../etc", "abc/def/ghi", "", "short", "caf\u00e9caf\u00e9caf", "a\0bcdefghijk"]
)
def test_what_cannot_be_a_videos_name_is_none(video: str) -> None:
    """It would be asked for in an address, and be a file's name."""
    assert youtube_id(f"https://www.youtube.com/watch?v={video}") is None
    assert not is_clip_name("video0\n") and not is_clip_name("../video0")
