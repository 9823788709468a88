"""The seven camera moves: how each is named, how far it goes, and how it is filmed over one picture.

One vocabulary serves everything that speaks of camera moves: the clips the embedded model learns from, the
rule-based generator, and the metric that measures which move a clip shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np


class CameraMove(StrEnum):
    """What the camera does. The picture moves the other way: `pan_left` slides the scenery to the right."""

    ZOOM_IN = "zoom_in"
    ZOOM_OUT = "zoom_out"
    PAN_LEFT = "pan_left"
    PAN_RIGHT = "pan_right"
    TILT_UP = "tilt_up"
    TILT_DOWN = "tilt_down"
    STATIC = "static"

    @property
    def words(self) -> str:
        """The move as a person types it: `zoom in`."""
        return self.value.replace("_", " ")


class CameraSpeed(StrEnum):
    """How far a move goes within the clip, as a share of its normal extent."""

    SLOW = "slow"
    NORMAL = "normal"
    FAST = "fast"

    @property
    def factor(self) -> float:
        return {"slow": 0.55, "normal": 1.0, "fast": 1.6}[self.value]


# Extents of a whole clip at normal speed: a shift as a share of the frame's width (pans) or height (tilts), and a
# change of scale. At 240x160 a normal pan runs one pixel a frame.
PAN_SHARE = 0.20
TILT_SHARE = 0.20
ZOOM_RATIO = 1.30


@dataclass(frozen=True)
class CameraPath:
    """Where the camera stands at the end of a clip, relative to its start; it gets there at an even pace.

    Attributes:
        shift_x: camera shift to the right as a share of the frame's width.
        shift_y: camera shift downwards as a share of the frame's height.
        zoom: magnification of the picture at the end (1.3: things appear 1.3 times larger).
        roll_degrees: how far the picture has turned clockwise at the end.
    """

    shift_x: float = 0.0
    shift_y: float = 0.0
    zoom: float = 1.0
    roll_degrees: float = 0.0

    def at(self, time: float, width: int, height: int) -> np.ndarray:
        """The 2x3 map from pixels of the first frame to pixels of the frame at `time` in [0, 1].

        Zooming is geometric in time, so that it looks even; it and the roll keep the frame's centre where it is.
        """
        scale, angle = self.zoom**time, math.radians(self.roll_degrees * time)
        along, across = scale * math.cos(angle), scale * math.sin(angle)
        centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
        there_x, there_y = centre_x + time * self.shift_x * width, centre_y + time * self.shift_y * height
        return np.array(
            [
                [along, -across, centre_x - along * there_x + across * there_y],
                [across, along, centre_y - across * there_x - along * there_y],
            ]
        )


def path_of(move: CameraMove, speed: CameraSpeed = CameraSpeed.NORMAL) -> CameraPath:
    """The path a move takes over a whole clip."""
    pan, tilt, zoom = PAN_SHARE * speed.factor, TILT_SHARE * speed.factor, ZOOM_RATIO**speed.factor
    return {
        CameraMove.ZOOM_IN: CameraPath(zoom=zoom),
        CameraMove.ZOOM_OUT: CameraPath(zoom=1 / zoom),
        CameraMove.PAN_LEFT: CameraPath(shift_x=-pan),
        CameraMove.PAN_RIGHT: CameraPath(shift_x=pan),
        CameraMove.TILT_UP: CameraPath(shift_y=-tilt),
        CameraMove.TILT_DOWN: CameraPath(shift_y=tilt),
        CameraMove.STATIC: CameraPath(),
    }[move]


def film(
    picture_HWC: np.ndarray,
    start_box: tuple[float, float, float, float],
    path: CameraPath,
    size: tuple[int, int],
    times: np.ndarray,
    oversample: int = 2,
) -> np.ndarray:
    """Films a path over a picture.

    Args:
        picture_HWC: RGB uint8; best about `oversample` times larger than the clip where the camera looks.
        start_box: left, top, width, height of the first frame in pixels of the picture; same aspect as `size`.
        path: the camera's way.
        size: width and height of the clip in pixels.
        times: when to take frames, each in [0, 1].
        oversample: frames are drawn this many times larger and averaged down, against aliasing.

    Returns:
        Frames (T, H, W, 3) uint8. What lies outside the picture is mirrored.
    """
    width, height = size
    big_width, big_height = width * oversample, height * oversample
    left, top, box_width, _ = start_box
    ratio = box_width / big_width
    # OpenCV's pixel centres are integers: pixel p of the big frame lies at (p + 0.5) * ratio - 0.5 in the picture.
    to_picture = np.array([[ratio, 0.0, left + ratio / 2 - 0.5], [0.0, ratio, top + ratio / 2 - 0.5], [0.0, 0.0, 1.0]])
    frames = []
    for time in times:
        step = np.vstack([path.at(float(time), big_width, big_height), [0.0, 0.0, 1.0]])
        back = (to_picture @ np.linalg.inv(step))[:2]
        big = cv2.warpAffine(
            picture_HWC,
            back,
            (big_width, big_height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        frames.append(cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA) if oversample > 1 else big)
    return np.stack(frames)
