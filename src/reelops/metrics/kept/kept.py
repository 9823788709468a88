"""What becomes of the picture over a clip: light, colour, contrast, detail and shape of every frame against it.

The picture is carried along the measured motion, so a camera that moves changes nothing; what drifts is the generator.
Without a picture, or where a clip does not begin with it, the clip's own first frame stands for it. Where hardly
anything of it is left in sight, the frame before takes its place, and what had changed until then is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from reelops.metrics.carried import Carried
from reelops.metrics.kept.comparison import Compared, Plain, compared
from reelops.metrics.kept.shape import Bent, bent
from reelops.metrics.pace import FPS, Pace
from reelops.metrics.place import Place
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.engines import Dis
from reelops.optical_flow.working_size import WORKING_ROWS

# A first frame that shows the picture lets so much of it be found.
_RECOGNISED = 0.3

# Shapes are looked at in every so many-th frame.
_EVERY = 4


@dataclass(frozen=True)
class Change:
    """By how much a frame differs from the picture.

    Attributes:
        light, red, blue, colour: in grey levels.
        saturation, contrast, detail: in doublings.
        bend: in pixels at 480 rows.
        stretch: in doublings.
    """

    light: float = 0.0
    red: float = 0.0
    blue: float = 0.0
    colour: float = 0.0
    saturation: float = 0.0
    contrast: float = 0.0
    detail: float = 0.0
    bend: float = 0.0
    stretch: float = 0.0


class Kept:
    """Follows the picture at eight frames a second."""

    def __init__(self, fps: Fraction, pace: Pace | None = None, picture_HWC: np.ndarray | None = None) -> None:
        self._fps = fps
        self._pace = pace or Pace(fps)
        self._picture_HWC = picture_HWC
        self._is_picture = False
        self._reference: Plain | None = None
        self._carried = Carried((1, 1))
        self._base, self._last = Change(), Change()
        self._changes: list[Change] = []
        self._frames: list[int] = []
        self._num_frames = 0
        self._worst: dict[str, tuple[float, int, np.ndarray]] = {}

    def see(self, view: View, step: Step | None, /) -> None:
        if taken := self._pace.take(view, step):
            self._follow(taken.view, taken.step)
        self._num_frames += 1

    def _follow(self, view: View, step: Step | None) -> None:
        frame = Plain.of(view)
        if self._reference is None or step is None:
            self._begin(view, frame)
        else:
            self._carried.follow(step)
        assert self._reference is not None
        found = compared(frame, self._reference.seen_along(self._carried.back_HW2), self._carried.known_HW)
        if found is None:
            self._base = self._last
            self._anchor(frame, view.gray_HW.shape)
        else:
            shape = bent(self._carried, found.same_hw) if len(self._frames) % _EVERY == 0 else None
            self._last = self._changed(found, shape)
            self._remember(found, shape)
        self._frames.append(self._num_frames)
        self._changes.append(self._last)

    def _begin(self, view: View, frame: Plain) -> None:
        """Takes the picture for reference where the first frame shows it, else the first frame."""
        self._anchor(frame, view.gray_HW.shape)
        if self._picture_HWC is None:
            return
        picture, engine = View(self._picture_HWC), Dis()
        to_picture = Step(picture, view, engine, None)
        carried = Carried(view.gray_HW.shape)
        carried.follow(to_picture)
        reference = Plain.of(picture)
        found = compared(frame, reference.seen_along(carried.back_HW2), carried.known_HW)
        if found is not None and found.share >= _RECOGNISED:
            self._reference, self._carried, self._is_picture = reference, carried, True

    def _anchor(self, frame: Plain, shape: tuple[int, ...]) -> None:
        self._reference, self._carried = frame, Carried((shape[0], shape[1]))

    def _changed(self, found: Compared, shape: Bent | None) -> Change:
        base, red, blue = self._base, self._base.red + found.red, self._base.blue + found.blue
        last = self._last
        return Change(
            light=base.light + found.light,
            red=red,
            blue=blue,
            colour=max(found.colour, float(np.hypot(red, blue))),
            saturation=base.saturation + (found.saturation or 0.0),
            contrast=base.contrast + found.contrast,
            detail=base.detail + found.detail,
            bend=last.bend if shape is None else max(base.bend, shape.pixels),
            stretch=last.stretch if shape is None else max(base.stretch, shape.stretch),
        )

    def _remember(self, found: Compared, shape: Bent | None) -> None:
        """Where in the picture things have changed most so far."""
        light, colour, contrast, detail = found.off_chw
        heats = {"light": light, "colour": colour, "saturation": colour, "contrast": contrast, "detail": detail}
        for name, heat in heats.items():
            self._keep_worst(name, abs(getattr(self._last, name)), heat)
        if shape is not None:
            for name in ("bend", "stretch"):
                self._keep_worst(name, getattr(self._last, name), shape.off_hw)

    def _keep_worst(self, name: str, value: float, heat: np.ndarray) -> None:
        if name not in self._worst or value > self._worst[name][0]:
            self._worst[name] = value, self._num_frames, heat

    def measures(self) -> dict[str, Measure]:
        against = "the picture" if self._is_picture else "the clip's first frame"
        how = f"against {against} along the flow, {WORKING_ROWS} rows, {FPS} frames a second"
        return {name: self._measure(field, how) for name, field in MEASURED.items()}

    def _measure(self, field: str, how: str) -> Measure:
        values = np.array([getattr(change, field) for change in self._changes])
        lasting = _lasting(values)
        value = float(lasting[int(np.argmax(np.abs(lasting)))])
        at = np.clip(np.searchsorted(self._frames, np.arange(self._num_frames), side="right") - 1, 0, None)
        series = tuple(float(one) for one in lasting[at])
        return Measure(value, how, series=series, place=self._place(field, lasting))

    def _place(self, field: str, lasting: np.ndarray) -> Place | None:
        """Where it is worst, and from when on there is half as much of it for good."""
        if field not in self._worst:
            return None
        _, frame, heat = self._worst[field]
        little = np.flatnonzero(np.abs(lasting) < np.abs(lasting).max() / 2)
        since = self._frames[little[-1] + 1] if little.size and little[-1] + 1 < len(lasting) else None
        return replace(Place.of_heat(frame, heat), since=None if since is None or since >= frame else since)


MEASURED = {
    "kept_light": "light",
    "kept_colour": "colour",
    "kept_saturation": "saturation",
    "kept_contrast": "contrast",
    "kept_detail": "detail",
    "kept_shape": "bend",
    "kept_stretch": "stretch",
}


def _lasting(values: np.ndarray) -> np.ndarray:
    """What lasts for more than a frame: the median of each value and its two neighbours."""
    if len(values) < 3:
        return values
    padded = np.concatenate([values[:1], values, values[-1:]])
    middle: np.ndarray = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    return middle
