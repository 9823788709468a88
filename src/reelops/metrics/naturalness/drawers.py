"""All numbers of a clip that its naturalness is judged by."""

from __future__ import annotations

from dataclasses import dataclass, field

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


def _all_drawers() -> list[Drawer]:
    statistics = SceneStatistics()
    return [
        Change(),
        AgainstBeginning(),
        Evenness(),
        Course(),
        Repeats(),
        statistics,
        Patterns(statistics),
        Colours(),
    ]


@dataclass
class Drawers:
    """Shows each frame to all drawers."""

    _drawers: list[Drawer] = field(default_factory=_all_drawers)

    def see(self, view: View, step: Step | None) -> None:
        look = Look(view)
        for drawer in self._drawers:
            drawer.see(look, step)

    def numbers(self) -> Numbers:
        """By name; at least two frames were seen."""
        return {name: value for drawer in self._drawers for name, value in drawer.numbers().items()}

    def place(self, name: str) -> Place | None:
        """Where a number was at its worst, once `numbers` was asked for."""
        return next((place for drawer in self._drawers if (place := drawer.place(name)) is not None), None)
