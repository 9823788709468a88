"""The conditioning picture as a clip shows it, for metrics that compare the two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from reelops.errors import PictureError


def picture_at(picture: Path | np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture turned upright, centre-cropped to the clip's aspect and scaled to its size: RGB uint8 (H, W, 3).

    Args:
        picture: a file, or RGB uint8; one that has the size already is left as it is.
        width, height: the clip's, in pixels.

    Raises:
        PictureError: it cannot be read as a picture.
    """
    if isinstance(picture, np.ndarray):
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise PictureError(f"A picture is RGB uint8 (H, W, 3); this one is {picture.dtype} {picture.shape}.")
        if picture.shape[:2] == (height, width):
            return picture
        image = Image.fromarray(picture)
    else:
        image = _open(Path(picture))
    return np.asarray(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS))


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except FileNotFoundError as error:
        raise PictureError(
            f"There is no picture {path}. Give the path of the picture the clip started from."
        ) from error
    except UnidentifiedImageError as error:
        raise PictureError(f"{path} is not a picture that can be read. Give a PNG, JPEG or WebP.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PictureError(f"{path} cannot be read as a picture: {error}. Give another file.") from error
