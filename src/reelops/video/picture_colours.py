"""Any colour mode as RGB with 8 bits a channel in sRGB, opaque; and what that took, one clause each."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageFile

from reelops.errors import PictureError
from reelops.foreign import reading_foreign

BEHIND_TRANSPARENCY = (255, 255, 255)
MAX_PROFILE_BYTES = 16_000_000
"""Profiles of presses, the largest there are, have 1 to 3 MB."""
_STRIP_ROWS = 256
_BRIGHTEST_LIGHT = 16.0
"""Floating point up to here is light of which 1 is white and more is a glare; beyond, it counts levels of grey."""
_LONGEST_NAME = 100


def to_srgb(path: Path, image: Image.Image) -> tuple[Image.Image, list[str]]:
    """A decoded picture as RGB, 8 bits a channel, laid over white; and what that took.

    Raises:
        PictureError: its mode, its palette or what it says of transparency cannot be understood.
    """
    with reading_foreign(path, PictureError, f"has colours ({image.mode}) that cannot be read", "save it as PNG"):
        return _converted(path, image)


def notes_on_depth(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """On colour of 16 bits, which Pillow scales down while decoding; deep grey is noted by `to_srgb`."""
    deep = not image.mode.startswith("I") and any(";16" in str(tile[3]) for tile in image.tile)
    return ("reduced from 16 to 8 bits a channel",) if deep else ()


def _converted(path: Path, image: Image.Image) -> tuple[Image.Image, list[str]]:
    notes: list[str] = []
    image = _to_8_bit(image, notes)
    alpha = _alpha_of(image)
    if image.mode in ("LA", "La"):
        image = image.convert("L")
    elif alpha is not None or image.mode == "P":
        image = image.convert("RGBA").convert("RGB")
    image = _apply_profile(path, image, notes)
    if image.mode == "CMYK":
        notes.append("converted from CMYK without a colour profile, so colours may be off")
    elif image.mode in ("L", "1"):
        notes.append("greyscale, so the clip starts in grey")
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    if alpha is not None and alpha.getextrema()[0] != 255:
        notes.append("its transparent parts are laid over white")
        backdrop = Image.new("RGB", rgb.size, BEHIND_TRANSPARENCY)
        backdrop.paste(rgb, mask=alpha)
        rgb = backdrop
    return rgb, notes


def _to_8_bit(image: Image.Image, notes: list[str]) -> Image.Image:
    """Scales deeper grey to 8 bits, which Pillow would clip."""
    if not image.mode.startswith(("I", "F")):
        return image
    deep = np.asarray(image)
    finite = [np.isfinite(strip) for strip in _strips(deep)]
    if not any(strip.any() for strip in finite):
        raise ValueError("none of its pixels is a number")
    if missing := deep.size - sum(int(strip.sum()) for strip in finite):
        notes.append(f"{missing:,} of its pixels are no numbers, and black or white")
    largest = max(float(strip.max(initial=0.0, where=np.isfinite(strip))) for strip in _strips(deep))
    depth, full = _full_scale(image.mode, largest)
    notes.append(f"reduced from {depth} to 8 bits a channel")
    scaled = [
        np.round(255 * np.clip(np.nan_to_num(strip / full, nan=0.0), 0, 1)).astype(np.uint8) for strip in _strips(deep)
    ]
    return Image.fromarray(np.concatenate(scaled))


def _strips(values_HW: np.ndarray) -> Iterator[np.ndarray]:
    """Some rows at a time as float64, of which a whole large picture would take gigabytes."""
    for top in range(0, len(values_HW), _STRIP_ROWS):
        yield values_HW[top : top + _STRIP_ROWS].astype(np.float64)


def _full_scale(mode: str, largest: float) -> tuple[str, float]:
    if mode.startswith("F"):
        return "floating point", 1.0 if largest <= _BRIGHTEST_LIGHT else max(largest, 255.0)
    return ("16", 65535.0) if largest <= 65535 else ("32", max(largest, 1.0))


def _alpha_of(image: Image.Image) -> Image.Image | None:
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        return image.convert("RGBA").getchannel("A")
    if "transparency" in image.info and image.mode in ("P", "L", "RGB", "1"):
        return image.convert("RGBA").getchannel("A")
    return None


def _apply_profile(path: Path, image: Image.Image, notes: list[str]) -> Image.Image:
    embedded = image.info.get("icc_profile")
    if image.mode not in ("RGB", "CMYK", "L", "LAB") or (not embedded and image.mode != "LAB"):
        return image
    try:
        with reading_foreign(path, PictureError, "has a colour profile that cannot be used"):
            return _by_profile(image, embedded, notes)
    except PictureError:
        notes.append("its embedded colour profile cannot be used, so colours may be off")
        return image


def _by_profile(image: Image.Image, embedded: bytes | None, notes: list[str]) -> Image.Image:
    if embedded and len(embedded) > MAX_PROFILE_BYTES:
        raise ValueError(f"it has {len(embedded):,} bytes")
    own = io.BytesIO(embedded) if embedded else ImageCms.createProfile("LAB")
    profile = ImageCms.ImageCmsProfile(own)
    name = " ".join(ImageCms.getProfileDescription(profile).split())[:_LONGEST_NAME]
    if image.mode == "RGB" and "srgb" in name.lower():
        return image
    converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    notes.append(f"converted from {'CMYK, ' if image.mode == 'CMYK' else ''}colour profile {name or 'unnamed'} to sRGB")
    return converted or image
