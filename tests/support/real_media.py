"""Real clips and pictures: those of data/media, and further ones where a folder of them is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "data" / "media"
VIDEO, IMAGE = FOLDER / "video", FOLDER / "image"
MORE = "REELOPS_TEST_MEDIA"


def media(name: str) -> Path:
    """A file of data/media; its README.md says what each one shows and where it is from."""
    (path,) = FOLDER.glob(f"*/{name}")
    return path


@pytest.fixture(scope="session")
def more_media() -> Path:
    """A folder with clips that may not be passed on; tests that ask for it are marked `more_media`, and may skip."""
    if MORE not in os.environ:
        pytest.skip(f"looks at clips that are not in the repository; {MORE} may name a folder of them")
    return Path(os.environ[MORE]).resolve(strict=True)


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "more_media" in getattr(item, "fixturenames", ()):
            item.add_marker("more_media")
