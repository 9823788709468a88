"""Small clips, scored once for all tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from footage import filmed, textured, write_clip, write_sidecar
from PIL import Image

from reelops.camera.moves import CameraMove
from reelops.params import load_config
from reelops.scoring.batch import ScoringOrder, find_clips, score_clips
from reelops.scoring.scored_clip import ScoredClip


@pytest.fixture(scope="session")
def clips_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """zoom.mp4 with its sidecar and picture, deep/frozen.mp4, broken.mp4, and a hidden one."""
    folder = tmp_path_factory.mktemp("clips")
    zoom = filmed(CameraMove.ZOOM_IN)
    Image.fromarray(zoom[0]).save(folder / "photo.png")
    write_sidecar(write_clip(folder / "zoom.mp4", zoom), folder / "photo.png", "a hill, pan left")
    (folder / "deep").mkdir()
    write_clip(folder / "deep" / "frozen.mp4", np.repeat(textured(96, 64)[None], 5, axis=0))
    (folder / "broken.mp4").write_bytes(b"this is not a video")
    (folder / ".hidden.mp4").write_bytes(b"nor this")
    return folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def order(home: Path, repository: Path) -> ScoringOrder:
    return ScoringOrder.of(load_config(params_file=repository / "params.yaml", home=home))


@pytest.fixture(scope="session")
def scored(clips_folder: Path, order: ScoringOrder) -> Iterator[list[ScoredClip]]:
    """broken.mp4, deep/frozen.mp4, zoom.mp4."""
    yield score_clips(find_clips([clips_folder]), order, workers=2)
