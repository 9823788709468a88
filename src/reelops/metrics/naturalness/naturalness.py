"""Naturalness: does a clip look and change as filmed ones do?"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from reelops.metrics.metric import Metric
from reelops.metrics.naturalness.drawers import Drawers
from reelops.metrics.naturalness.kinds import words_of
from reelops.metrics.naturalness.model import Model, Odd, shipped_model
from reelops.metrics.pace import FPS, Pace, Taken
from reelops.metrics.place import Place
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View

# The model knows clips of the product's own rate and length. Of faster ones every so many-th frame is taken, and longer
# ones are looked at piece by piece.
_WINDOW = 49
_FEWEST = 24
_SMALLEST_SIDE = 96
_NAMED = 3

NATURALNESS = Metric(
    name="naturalness",
    title="Naturalness",
    unit="",
    direction="higher is better",
    section="Continuity",
    description="share of good clips that look or change at least as oddly (a p-value): scene statistics of patches "
    "(Mittal et al. 2012, 2013), what flow leaves unexplained, the clip against its own beginning, seams, patterns, "
    "repeats and the evenness of motion, held against clips that are known to be good. Eight frames a second count, "
    "six seconds at a time, and of a longer clip the worst six seconds",
    blind_to="faults that leave a clip as natural as a filmed one: hands with six fingers, words that are none",
    high=1,
    below="It looks or changes as hardly any filmed clip does.",
    track=lambda setup: Naturalness(setup.fps, setup.pace),
)


class Naturalness:
    """Follows eight frames a second, and judges them 49 at a time."""

    def __init__(self, fps: Fraction, pace: Pace | None = None, model: Model | None = None) -> None:
        self._model = model or shipped_model()
        self._fps = fps
        self._pace = pace or Pace(fps)
        self._frames, self._first, self._taken = 0, 0, 0
        self._drawers = Drawers()
        self._worst: tuple[float, str, Place] | None = None
        self._windows = 0
        self._is_small = False

    def see(self, view: View, step: Step | None, /) -> None:
        self._is_small = min(view.frame_HWC.shape[:2]) < _SMALLEST_SIDE
        if not self._is_small and (taken := self._pace.take(view, step)):
            self._take(taken)
        self._frames += 1

    def _take(self, taken: Taken) -> None:
        if self._taken == _WINDOW:
            self._judge()
            self._drawers, self._taken = Drawers(), 0
        if not self._taken:
            self._first = self._frames
        self._drawers.see(taken.view, taken.step if self._taken else None)
        self._taken += 1

    def _judge(self) -> None:
        oddness, odd = self._model.oddness(self._drawers.numbers())
        self._windows += 1
        if self._worst is None or oddness > self._worst[0]:
            self._worst = oddness, self._evidence(odd), self._place(odd[0]) if odd else Place()

    def _evidence(self, odd: Sequence[Odd]) -> str:
        """What counts most, with the time and the place where it is worst."""
        said = []
        for one in odd[:_NAMED]:
            where = self._place(one).words(float(self._fps))
            said.append(f"{words_of(one.kind)} ({where})" if where else words_of(one.kind))
        return "; ".join(said)

    def _place(self, odd: Odd) -> Place:
        return (self._drawers.place(odd.number) or Place()).of_clip(self._first, self._pace.every)

    def measures(self) -> dict[str, Measure]:
        how = f"{FPS} frames a second, {_WINDOW} at a time, against {len(self._model.good_G)} good clips"
        if self._taken >= _FEWEST:
            self._judge()
        if self._worst is None:
            why = f"it takes {_FEWEST} frames, {FPS} a second, and the clip has {self._taken}"
            if self._is_small:
                why = f"it takes {_SMALLEST_SIDE} pixels a side"
            return {"naturalness": Measure(None, how, why, applies=False)}
        oddness, evidence, place = self._worst
        # Of several pieces the worst is the oddest of as many draws.
        share = 1 - (1 - self._model.p_value(oddness)) ** self._windows
        return {"naturalness": Measure(share, how, evidence=evidence, place=place)}
