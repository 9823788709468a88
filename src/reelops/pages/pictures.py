"""Pictures that stand in a page."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

_JPEG_QUALITY = 70


def jpeg(picture_HWC: np.ndarray, width: int) -> bytes:
    """RGB uint8 as a small JPEG, at most so wide."""
    picture = Image.fromarray(picture_HWC)
    picture.thumbnail((width, width * 4), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return data.getvalue()


def data_uri(data: bytes, mime: str = "image/jpeg") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"
