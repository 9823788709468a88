"""Clips that ReelOps draws itself, and the words by which publishers name splits and videos."""

from __future__ import annotations

from pathlib import Path

import pytest
from listed import listed

from reelops.camera.moves import CameraMove
from reelops.camera.request import asked_move, camera_request
from reelops.dataset.entry import is_clip_name, split_in, youtube_id

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
