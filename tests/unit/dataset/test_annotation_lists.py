"""Lists of annotations, in every form that publishers and hub mirrors give them."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import published
import pytest
from listed import listed

from reelops.dataset.entry import Segment
from reelops.dataset.params import DatasetParams, open_source
from reelops.errors import DatasetError

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
