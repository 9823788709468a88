"""Small pictures of every format that is read, with what each format can carry: what picture mutants are made of."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

_SIZE = (60, 40)


@cache
def samples() -> dict[str, bytes]:
    """Files by name; what stands before the dash is the format."""
    rgb = _ground()
    grey, palette, cmyk = rgb.convert("L"), rgb.convert("P"), rgb.convert("CMYK")
    alpha = rgb.convert("RGBA")
    alpha.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey, np.uint16) * 257)
    extras: dict[str, Any] = {"exif": exif(), "icc_profile": profile("sRGB")}
    return {
        "png-rgb": _saved(rgb, "PNG", **extras),
        "png-alpha": _saved(alpha, "PNG"),
        "png-deep": _saved(deep, "PNG"),
        "png-palette": _saved(palette, "PNG", transparency=3),
        "png-animated": _saved(rgb, "PNG", save_all=True, append_images=_turned()),
        "jpeg-rgb": _saved(rgb, "JPEG", **extras),
        "jpeg-lab": _saved(rgb, "JPEG", exif=exif(), icc_profile=profile("LAB")),
        "jpeg-cmyk": _saved(cmyk, "JPEG", exif=exif()),
        "jpeg-progressive": _saved(grey, "JPEG", progressive=True),
        "jpeg-pair": _saved(rgb, "MPO", save_all=True, append_images=_turned()[:1]),
        "webp-rgb": _saved(rgb, "WEBP", **extras),
        "webp-lossless": _saved(alpha, "WEBP", lossless=True),
        "webp-animated": _saved(rgb, "WEBP", save_all=True, append_images=_turned()),
        "avif-rgb": _saved(rgb, "AVIF", **extras),
        "avif-animated": _saved(rgb, "AVIF", save_all=True, append_images=_turned()),
        "tiff-rgb": _saved(rgb, "TIFF", icc_profile=profile("sRGB")),
        "tiff-lzw": _saved(rgb, "TIFF", compression="tiff_lzw"),
        "tiff-deflate": _saved(deep, "TIFF", compression="tiff_deflate"),
        "tiff-jpeg": _saved(rgb, "TIFF", compression="jpeg"),
        "tiff-fax": _saved(rgb.convert("1"), "TIFF", compression="group4"),
        "tiff-float": _saved(grey.convert("F"), "TIFF"),
        "tiff-lab": _saved(rgb.convert("LAB"), "TIFF"),
        "tiff-pages": _saved(rgb, "TIFF", save_all=True, append_images=_turned()),
        "gif-one": _saved(palette, "GIF", transparency=5),
        "gif-animated": _saved(palette, "GIF", save_all=True, append_images=[one.convert("P") for one in _turned()]),
        "bmp-rgb": _saved(rgb, "BMP"),
        "bmp-palette": _saved(palette, "BMP"),
        "jp2-rgb": _saved(rgb, "JPEG2000"),
        "jp2-grey": _saved(grey, "JPEG2000", no_jp2=True),
        "ppm-rgb": _saved(rgb, "PPM"),
        "ppm-plain": b"P3 20 20 255\n" + b" ".join(b"%d" % (n % 256) for n in range(1200)) + b"\n",
        "ppm-float": b"Pf\n20 20\n-1.0\n" + np.linspace(0, 1, 400, dtype="<f4").tobytes(),
        "qoi-rgb": _saved(rgb, "QOI"),
    }


CARRIERS: tuple[str, ...] = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF")
"""Formats that carry EXIF and a colour profile, and are written with any bytes for them."""


def carrying(name: str, exif_bytes: bytes, icc_bytes: bytes) -> bytes:
    """A sound picture of a format of `CARRIERS` with these bytes for its EXIF and its colour profile."""
    return _saved(_ground(), name, exif=exif_bytes, icc_profile=icc_bytes)


@cache
def exif() -> bytes:
    """EXIF of a camera: orientation, fractions, texts, and the places of a second and a third table."""
    tags = Image.Exif()
    tags[0x0112], tags[0x010E], tags[0x011A] = 6, "a harbour", 72.0
    tags[0x8769] = {0x9003: "2020:01:01 00:00:00", 0x829A: 0.01}
    tags[0x8825] = {1: "N", 2: (1.0, 2.0, 3.0)}
    return tags.tobytes()


@cache
def profile(space: str) -> bytes:
    """An ICC profile as bytes."""
    make: Callable[[str], Any] = ImageCms.createProfile
    return ImageCms.ImageCmsProfile(make(space)).tobytes()


@cache
def _ground() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (*_SIZE[::-1], 3), dtype=np.uint8))


def _turned() -> list[Image.Image]:
    return [_ground().rotate(9), _ground().rotate(40)]


def _saved(image: Image.Image, name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.copy().save(file, name, **options)  # an encoder leaves its settings with the picture
    return file.getvalue()
