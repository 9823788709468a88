"""The camera moves over the picture itself, as over a photograph on a table; no model.

The move is the one that the prompt names, at the speed that it names; a prompt that names none gets a slow zoom in, as
the embedded model has learned. It is the honest answer where no model can run, and a baseline for those that can: the
picture stays as sharp as it is, and nothing in it moves by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from reelops.camera.filming import room_for
from reelops.camera.moves import CameraPath, film, path_of
from reelops.camera.request import camera_request
from reelops.camera.words import UNNAMED_MOVE
from reelops.clip import MAX_FPS, MAX_FRAMES, MAX_SIDE, MIN_SIDE, ClipFormat, ClipOrder, WantedSize, size_named
from reelops.errors import ClipFormatError, SettingsError
from reelops.generators.contract import Generation, GeneratorFacts
from reelops.generators.finish import Finish, frames_of, within_picture
from reelops.params import Config, ParamsBlock, exact_rate
from reelops.progress import QUIET, RunContext
from reelops.system.peak_memory import PeakMemory

# Raised when the same order gives other frames than before.
REVISION = "camera-moves-2"
# The picture is read this many times larger than the clip, so that going nearer shows more of it.
OVERSAMPLE = 2


class CameraMovesProfile(ParamsBlock):
    """A profile of this kind in params.yaml: the clip's format.

    Attributes:
        size: as in an order; where there is one, clips take the shape of their picture unless the order names another.
    """

    kind: Literal["camera_moves"]
    num_frames: int = Field(49, ge=2, le=MAX_FRAMES)
    fps: Fraction = Field(Fraction(8), gt=0, le=MAX_FPS)
    width: int = Field(720, ge=16, le=MAX_SIDE)
    height: int = Field(480, ge=16, le=MAX_SIDE)
    size: str | None = None

    _exact_rate = field_validator("fps", mode="before")(exact_rate)
    _is_a_size = field_validator("size")(size_named)


class CameraMovesGenerator:
    """See `Generator`."""

    kind = "camera_moves"
    needs_device = False

    def __init__(self, config: Config) -> None:
        self._config = config

    def check(self, order: ClipOrder) -> None:
        """See `Generator`."""
        self._plan(order)
        if order.adapter is not None:
            raise SettingsError(f"Profile {order.profile} has no model, so {order.adapter} cannot be applied to it.")

    def notes(self, order: ClipOrder) -> tuple[str, ...]:
        """See `Generator`."""
        request = camera_request(order.prompt)
        instead = "" if request.moves else f"; the camera does a {request.phrase}"
        return (f"{request.described()}{instead}", *_without_effect(order), *self._plan(order)[1].notes)

    def plan(self, order: ClipOrder, picture: tuple[int, int]) -> tuple[ClipFormat, Finish]:
        """See `Generator`. Nothing is to be done afterwards: the picture itself is filmed, at the finished size."""
        clip, notes = self._format_of(order, picture)
        return clip, Finish(clip.num_frames, clip.width, clip.height, notes=notes)

    def _plan(self, order: ClipOrder) -> tuple[ClipFormat, Finish]:
        from reelops.video.picture import probe_picture

        self._config.entry("profiles", order.profile, CameraMovesProfile)  # said whatever the picture is
        found = probe_picture(order.picture)
        return self.plan(order, (found.width, found.height))

    def generate(self, order: ClipOrder, context: RunContext = QUIET) -> Generation:
        """See `Generator`; frames are drawn as they are read."""
        from reelops.video.picture import read_picture

        self.check(order)
        context.raise_if_stopped()
        clip, finish = self._plan(order)
        path = _path_for(order)
        picture = read_picture(order.picture, OVERSAMPLE * clip.width, OVERSAMPLE * clip.height, order.fit)
        box = start_box(path, OVERSAMPLE * clip.width, OVERSAMPLE * clip.height)
        seconds: dict[str, float] = {}
        peak_bytes: dict[str, int] = {}

        def frame_at(time_share: float) -> np.ndarray:
            frame: np.ndarray = film(
                picture.rgb_HWC, box, path, (clip.width, clip.height), np.array([time_share]), OVERSAMPLE
            )[0]
            return frame

        def draw() -> Iterator[np.ndarray]:
            began = time.perf_counter()
            with PeakMemory() as peak:
                for number, time_share in enumerate(np.linspace(0.0, 1.0, clip.num_frames)):
                    context.raise_if_stopped(f"Stopped as asked after {number} frames; nothing was written.")
                    context.progress("draw", number, clip.num_frames, "frames")
                    yield frame_at(float(time_share))
            context.progress("draw", clip.num_frames, clip.num_frames, "frames")
            seconds["draw"] = time.perf_counter() - began
            peak_bytes.update(peak.bytes_used)

        facts = GeneratorFacts(
            generator=self.kind,
            profile=order.profile,
            base="camera moves over the picture",
            base_revision=REVISION,
            seed=order.seed,
            picture_sha256=picture.sha256,
            notes=(*self.notes(order), *picture.notes),
            own={"num_frames": clip.num_frames, "fps": str(clip.fps), "width": clip.width, "height": clip.height},
        )
        return Generation(draw(), clip, frame_at(0.0), facts, seconds, peak_bytes, finish)

    def _format_of(self, order: ClipOrder, picture: tuple[int, int]) -> tuple[ClipFormat, tuple[str, ...]]:
        """The format, and notes on it; `picture` is the picture's width and height."""
        profile = self._config.entry("profiles", order.profile, CameraMovesProfile)
        clip = ClipFormat(
            order.num_frames or profile.num_frames,
            profile.fps,
            order.width or profile.width,
            order.height or profile.height,
        )
        if order.seconds is not None:
            clip = replace(clip, num_frames=frames_of(order.seconds, clip))
        if clip.num_frames < 2 or min(clip.width, clip.height) < MIN_SIDE or clip.width % 2 or clip.height % 2:
            raise ClipFormatError(
                f"{clip.num_frames} frames of {clip.width}x{clip.height} cannot be made. Choose at least 2 frames, and "
                f"an even width and height of at least {MIN_SIDE} pixels."
            )
        size = order.size or (profile.size if order.width is None and order.height is None else None)
        if size is None:
            return clip, ()
        wanted = WantedSize.parse(size)
        aspect = wanted.aspect or picture[0] / picture[1]
        width, height, notes = within_picture(wanted.of_shape(aspect), aspect, picture, order.fit)
        return replace(clip, width=width, height=height), notes if order.size else ()


def _path_for(order: ClipOrder) -> CameraPath:
    """The path that the prompt asks for."""
    request = camera_request(order.prompt)
    return path_of(*UNNAMED_MOVE) if request.move is None else path_of(request.move, request.speed)


def start_box(path: CameraPath, width: int, height: int) -> tuple[float, float, float, float]:
    """Left, top, width and height of the largest first frame from which the whole path stays within the picture.

    Args:
        path: the camera's way.
        width, height: of the picture, in pixels, of the clip's aspect.
    """
    left, top, right, bottom = room_for(path, width / height)
    scale = 1.0 / max(1.0 + left + right, 1.0 + top + bottom)
    box_width, box_height = width * scale, height * scale
    spare_x, spare_y = width - (1.0 + left + right) * box_width, height - (1.0 + top + bottom) * box_height
    return left * box_width + spare_x / 2, top * box_height + spare_y / 2, box_width, box_height


def _without_effect(order: ClipOrder) -> list[str]:
    given: Mapping[str, Any] = {
        "steps": order.steps,
        "guidance": order.guidance,
        "a recipe": order.recipe,
        "a negative prompt": order.negative_prompt or None,
    }
    unused = [name for name, value in given.items() if value is not None]
    notes = [f"{' and '.join(unused)} change nothing here: no model draws the frames"] if unused else []
    if order.detail == "on":
        notes.append("there is no detail to carry: the picture itself is filmed")
    return notes
