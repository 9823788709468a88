"""What was sent stays as long as a job needs it, once, under the digest of its bytes."""

from __future__ import annotations

import hashlib
import io
import os
import time
from pathlib import Path

import pytest
from service_client import picture

from reelops.errors import PictureError, VideoError
from reelops.service.limits import ServiceLimits
from reelops.service.uploads import TooLargeError, Uploads, shown_name


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", ServiceLimits(most_upload_mb=0.5, most_megapixels=0.1))


def test_the_same_picture_is_kept_once_whatever_it_is_called(uploads: Uploads, tmp_path: Path) -> None:
    first, again = uploads.keep(io.BytesIO(picture()), "a.png"), uploads.keep(io.BytesIO(picture()), "../b.jpg")
    assert first.path == again.path and again.name == "b.jpg"
    assert first.path.stem == hashlib.sha256(picture()).hexdigest() and first.path.suffix == ".png"
    assert (first.width, first.height) == (160, 120)
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == [first.path]


def test_what_is_refused_leaves_nothing(uploads: Uploads, tmp_path: Path) -> None:
    with pytest.raises(TooLargeError, match=r"b\.png has more than 0\.5 MB"):
        uploads.keep(io.BytesIO(bytes(600_000)), "b.png")
    with pytest.raises(TooLargeError, match=r"b\.png is 400x300 pixels"):
        uploads.keep(io.BytesIO(picture(side=(400, 300))), "b.png")
    with pytest.raises(PictureError, match=r"^b\.png is a text file"):
        uploads.keep(io.BytesIO(b"hello"), "/etc/b.png")
    with pytest.raises(VideoError, match=r"^b\.mp4 is no video"):
        uploads.keep_clip(io.BytesIO(picture()), "b.mp4")
    assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]


def test_what_no_job_needs_goes_after_its_days_and_what_was_sent_again_stays(uploads: Uploads) -> None:
    old, needed, sent_again = (uploads.keep(io.BytesIO(picture(seed)), None).path for seed in range(3))
    for path in (old, needed, sent_again):
        os.utime(path, (time.time() - 10 * 86_400,) * 2)
    uploads.keep(io.BytesIO(picture(2)), None)
    assert uploads.remove_unused({str(needed)}) == 1
    assert not old.exists() and needed.exists() and sent_again.exists()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "the file"),
        ("", "the file"),
        ("a.png", "a.png"),
        ("..\\..\\a.png", "a.png"),
        ("/etc/a\nb\0.png", "ab.png"),
        ("\u202ea.png", "a.png"),
        ("x" * 500, "x" * 80),
    ],
)
def test_a_senders_name_is_shown_without_folders_and_in_short(given: str | None, shown: str) -> None:
    assert shown_name(given) == shown
