"""The files a take leaves: names, refusals, and nothing of a killed run."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelops.clip import ClipOrder
from reelops.errors import InputError
from reelops.production.output_names import check_output, contact_sheet_of, default_output, output_for, sidecar_of


def test_default_names_tell_the_order_and_never_collide(tmp_path: Path) -> None:
    order = ClipOrder(picture=Path("Harbour 3.PNG"), prompt="A boat; slow zoom in!", seed=4)
    first = default_output(order, tmp_path)
    assert first.name == "harbour-3-a-boat-slow-zoom-in-seed4.mp4"
    first.touch()
    second = default_output(order, tmp_path)
    assert second.name == "harbour-3-a-boat-slow-zoom-in-seed4-2.mp4"
    second.touch()
    first.unlink()
    assert default_output(order, tmp_path) == first


@pytest.mark.parametrize("prompt", ["../../etc/passwd", "/" * 40, "slow zoom in " * 200, "変焦", "!!!"])
def test_no_prompt_leads_out_of_the_folder_or_to_a_name_too_long(prompt: str, tmp_path: Path) -> None:
    path = default_output(ClipOrder(picture=Path("a.png"), prompt=prompt), tmp_path)
    assert path.parent == tmp_path
    path.touch()


def test_an_existing_clip_is_overwritten_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.touch()
    with pytest.raises(InputError, match=r"exists already; .*--force"):
        check_output(path, overwrite=False)
    assert check_output(path, overwrite=True) == path


def test_a_clip_that_is_no_mp4_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Name it clip\.mp4"):
        check_output(tmp_path / "clip.avi", overwrite=True)


def test_what_belongs_to_a_clip_stands_beside_it() -> None:
    assert sidecar_of(Path("/a/clip.mp4")) == Path("/a/clip.json")
    assert contact_sheet_of(Path("/a/clip.mp4")) == Path("/a/clip.contact.jpg")


def test_a_folder_and_no_place_at_all_give_the_clip_a_name_and_a_file_keeps_its_own(tmp_path: Path) -> None:
    order = ClipOrder(picture=Path("a.png"), prompt="zoom in")
    (tmp_path / "mine").mkdir()
    assert output_for(order, None, tmp_path / "outputs") == tmp_path / "outputs" / "a-zoom-in-seed0.mp4"
    assert output_for(order, tmp_path / "mine", tmp_path) == tmp_path / "mine" / "a-zoom-in-seed0.mp4"
    assert output_for(order, tmp_path / "b.mp4", tmp_path) == tmp_path / "b.mp4"
    with pytest.raises(InputError, match=r"does not end in \.mp4"):
        output_for(order, tmp_path / "b.gif", tmp_path)


def test_names_are_absolute_wherever_the_folder_is_named_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    order = ClipOrder(picture=Path("a.png"), prompt="zoom in")
    assert output_for(order, None, Path("outputs")).parent == tmp_path / "outputs"
