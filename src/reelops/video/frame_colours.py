"""One decoded frame as RGB or as luma alone, of eight bits over the full range, whatever its format says of colour."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from reelops.video.high_dynamic_range import to_sdr, transfer_of

# Slower than FFmpeg's defaults and the same on every machine.
SCALING = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)
_COLORSPACE_UNSPECIFIED = 2
_SMALLEST_HD_HEIGHT = 720
# Formats whose first plane is luma in bytes.
_LUMA_FIRST = frozenset(
    {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "yuv411p", "yuv410p", "nv12", "nv21", "gray"}
    | {"yuva420p", "yuva422p", "yuva444p", "nv16", "nv24", "yuv440p", "yuvj440p"}
)
_DEEP_LUMA_FIRST = ("yuv4", "yuva4", "p0", "p2", "p4", "gray1", "gray9")
# BT.601 and BT.709 alike keep luma from 16 to 235.
_FULL_RANGE = np.clip(np.round((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)


def rgb_of(frame: Any, size: tuple[int, int], reformatter: VideoReformatter) -> np.ndarray:
    """RGB uint8 (H, W, 3) of a size (width, height); the reformatter keeps what it works out for the next frame."""
    is_hdr = transfer_of(frame) is not None
    rgb = reformatter.reformat(
        frame,
        *size,
        format="rgb48" if is_hdr else "rgb24",
        src_colorspace=_matrix_of(frame),
        interpolation=SCALING,
        threads=1,
    )
    pixels: np.ndarray = rgb.to_ndarray()
    return to_sdr(pixels, frame) if is_hdr else pixels


def small_luma(frame: Any, size: tuple[int, int]) -> np.ndarray:
    """Luma uint8 (H, W) of a size (width, height), from the frame's own luma plane where it has one."""
    small: np.ndarray
    if transfer_of(frame):
        rgb = rgb_of(frame, size, VideoReformatter())
        small = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        return small
    depth = _luma_depth(frame.format)
    if depth is None:
        rgb = frame.to_ndarray(format="rgb24")
        small = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        return small
    plane = frame.planes[0]
    if depth == 8:
        luma = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        small = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
        return small if _is_full_range(frame) else _FULL_RANGE[small]
    deep = np.frombuffer(plane, "<u2").reshape(plane.height, plane.line_size // 2)[:, : plane.width]
    shift = 16 - depth if frame.format.name.startswith("p") else 0  # P010 and its kind keep their bits at the top
    light = cv2.resize(deep.astype(np.float32), size, interpolation=cv2.INTER_AREA) / 2 ** (shift + depth - 8)
    if not _is_full_range(frame):
        light = (light - 16) * (255 / 219)
    small = np.clip(np.round(light), 0, 255).astype(np.uint8)
    return small


def _luma_depth(kind: Any) -> int | None:
    """Bits of a format whose first plane is luma; None for others: RGB, packed, of bytes in another order."""
    if kind.name in _LUMA_FIRST:
        return 8
    if kind.name.startswith(_DEEP_LUMA_FIRST) and kind.name.endswith("le"):
        return int(kind.components[0].bits)
    return None


def _is_full_range(frame: Any) -> bool:
    return bool(frame.color_range == ColorRange.JPEG) or frame.format.name.startswith(("yuvj", "gray"))


def _matrix_of(frame: Any) -> Colorspace | None:
    if frame.colorspace != _COLORSPACE_UNSPECIFIED:
        return None
    return Colorspace.ITU709 if frame.height >= _SMALLEST_HD_HEIGHT else Colorspace.ITU601
