"""A clip of the embedded model as people get it: in its picture's shape, and with the picture's own detail."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from reelops.camera.moves import CameraMove
from reelops.clip import ClipOrder
from reelops.params import load_config
from reelops.production.producer import build_producer
from reelops.production.take import Take
from reelops.video.probe import probe


@pytest.fixture(scope="module")
def take(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Take:
    """Of a phone's picture: a lighthouse, which the model never saw, cut to 9:16."""
    folder = tmp_path_factory.mktemp("takes")
    with Image.open(repository / "data/media/image/kodim19.png") as picture:
        picture.crop((40, 0, 472, 768)).save(folder / "phone.png")
    order = ClipOrder(picture=folder / "phone.png", prompt="slow zoom in", seed=5)
    return build_producer(load_config(home=folder / "home")).produce(order, folder / "phone.mp4", track=False)


def test_a_phone_picture_gives_a_phone_clip_and_nothing_of_it_is_cropped(take: Take) -> None:
    """In positions that are stretched over a shape that the model was never trained in."""
    clip = probe(take.clip.path)
    assert (clip.width, clip.height, clip.num_frames) == (432, 768, 49)
    assert (take.facts["generated_width"], take.facts["generated_height"]) == (144, 256)
    assert not any("cropped" in note for note in take.notes)
    assert take.scores.measured_move is CameraMove.ZOOM_IN


def test_it_is_sharper_than_the_generated_one_and_stays_so(take: Take) -> None:
    assert take.bare is not None
    finished, bare = take.scores, take.bare.scores
    assert take.facts["detail_share"] > 0.5 and take.facts["detail_share_last_frame"] > 0.3
    assert finished["sharpness"] > 3 * bare["sharpness"]
    assert finished["detail_drift"] < bare["detail_drift"]
    assert finished["first_frame_fidelity"] > bare["first_frame_fidelity"]
