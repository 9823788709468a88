"""Colour and light: what burns, fades, shifts in hue or pulses."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.gate.faults.fault import Fault, at_480, each, each_in_time, mixed, smooth_field, soft_disc, to_uint8


def burning(frames_THWC: np.ndarray, gain: float, _: np.random.Generator) -> np.ndarray:
    """Contrast and colour grow until they burn out, towards the end."""

    def burn(frame: np.ndarray, time: float) -> np.ndarray:
        grey = frame.mean(axis=2, keepdims=True)
        saturated = grey + (frame - grey) * (1 + (gain - 1) * time)
        burnt: np.ndarray = (saturated - 118) * (1 + (gain - 1) * time) + 118
        return burnt

    return each_in_time(frames_THWC, burn)


def fogging(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """A grey fog comes up towards the end."""
    return each_in_time(frames_THWC, lambda frame, time: mixed(frame, np.full(3, 190), share * time))


def hue_drift(frames_THWC: np.ndarray, degrees: float, _: np.random.Generator) -> np.ndarray:
    """All hues turn towards the end."""
    return each_in_time(frames_THWC, lambda frame, time: _turned(frame, degrees * time))


def tint_drift(frames_THWC: np.ndarray, levels: float, rng: np.random.Generator) -> np.ndarray:
    """A tint comes up towards the end."""
    tint = np.roll(np.array([1.0, 0.0, -1.0]), int(rng.integers(3))) * levels
    return each_in_time(frames_THWC, lambda frame, time: frame + tint * time)


def losing_colour(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """Colours fade to grey towards the end."""

    def fade(frame: np.ndarray, time: float) -> np.ndarray:
        return mixed(frame, frame.mean(axis=2, keepdims=True), share * time)

    return each_in_time(frames_THWC, fade)


def pulsing(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """Light goes up and down smoothly, six times a clip."""
    return each_in_time(frames_THWC, lambda frame, time: frame * (1 + share * np.sin(12 * np.pi * time)))


def flickering_part(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """The light of a part of the picture is another in each frame."""
    spot = soft_disc(frames_THWC.shape[1:3], 0.3, rng)
    return each(frames_THWC, lambda frame: frame * (1 + spot * rng.uniform(-share, share)))


def colour_blotches(frames_THWC: np.ndarray, levels: float, rng: np.random.Generator) -> np.ndarray:
    """Patches of false colour come and go."""
    shape, grain = frames_THWC.shape[1:3], at_480(60, frames_THWC)
    fields = [smooth_field(shape, grain, 3, rng) for _ in range(max(2, len(frames_THWC) // 6))]
    colours = [field - field.mean(axis=2, keepdims=True) for field in fields]

    def stain(frame: np.ndarray, time: float) -> np.ndarray:
        place = time * (len(colours) - 1)
        now = min(int(place), len(colours) - 2)
        return frame + levels * mixed(colours[now], colours[now + 1], place - now)

    return each_in_time(frames_THWC, stain)


def split_channels(frames_THWC: np.ndarray, shift: float, _: np.random.Generator) -> np.ndarray:
    """Red and blue are shifted against green: coloured fringes."""
    pixels = max(1, round(at_480(shift, frames_THWC)))
    changed = frames_THWC.copy()
    changed[..., 0] = np.roll(changed[..., 0], pixels, axis=2)
    changed[..., 2] = np.roll(changed[..., 2], -pixels, axis=2)
    return changed


def colour_jumps(frames_THWC: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Hues are others in every frame."""
    return each(frames_THWC, lambda frame: _turned(frame, rng.uniform(-degrees, degrees)))


def clipped(frames_THWC: np.ndarray, gain: float, _: np.random.Generator) -> np.ndarray:
    """So much contrast that lights and shadows are lost, all along."""
    return each(frames_THWC, lambda frame: (frame.astype(np.float32) - 118) * gain + 118)


def _turned(frame: np.ndarray, degrees: float) -> np.ndarray:
    """The frame with its chroma turned (YCrCb)."""
    angle = np.deg2rad(degrees)
    ycc = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    red, blue = ycc[..., 1] - 128, ycc[..., 2] - 128
    ycc[..., 1] = np.cos(angle) * red - np.sin(angle) * blue + 128
    ycc[..., 2] = np.sin(angle) * red + np.cos(angle) * blue + 128
    turned: np.ndarray = cv2.cvtColor(to_uint8(ycc), cv2.COLOR_YCrCb2RGB)
    return turned


FAULTS = (
    Fault("burning", burning, (1.4, 1.8, 2.5), "times the contrast"),
    Fault("fogging", fogging, (0.4, 0.6, 0.85), "share of fog"),
    Fault("hue drift", hue_drift, (25, 50, 120), "degrees"),
    Fault("tint drift", tint_drift, (20, 35, 60), "grey levels"),
    Fault("losing colour", losing_colour, (0.5, 0.75, 1.0), "share lost"),
    Fault("pulsing", pulsing, (0.1, 0.2, 0.4), "share of light"),
    Fault("flickering part", flickering_part, (0.08, 0.15, 0.3), "share of light"),
    Fault("colour blotches", colour_blotches, (8, 16, 32), "grey levels"),
    Fault("split channels", split_channels, (3, 6, 12), "px"),
    Fault("colour jumps", colour_jumps, (10, 25, 60), "degrees"),
    Fault("clipped", clipped, (1.8, 2.5, 4), "times the contrast"),
)
