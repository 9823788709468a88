"""Pictures of high dynamic range (HLG, PQ) as SDR: what is up to the white of paper stays, what is lighter is eased in.

Light is undone by the file's own transfer characteristics, scaled so that HDR's reference white of 203 cd/m2
(ITU-R BT.2408 section 2.2) is SDR's white, brought from BT.2020's primaries to BT.709's, and given BT.1886's gamma.
"""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np

_PQ, _HLG = 16, 18  # ITU-T H.273, table 3
_NAMES = {_PQ: "PQ", _HLG: "HLG"}
_BT709_PRIMARIES = 1
REFERENCE_WHITE_NITS = 203.0
_HLG_PEAK_NITS = 1000.0
_HLG_SYSTEM_GAMMA = 1.2
_DISPLAY_GAMMA = 2.4
# As parts of reference white: up to the knee light stays; the peak, and all above, becomes white.
_KNEE, _PEAK = 0.85, 1000.0 / REFERENCE_WHITE_NITS
_BT2020_LUMA = np.array([[0.2627, 0.6780, 0.0593]], np.float32)
# ITU-R BT.2087 section 3: linear BT.2020 to linear BT.709.
_TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]], np.float32
)
_STEPS = 65536


def transfer_of(frame: Any) -> str | None:
    """`PQ` or `HLG`; None for a frame of ordinary range."""
    return _NAMES.get(int(frame.color_trc))


def to_sdr(rgb_HWC: np.ndarray, frame: Any) -> np.ndarray:
    """Tone-mapped RGB uint8.

    Args:
        rgb_HWC: RGB uint16 over the full range, still under the transfer of its frame.
        frame: PyAV's, which tells transfer and primaries.
    """
    light = _linear_tables()[_NAMES[int(frame.color_trc)]][rgb_HWC]
    if int(frame.color_trc) == _HLG:
        luminance = np.maximum(cv2.transform(light, _BT2020_LUMA), 1e-6)
        light *= (cv2.pow(luminance, _HLG_SYSTEM_GAMMA - 1) * (_HLG_PEAK_NITS / REFERENCE_WHITE_NITS))[..., None]
    if int(frame.color_primaries) != _BT709_PRIMARIES:
        light = cv2.transform(light, _TO_BT709)
    red_HW, green_HW, blue_HW = (light[..., channel] for channel in range(3))
    brightest = np.clip(np.maximum(np.maximum(red_HW, green_HW), blue_HW), 0, _PEAK)
    light *= _easing_table()[(brightest * ((_STEPS - 1) / _PEAK)).astype(np.uint16)][..., None]
    codes = (np.clip(light, 0, 1) * np.float32(_STEPS - 1)).astype(np.uint16)
    shown: np.ndarray = _gamma_table()[codes]
    return shown


def eased(light: np.ndarray) -> np.ndarray:
    """Light, as parts of reference white, squeezed into 0 to 1: straight up to the knee, then a curve without a corner.

    As ITU-R BT.2390 section 5.4.1 has it, with a curve that leaves the knee as steep as it comes, and ends level.
    """
    along = np.clip((light - _KNEE) / (_PEAK - _KNEE), 0, 1)
    power = (_PEAK - _KNEE) / (1 - _KNEE)
    return np.where(light <= _KNEE, light, _KNEE + (1 - _KNEE) * (1 - (1 - along) ** power))


@functools.cache
def _linear_tables() -> dict[str, np.ndarray]:
    """Light of each code of 16 bits: of PQ as parts of reference white, of HLG as scene light from 0 to 1."""
    code = np.arange(_STEPS) / (_STEPS - 1)
    root = code ** (32 / 2523)  # SMPTE ST 2084, equation 4.1
    pq = 10_000 * (np.maximum(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)) ** (16384 / 2610)
    # ITU-R BT.2100, table 5.
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    hlg = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return {"PQ": (pq / REFERENCE_WHITE_NITS).astype(np.float32), "HLG": hlg.astype(np.float32)}


@functools.cache
def _easing_table() -> np.ndarray:
    """What each brightness from 0 to the peak is multiplied with."""
    light = np.linspace(0, _PEAK, _STEPS)
    return (eased(light) / np.maximum(light, 1e-6)).astype(np.float32)


@functools.cache
def _gamma_table() -> np.ndarray:
    light = np.arange(_STEPS) / (_STEPS - 1)
    return np.round(255 * light ** (1 / _DISPLAY_GAMMA)).astype(np.uint8)
