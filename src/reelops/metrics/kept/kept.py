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

# Of the frames that are followed every so many-th is compared, and of these in every so many-th the shape of things.
_COMPARED = 2
_EVERY = 2
_LASTING = 3


@dataclass(frozen=True)
class Change:
    """By how much a frame differs from the picture.

    Attributes:
        light, red, blue, colour: in grey levels.
        saturation, contrast, detail: in doublings.
    """

    light: float = 0.0
    red: float = 0.0
    blue: float = 0.0
    colour: float = 0.0
    saturation: float = 0.0
    contrast: float = 0.0
    detail: float = 0.0


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
        self._num_frames = self._taken = 0
        self._worst: dict[str, tuple[float, int, np.ndarray]] = {}
        self._shapes: list[tuple[int, Bent]] = []

    def see(self, view: View, step: Step | None, /) -> None:
        if taken := self._pace.take(view, step):
            self._follow(taken.view, taken.step)
        self._num_frames += 1

    def _follow(self, view: View, step: Step | None) -> None:
        if self._reference is not None and step is not None:
            self._carried.follow(step)
        self._taken += 1
        if (self._taken - 1) % _COMPARED == 0:
            self._compare(view)

    def _compare(self, view: View) -> None:
        frame = Plain.of(view)
        if self._reference is None:
            self._begin(view, frame)
        assert self._reference is not None
        found = compared(frame, self._reference.seen_along(self._carried.back_HW2), self._carried.known_HW)
        if found is None:
            self._base = self._last
            self._anchor(frame, view.gray_HW.shape)
        else:
            self._last = self._changed(found)
            self._remember(found)
            if len(self._frames) % _EVERY == 0 and (shape := bent(self._carried, found.same_hw)):
                self._shapes.append((self._num_frames, shape))
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

    def _changed(self, found: Compared) -> Change:
        base, red, blue = self._base, self._base.red + found.red, self._base.blue + found.blue
        return Change(
            light=base.light + found.light,
            red=red,
            blue=blue,
            colour=max(found.colour, float(np.hypot(red, blue))),
            saturation=base.saturation + (found.saturation or 0.0),
            contrast=base.contrast + found.contrast,
            detail=base.detail + found.detail,
        )

    def _remember(self, found: Compared) -> None:
        """Where in the picture things have changed most so far."""
        light, colour, contrast, detail = found.off_chw
        heats = {"light": light, "colour": colour, "saturation": colour, "contrast": contrast, "detail": detail}
        for name, heat in heats.items():
            value = abs(getattr(self._last, name))
            if name not in self._worst or value > self._worst[name][0]:
                self._worst[name] = value, self._num_frames, heat

    def measures(self) -> dict[str, Measure]:
        against = "the picture" if self._is_picture else "the clip's first frame"
        how = f"against {against} along the flow, {WORKING_ROWS} rows, {FPS} frames a second"
        found = {name: self._measure(field, how) for name, field in _FIELDS.items()}
        found["kept_shape"] = self._measure_shape([shape.pixels for _, shape in self._shapes], how)
        found["kept_stretch"] = self._measure_shape([shape.stretch for _, shape in self._shapes], how)
        return found

    def _measure(self, field: str, how: str) -> Measure:
        values = np.array([getattr(change, field) for change in self._changes])
        lasting = _lasting(values)
        value = float(lasting[int(np.argmax(np.abs(lasting)))])
        at = np.clip(np.searchsorted(self._frames, np.arange(self._num_frames), side="right") - 1, 0, None)
        series = tuple(float(one) for one in lasting[at])
        return Measure(value, how, series=series, place=self._place(field, lasting))

    def _measure_shape(self, values: list[float], how: str) -> Measure:
        """What at least `_LASTING` looks agree on: wild motion is taken for bent shapes in one or two."""
        if len(values) < _LASTING:
            return Measure(None, how, "too little of the picture can be followed for long enough", applies=False)
        order = np.argsort(values)
        seen = [frame for frame, _ in self._shapes]
        at = np.searchsorted(seen, np.arange(self._num_frames), side="right") - 1
        series = tuple(values[place] if place >= 0 else None for place in at)
        frame, worst = self._shapes[int(order[-1])]
        return Measure(values[int(order[-_LASTING])], how, series=series, place=Place.of_heat(frame, worst.off_hw))

    def _place(self, field: str, lasting: np.ndarray) -> Place | None:
        """Where it is worst, and from when on there is half as much of it for good."""
        if field not in self._worst:
            return None
        _, frame, heat = self._worst[field]
        little = np.flatnonzero(np.abs(lasting) < np.abs(lasting).max() / 2)
        since = self._frames[little[-1] + 1] if little.size and little[-1] + 1 < len(lasting) else None
        return replace(Place.of_heat(frame, heat), since=None if since is None or since >= frame else since)


_FIELDS = {
    "kept_light": "light",
    "kept_colour": "colour",
    "kept_saturation": "saturation",
    "kept_contrast": "contrast",
    "kept_detail": "detail",
}


def _lasting(values: np.ndarray) -> np.ndarray:
    """What lasts for more than a frame: the median of each value and its two neighbours."""
    if len(values) < 3:
        return values
    padded = np.concatenate([values[:1], values, values[-1:]])
    middle: np.ndarray = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    return middle
