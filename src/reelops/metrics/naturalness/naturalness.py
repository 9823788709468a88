"""Naturalness: does a clip look and change as filmed ones do?"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from reelops.metrics.metric import Metric
from reelops.metrics.naturalness.drawers import Drawers
from reelops.metrics.naturalness.kinds import words_of
from reelops.metrics.naturalness.model import Model, Odd, shipped_model
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View
from reelops.optical_flow.engines import Dis

# The model knows clips of the product's own rate and length. Of faster ones every so many-th frame is taken, and longer
# ones are looked at piece by piece.
_FPS = 8
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
    track=lambda setup: Naturalness(setup.fps),
)


class Naturalness:
    """Follows eight frames a second, and judges them 49 at a time."""

    def __init__(self, fps: Fraction, model: Model | None = None) -> None:
        self._model = model or shipped_model()
        self._fps = fps
        self._every = max(1, round(fps / _FPS))
        self._engine = Dis()
        self._frames, self._taken = 0, 0
        self._before: View | None = None
        self._drawers = Drawers()
        self._worst: tuple[float, str] | None = None
        self._windows = 0
        self._is_small = False

    def see(self, view: View, step: Step | None, /) -> None:
        self._is_small = min(view.frame_HWC.shape[:2]) < _SMALLEST_SIDE
        if self._frames % self._every == 0 and not self._is_small:
            self._take(view, step)
        self._frames += 1

    def _take(self, view: View, step: Step | None) -> None:
        if self._taken == _WINDOW:
            self._judge()
            self._drawers, self._taken, self._before = Drawers(), 0, None
        if self._before is None:
            step = None
        elif self._every > 1:
            step = Step(self._before, view, self._engine)
        self._drawers.see(view, step)
        self._taken += 1
        self._before = view

    def _judge(self) -> None:
        first = self._frames - self._taken * self._every
        oddness, odd = self._model.oddness(self._drawers.numbers())
        self._windows += 1
        if self._worst is None or oddness > self._worst[0]:
            self._worst = oddness, self._evidence(odd, max(0, first))

    def _evidence(self, odd: Sequence[Odd], first: int) -> str:
        """What counts most, with the time and the place where it is worst."""
        said = []
        for one in odd[:_NAMED]:
            place = self._drawers.place(one.number)
            where = place.words(first, self._every, float(self._fps)) if place else ""
            said.append(f"{words_of(one.kind)} ({where})" if where else words_of(one.kind))
        return "; ".join(said)

    def measures(self) -> dict[str, Measure]:
        how = f"{_FPS} frames a second, {_WINDOW} at a time, against {len(self._model.good_G)} good clips"
        if self._taken >= _FEWEST:
            self._judge()
        if self._worst is None:
            why = f"it takes {_FEWEST} frames, {_FPS} a second, and the clip has {self._taken}"
            if self._is_small:
                why = f"it takes {_SMALLEST_SIDE} pixels a side"
            return {"naturalness": Measure(None, how, why, applies=False)}
        oddness, evidence = self._worst
        # Of several pieces the worst is the oddest of as many draws.
        share = 1 - (1 - self._model.p_value(oddness)) ** self._windows
        return {"naturalness": Measure(share, how, evidence=evidence)}
