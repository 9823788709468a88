"""The conditioning picture as a clip shows it, for metrics that compare the two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from reelops.errors import PictureError
from reelops.video.picture import read_picture


def picture_at(picture: Path | np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture turned upright, centre-cropped to the clip's aspect and scaled to its size: RGB uint8 (H, W, 3).

    Args:
        picture: a file, or RGB uint8; one that has the size already is left as it is.
        width, height: the clip's, in pixels.

    Raises:
        PictureError: it cannot be read as a picture.
    """
    if isinstance(picture, Path):
        return read_picture(picture, width, height).rgb_HWC
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise PictureError(f"A picture is RGB uint8 (H, W, 3); this one is {picture.dtype} {picture.shape}.")
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(ImageOps.fit(Image.fromarray(picture), (width, height), Image.Resampling.LANCZOS))
