"""What every source promises; a new one is added to SOURCES and passes the same suite.

Each builder lays out a source of a few clips, some of whose videos are missing, where a source can lack any.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import published
import pytest

from reelops.dataset.entry import Entry
from reelops.dataset.fetch.report import SourceReport
from reelops.dataset.fetch.stage import RAW, FetchPlan, list_entries, plan_fetch, run_fetch
from reelops.dataset.params import DatasetParams
from reelops.dataset.records import read_fetched
from reelops.errors import DatasetError
from reelops.system.digest import sha256_of
from reelops.video.probe import probe

CLIPS = 5


@dataclass(frozen=True)
class Layout:
    """A source's mapping in params.yaml, where its videos are, and how many of its clips have none."""

    source: dict[str, Any]
    videos: Path | None
    missing: int = 1
    clips: int = CLIPS


def samples(root: Path) -> Layout:
    return Layout({"kind": "samples", "clips": CLIPS}, None, missing=0)


def folder(root: Path) -> Layout:
    place = root / "mine"
    for number in range(CLIPS):
        clip = published.draw_video(place / f"clip{number}.mp4", seed=number)
        clip.with_suffix(".txt").write_text(f"A caption for {number}.\n")
    return Layout({"kind": "folder", "path": "mine", "licence": "my own"}, None, missing=0)


def in_folder(root: Path, names: list[str]) -> Path:
    place = root / "clips"
    for number, name in enumerate(names):
        published.draw_video(place / "deeper" / f"{name}.mp4", seed=number)
    return place


def msr_vtt_in_a_folder(root: Path) -> Layout:
    clips = published.sentences(CLIPS)
    published.write_json(root / "train_val_videodatainfo.json", published.msr_vtt(clips))
    place = in_folder(root, [clip_id for clip_id, _ in clips[:-1]])
    return Layout({"kind": "msr_vtt", "annotations": ["train_val_videodatainfo.json"], "videos": ["clips"]}, place)


def msr_vtt_in_zips(root: Path) -> Layout:
    clips = published.sentences(CLIPS)
    place = in_folder(root, [clip_id for clip_id, _ in clips[:-1]])
    with ZipFile(root / "msrvtt_data.zip", "w") as zipped:
        zipped.writestr("msrvtt_data/MSRVTT_data.json", json.dumps(published.msr_vtt(clips)))
        zipped.writestr("__MACOSX/._MSRVTT_data.json", "no JSON")
    with ZipFile(root / "MSRVTT.zip", "w") as zipped:
        for path in place.rglob("*.mp4"):
            zipped.write(path, f"MSRVTT/videos/all/{path.name}")
    shutil.rmtree(place)
    return Layout(
        {"kind": "msr_vtt", "annotations": ["msrvtt_data.zip"], "videos": ["MSRVTT.zip"]}, root / "MSRVTT.zip"
    )


def vatex(root: Path) -> Layout:
    rows = published.vatex(CLIPS)
    published.write_json(root / "vatex_training_v1.0.json", rows)
    place = in_folder(root, [row["videoID"] for row in rows[:-1]])
    return Layout({"kind": "vatex", "annotations": ["vatex_training_v1.0.json"], "videos": ["clips"]}, place)


def vatex_of_whole_videos(root: Path) -> Layout:
    rows = published.vatex(CLIPS)
    published.write_json(root / "vatex_validation_v1.0.json", rows)
    place = in_folder(root, [row["videoID"][:11] for row in rows[:-1]])
    return Layout({"kind": "vatex", "annotations": ["vatex_validation_v1.0.json"], "videos": ["clips"]}, place)


def panda70m(root: Path) -> Layout:
    published.write_panda(root / "panda70m_testing.csv", rows=3)
    place = in_folder(root, ["pandavid000", "pandavid001"])
    own = {"kind": "panda70m", "annotations": ["panda70m_testing.csv"], "videos": ["clips"], "access_granted": True}
    return Layout(own, place, missing=2, clips=6)


SOURCES: dict[str, Callable[[Path], Layout]] = {
    "samples": samples,
    "folder": folder,
    "msr_vtt in a folder": msr_vtt_in_a_folder,
    "msr_vtt in zips": msr_vtt_in_zips,
    "vatex": vatex,
    "vatex of whole videos": vatex_of_whole_videos,
    "panda70m": panda70m,
}


@pytest.fixture(params=list(SOURCES))
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> Layout:
    return SOURCES[request.param](tmp_path)


def planned(root: Path, source: dict[str, Any], *, offline: bool = False) -> FetchPlan:
    block = {"sources": [source], "download": {"keep_free_gb": 0}}
    return plan_fetch(DatasetParams.model_validate(block), root, offline=offline)


def fetched(root: Path, source: dict[str, Any], *, offline: bool = False) -> SourceReport:
    (report,) = run_fetch(planned(root, source, offline=offline)).sources
    return report


def entries_of(root: Path, layout: Layout, **more: Any) -> list[Entry]:
    (entries,) = list_entries(planned(root, {**layout.source, **more})).values()
    return entries


def tables(root: Path, layout: Layout) -> tuple[bytes, bytes]:
    place = root / RAW / layout.source["kind"]
    return (place / "entries.jsonl").read_bytes(), (place / "lost.jsonl").read_bytes()


def test_clips_are_listed_without_their_videos(layout: Layout, tmp_path: Path) -> None:
    before = entries_of(tmp_path, layout)
    if layout.videos:
        (shutil.rmtree if layout.videos.is_dir() else Path.unlink)(layout.videos)
    assert entries_of(tmp_path, layout) == before
    assert not list((tmp_path / RAW).rglob("*.mp4"))


def test_an_entry_says_all_that_is_asked_of_it(layout: Layout, tmp_path: Path) -> None:
    entries = entries_of(tmp_path, layout)
    assert len(entries) == layout.clips
    assert len({entry.clip_id for entry in entries}) == layout.clips
    for entry in entries:
        assert entry.source == layout.source["kind"]
        assert entry.captions and all(caption == caption.strip() != "" for caption in entry.captions)
        assert entry.licence
        assert ":" in entry.origin and entry.video_id
        assert entry.split in ("train", "validation", "test", None)
        assert entry.page is None or entry.page.startswith("https://")
        assert not entry.clip_id.startswith(("/", "."))


def test_a_name_of_its_own_is_heeded(layout: Layout, tmp_path: Path) -> None:
    assert {entry.source for entry in entries_of(tmp_path, layout, name="mine-2024")} == {"mine-2024"}


def test_a_limit_takes_some_and_a_larger_one_takes_those_too(layout: Layout, tmp_path: Path) -> None:
    some = [{entry.clip_id for entry in entries_of(tmp_path, layout, limit=limit)} for limit in (1, 2, 4)]
    assert [len(names) for names in some] == [1, 2, 4]
    assert some[0] < some[1] < some[2]


def test_every_video_is_a_whole_file_and_every_loss_has_a_reason(layout: Layout, tmp_path: Path) -> None:
    report = fetched(tmp_path, layout.source)
    got = list(read_fetched(tmp_path / RAW / layout.source["kind"], tmp_path))
    assert (report.wanted, len(got), len(report.lost)) == (layout.clips, layout.clips - layout.missing, layout.missing)
    for one in got:
        assert probe(one.path).damage is None
        assert one.segment is None or one.path.stem == one.entry.video_id
    assert all("not in the" in one.reasons[0] for one in report.lost)
    settled = [*(one.entry for one in got), *(one.entry for one in report.lost)]
    assert sorted(settled, key=str) == sorted(entries_of(tmp_path, layout), key=str)


def test_a_second_run_brings_nothing_and_leaves_the_same_tables(layout: Layout, tmp_path: Path) -> None:
    fetched(tmp_path, layout.source)
    before = tables(tmp_path, layout)
    report = fetched(tmp_path, layout.source)
    assert (report.fetched, report.received_bytes) == (0, 0)
    assert tables(tmp_path, layout) == before


def test_two_places_get_the_same_clips_byte_for_byte(layout: Layout, tmp_path: Path) -> None:
    fetched(tmp_path, layout.source)
    before = {
        one.path.name: sha256_of(one.path) for one in read_fetched(tmp_path / RAW / layout.source["kind"], tmp_path)
    }
    shutil.rmtree(tmp_path / "data")
    fetched(tmp_path, layout.source)
    after = {
        one.path.name: sha256_of(one.path) for one in read_fetched(tmp_path / RAW / layout.source["kind"], tmp_path)
    }
    assert after == before


def test_offline_is_no_hindrance_where_all_is_at_hand(layout: Layout, tmp_path: Path) -> None:
    report = fetched(tmp_path, layout.source, offline=True)
    assert report.fetched + report.here == layout.clips - layout.missing


@pytest.mark.parametrize("layout", [name for name in SOURCES if name != "samples"], indirect=True)
def test_a_place_that_is_not_there_is_one_line(layout: Layout, tmp_path: Path) -> None:
    key = "path" if layout.source["kind"] == "folder" else "annotations"
    wrong = {**layout.source, key: "nowhere" if key == "path" else ["nowhere.json"]}
    report = fetched(tmp_path, wrong)
    assert isinstance(report.failure, DatasetError)
    assert re.search(r"nowhere.*params\.yaml", str(report.failure)) and "\n" not in str(report.failure)
