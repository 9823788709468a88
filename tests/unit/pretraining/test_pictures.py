"""Pictures and videos to learn from come as they are in their files, and a strange one is told by its name."""

from __future__ import annotations

import re
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from real_media import IMAGE, VIDEO
from worker_jobs import trouble

from reelops.dataset.entry import VIDEO_SUFFIXES
from reelops.errors import DatasetError
from reelops.pretraining.pictures import _decoded_apart, bundled_pictures, load_pictures, load_videos

CLIP = VIDEO / "cogvideox-generated-1.mp4"


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_pictures_come_in_their_order_as_opencv_reads_them() -> None:
    files = [*sorted(IMAGE.glob("kodim*.png"), reverse=True), CLIP, IMAGE / "kodim03.png"]
    bundled, loaded = bundled_pictures(), load_pictures(files)
    assert all(np.array_equal(one, other) for one, other in zip(bundled, loaded, strict=False))
    pictures = loaded[len(bundled) :]
    for picture, path in zip([*pictures[:3], pictures[-1]], [*files[:3], files[-1]], strict=True):
        assert np.array_equal(picture, cv2.imread(str(path))[..., ::-1])
    frames = frames_of(CLIP)
    assert all(any(np.array_equal(still, frame) for frame in frames) for still in pictures[3:-1])
    assert len(pictures) > 4 + 2, "some stills of the clip"
    assert np.array_equal(pictures[3], frames[0])


def test_whatever_is_a_video_among_clips_is_one_here(tmp_path: Path) -> None:
    files = [tmp_path / f"a{suffix}" for suffix in VIDEO_SUFFIXES]
    for path in files:
        path.write_bytes(CLIP.read_bytes())
    of_one = len(load_pictures([CLIP])) - len(bundled_pictures())
    assert of_one > 2 and len(load_pictures(files)) == len(bundled_pictures()) + of_one * len(files)


def test_videos_come_squeezed_from_their_first_frame_on() -> None:
    (clip,) = load_videos([CLIP], (48, 32), at_most=20)
    assert clip.shape == (20, 32, 48, 3)
    assert np.array_equal(clip[0], cv2.resize(frames_of(CLIP)[0], (48, 32), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("name", ["cut.png", "cut.mp4", "none.jpg"])
def test_a_damaged_file_ends_in_one_line_with_its_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.startswith("cut"):
        whole = CLIP if name.endswith("mp4") else IMAGE / "kodim03.png"
        path.write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(DatasetError, match=f"^{re.escape(str(path))} cannot be learnt from: [^\n]*$"):
        load_pictures([IMAGE / "kodim03.png", path])


def test_a_file_that_ends_its_decoder_ends_nothing_else() -> None:
    with pytest.raises(DatasetError, match=r"^die cannot be learnt from: the process that worked on it was ended by"):
        _decoded_apart(trouble, ["fine", "die"])
