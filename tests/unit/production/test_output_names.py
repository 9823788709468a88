"""What a clip is called, what lies beside it, and which names are refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from reelops.clip import ClipOrder
from reelops.errors import InputError
from reelops.production.output_names import check_output, contact_sheet_of, default_stem, files_of, sidecar_of

PLAIN = ClipOrder(picture=Path("coffee.jpg"), prompt="pan left")
LONGEST_NUMBER = "-1000000"


def test_a_plain_order_is_told_by_picture_prompt_and_seed() -> None:
    assert default_stem(PLAIN) == "coffee-pan-left-seed0"
    order = ClipOrder(picture=Path("Harbour 3.PNG"), prompt="A boat; slow zoom in!", seed=4)
    assert default_stem(order) == "harbour-3-a-boat-slow-zoom-in-seed4"


@pytest.mark.parametrize(
    ("changes", "stem"),
    [
        ({"profile": "camera-moves"}, "coffee-pan-left-camera-moves-seed0"),
        ({"profile": "/data/models/big i2v"}, "coffee-pan-left-big-i2v-seed0"),
        ({"adapter": Path("adapters/press.safetensors")}, "coffee-pan-left-press-seed0"),
        ({"adapter_strength": 0.5}, "coffee-pan-left-strength0.5-seed0"),
        ({"adapter_strength": -1}, "coffee-pan-left-strengthminus1-seed0"),
        ({"fit": "pad", "steps": 8}, "coffee-pan-left-steps8-pad-seed0"),
        ({"guidance": 4.5}, "coffee-pan-left-guidance4.5-seed0"),
        ({"negative_prompt": "Blur, noise"}, "coffee-pan-left-blur-noise-seed0"),
        ({"num_frames": 17, "width": 640, "height": 480}, "coffee-pan-left-frames17-width640-height480-seed0"),
        ({"size": "1080p", "seconds": 12.5}, "coffee-pan-left-1080p-seconds12.5-seed0"),
        ({"detail": "off"}, "coffee-pan-left-detail-off-seed0"),
        ({"quality": "lossless", "seed": 7}, "coffee-pan-left-lossless-seed7"),
    ],
)
def test_what_differs_from_a_plain_order_is_in_the_name(changes: dict[str, Any], stem: str) -> None:
    assert default_stem(PLAIN.but(**changes)) == stem


def test_a_field_that_is_added_to_orders_is_in_the_name_too() -> None:
    class OrderWithSpeed(ClipOrder):
        speed: int | None = Field(default=None)

    assert default_stem(OrderWithSpeed(**PLAIN.model_dump(), speed=3)) == "coffee-pan-left-speed3-seed0"


@pytest.mark.parametrize("picture", ["a.png", "!!!.png", os.fsdecode(b"\xff\xfe.png"), "\u3042" * 80 + ".png"])
@pytest.mark.parametrize(
    "prompt", ["../../etc/passwd", "/" * 40, "slow zoom in " * 200, "\u5909\u7126", "!!!", "\U0001d4b6" * 300]
)
def test_no_order_leads_out_of_the_folder_or_to_a_name_that_no_disk_takes(
    picture: str, prompt: str, tmp_path: Path
) -> None:
    long = {"negative_prompt": "\u3042" * 300, "adapter": Path("\u3042" * 80), "profile": "x" * 300}
    order = ClipOrder(picture=Path(picture), prompt=prompt, seed=2**63 - 1, guidance=1.2345678, **long)
    for one in (order, ClipOrder(picture=Path(picture), prompt=prompt)):
        stem = default_stem(one)
        assert not stem.startswith(("-", ".")) and Path(stem).name == stem
        for path in files_of(tmp_path / f"{stem}{LONGEST_NUMBER}.mp4"):
            path.touch()


@pytest.mark.parametrize("taken", ["clip.mp4", "clip.json", "clip.contact.jpg"])
@pytest.mark.parametrize("dangling", [False, True], ids=["file", "link to nothing"])
def test_what_stands_under_any_name_of_a_clip_is_overwritten_only_when_asked(
    taken: str, dangling: bool, tmp_path: Path
) -> None:
    if dangling:
        (tmp_path / taken).symlink_to("nothing")
    else:
        (tmp_path / taken).touch()
    with pytest.raises(InputError, match=rf"{taken} exists already.*--force"):
        check_output(tmp_path / "clip.mp4", overwrite=False)
    assert check_output(tmp_path / "clip.mp4", overwrite=True) == tmp_path / "clip.mp4"


@pytest.mark.parametrize("taken", ["clip.mp4", "clip.json", "clip.contact.jpg"])
def test_a_folder_under_any_name_of_a_clip_is_refused_whatever_is_asked(taken: str, tmp_path: Path) -> None:
    (tmp_path / taken).mkdir()
    with pytest.raises(InputError, match=rf"{taken} is a folder"):
        check_output(tmp_path / "clip.mp4", overwrite=True)


@pytest.mark.parametrize(
    ("name", "advice"), [("clip.avi", r"Name it clip\.mp4"), ("clip", r"Name it clip\.mp4"), (".", r"Name it .*\.mp4")]
)
def test_a_clip_that_is_no_mp4_is_refused_before_any_work(name: str, advice: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=advice):
        check_output(tmp_path / name, overwrite=True)
    with pytest.raises(InputError, match=advice):
        check_output(Path(name), overwrite=True)


@pytest.mark.parametrize("stem", ["a" * 244, "\u3042" * 82])
def test_a_name_that_leaves_no_room_for_what_belongs_to_a_clip_is_refused_before_any_work(stem: str) -> None:
    with pytest.raises(InputError, match="too long a name"):
        check_output(Path(f"{stem}.mp4"), overwrite=False)


def test_what_belongs_to_a_clip_stands_beside_it() -> None:
    assert sidecar_of(Path("/a/clip.mp4")) == Path("/a/clip.json")
    assert contact_sheet_of(Path("/a/clip.mp4")) == Path("/a/clip.contact.jpg")
    assert contact_sheet_of(Path("/a/x-guidance4.5.mp4")) == Path("/a/x-guidance4.5.contact.jpg")


def test_names_are_absolute_wherever_the_folder_is_named_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert check_output(Path("clip.mp4"), overwrite=False) == tmp_path / "clip.mp4"
