"""What scoring a clip returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reelops.camera.moves import CameraMove
from reelops.clip import ClipFormat
from reelops.metrics.camera_motion import CameraMotion
from reelops.metrics.catalogue import METRICS
from reelops.metrics.letterbox import Bars
from reelops.metrics.repeated_frames import OwnFrames
from reelops.metrics.tracker import Measure


@dataclass(frozen=True, eq=False)
class Scores(Mapping[str, float | None]):
    """A clip's scores: reads like a mapping from metric to value, None where a metric could not be measured.

    Attributes:
        measures: every metric with how it was measured, why it was not, and its series.
        format: of what was scored.
        asked_move: the camera move that the prompt names; None where it names none or there is no prompt.
        camera: what the camera was measured to do; None where it could not be measured.
        camera_reason: why it could not be measured.
        own_frames: the frames that were measured, where the others only fill up the rate; None where all were.
        bars: black bars around the picture, which were left out; None where there are none.
        features: the clip as vectors, by what they rest on: what measures of whole sets of clips take.
        asked_light: whether the prompt asks for light that changes.
        environment: what it was measured with; see `environment`.
    """

    measures: Mapping[str, Measure]
    format: ClipFormat
    asked_move: CameraMove | None
    camera: CameraMotion | None
    camera_reason: str | None = None
    own_frames: OwnFrames | None = None
    bars: Bars | None = None
    features: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    asked_light: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def measured_move(self) -> CameraMove | None:
        return self.camera.move if self.camera else None

    def __getitem__(self, name: str) -> float | None:
        return self.measures[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.measures)

    def __len__(self) -> int:
        return len(self.measures)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: `scores` (name to number or null), and beside it what they rest on."""
        return {
            "scores": dict(self),
            "measures": {
                name: {
                    "unit": METRICS[name].unit,
                    "direction": METRICS[name].direction,
                    "how": measure.how,
                    "reason": measure.reason,
                    **({"evidence": measure.evidence} if measure.evidence else {}),
                    **({"place": measure.place.to_json()} if measure.place else {}),
                }
                for name, measure in self.measures.items()
            },
            "camera": self._camera_json(),
            "environment": dict(self.environment),
            "format": {
                "num_frames": self.format.num_frames,
                "fps": str(self.format.fps),
                "width": self.format.width,
                "height": self.format.height,
                **({"measured": str(self.own_frames)} if self.own_frames else {}),
                **({"bars": str(self.bars)} if self.bars else {}),
            },
        }

    def _camera_json(self) -> dict[str, Any]:
        asked = self.asked_move.value if self.asked_move else None
        if self.camera is None:
            return {"asked": asked, "measured": None, "reason": self.camera_reason}
        return {
            "asked": asked,
            "measured": self.camera.move.value,
            "extent": self.camera.extent,
            "zoom": self.camera.zoom,
            "shift_x": self.camera.shift_x,
            "shift_y": self.camera.shift_y,
            "rotation_degrees": self.camera.rotation_degrees,
            "coverage": self.camera.coverage,
            "residual": self.camera.residual,
        }
