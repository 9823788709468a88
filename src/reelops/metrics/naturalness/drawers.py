"""All numbers of a clip that its naturalness is judged by."""

from __future__ import annotations

from concurrent.futures import Future

from reelops.metrics.naturalness.change import Change
from reelops.metrics.naturalness.colours import Colours
from reelops.metrics.naturalness.course import Course
from reelops.metrics.naturalness.look import Drawer, Look, Numbers
from reelops.metrics.naturalness.patterns import Patterns
from reelops.metrics.naturalness.points import AgainstBeginning, Evenness
from reelops.metrics.naturalness.repeats import Repeats
from reelops.metrics.naturalness.scene_statistics import SceneStatistics
from reelops.metrics.place import Place
from reelops.metrics.view import Step, View
from reelops.optical_flow.threads import worker


class Drawers:
    """Shows each frame to all drawers: on another thread to those that look at single frames, which takes longest."""

    def __init__(self) -> None:
        statistics = SceneStatistics()
        self._of_motion: list[Drawer] = [Change(), AgainstBeginning(), Evenness(), Course(), Repeats()]
        self._of_frames: list[Drawer] = [statistics, Patterns(statistics), Colours()]
        self._beside = worker("naturalness")
        self._looking: list[Future[None]] = []

    def see(self, view: View, step: Step | None) -> None:
        look = Look(view)
        self._looking.append(self._beside.submit(self._look_at, look))
        for drawer in self._of_motion:
            drawer.see(look, step)

    def _look_at(self, look: Look) -> None:
        for drawer in self._of_frames:
            drawer.see(look, None)

    def numbers(self) -> Numbers:
        """By name; at least two frames were seen."""
        for one in self._looking:
            one.result()
        self._beside.shutdown()
        return {name: value for drawer in self._drawers for name, value in drawer.numbers().items()}

    def place(self, name: str) -> Place | None:
        """Where a number was at its worst, once `numbers` was asked for."""
        return next((place for drawer in self._drawers if (place := drawer.place(name)) is not None), None)

    @property
    def _drawers(self) -> list[Drawer]:
        return [*self._of_motion, *self._of_frames]
