"""What scoring a clip returns, and which metrics there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reelops.camera.moves import CameraMove
from reelops.clip import ClipFormat
from reelops.metrics.camera.camera_move import CameraMotion

Direction = Literal["higher is better", "lower is better", "in between is better"]


@dataclass(frozen=True)
class Metric:
    """A metric for people: its title, its unit ("" for a share or a ratio), and which way is better."""

    title: str
    unit: str
    direction: Direction


METRICS: dict[str, Metric] = {
    "temporal_consistency": Metric("Temporal consistency", "", "higher is better"),
    "motion": Metric("Motion a frame, at 480 rows", "px", "in between is better"),
    "own_motion": Metric("Motion that is not the camera's", "", "in between is better"),
    "camera_pan": Metric("Camera to the right", "widths", "in between is better"),
    "camera_tilt": Metric("Camera downwards", "heights", "in between is better"),
    "camera_zoom": Metric("Magnification", "times", "in between is better"),
    "roll": Metric("Roll of the camera", "°", "in between is better"),
    "dynamic_degree": Metric("Dynamic degree", "", "in between is better"),
    "motion_smoothness": Metric("Motion smoothness", "", "higher is better"),
    "duplicated_share": Metric("Share of repeated frames", "", "lower is better"),
    "frozen_share": Metric("Longest standstill, share of the clip", "", "lower is better"),
    "stutter": Metric("Frames repeated amid motion", "", "lower is better"),
    "frame_disorder": Metric("Disorder of frames", "", "lower is better"),
    "returns": Metric("Frames that go back", "", "lower is better"),
    "boiling": Metric("Boiling of shapes", "", "lower is better"),
    "scene_cut": Metric("Strongest break between frames", "", "lower is better"),
    "residual_ratio": Metric("Change not explained by motion", "", "lower is better"),
    "flow_validity": Metric("Flow confirmed both ways", "", "higher is better"),
    "warping_error": Metric("Warping error", "", "lower is better"),
    "flicker": Metric("Flicker", "", "lower is better"),
    "frame_diversity": Metric("Diversity of frames", "", "in between is better"),
    "black_share": Metric("Share of black frames", "", "lower is better"),
    "blockiness": Metric("Blockiness", "", "lower is better"),
    "noise_level": Metric("Noise", "grey levels", "lower is better"),
    "sharpness": Metric("Sharpness", "", "higher is better"),
    "detail_drift": Metric("Drift of detail", "doublings", "lower is better"),
    "contrast": Metric("Contrast", "", "in between is better"),
    "brightness": Metric("Brightness", "", "in between is better"),
    "colourfulness": Metric("Colourfulness", "", "in between is better"),
    "colour_drift": Metric("Drift of colour", "a*b*", "lower is better"),
    "exposure_drift": Metric("Drift of exposure", "stops", "in between is better"),
    "first_frame_fidelity": Metric("First frame against picture", "dB", "higher is better"),
    "content_kept": Metric("Last frame against picture", "dB", "higher is better"),
    # From here on: with a reference, or asked for by name.
    "psnr": Metric("PSNR against reference", "dB", "higher is better"),
    "ssim": Metric("SSIM against reference", "", "higher is better"),
    "ms_ssim": Metric("MS-SSIM against reference", "", "higher is better"),
    "gmsd": Metric("GMSD against reference", "", "lower is better"),
    "lpips": Metric("LPIPS against reference", "", "lower is better"),
    "subject_consistency": Metric("Subject consistency (DINO)", "", "higher is better"),
    "background_consistency": Metric("Background consistency (CLIP)", "", "higher is better"),
    "picture_consistency": Metric("Consistency with the picture (DINO)", "", "higher is better"),
}


@dataclass(frozen=True)
class Measure:
    """One metric on one clip.

    Attributes:
        value: finite; None where it could not be measured.
        reason: why not; None where it was.
        how: working size and engine.
        series: a value a frame, or a neighbouring pair of frames, where the metric has such; None where one has none.
        applies: False where it takes something that was not given, such as a picture: nothing is wrong with the clip.
    """

    value: float | None
    how: str
    reason: str | None = None
    series: tuple[float | None, ...] | None = None
    applies: bool = True


@dataclass(frozen=True, eq=False)
class Scores(Mapping[str, float | None]):
    """A clip's scores: reads like a mapping from metric to value, None where a metric could not be measured.

    Attributes:
        measures: every metric with how it was measured, why it was not, and its series.
        format: of what was scored.
        asked_move: the camera move that the prompt names; None where it names none or there is no prompt.
        camera: what the camera was measured to do; None where it could not be told.
        camera_reason: why it could not be told.
        features: the clip as vectors, by what they rest on: what measures of whole sets of clips take.
    """

    measures: Mapping[str, Measure]
    format: ClipFormat
    asked_move: CameraMove | None
    camera: CameraMotion | None
    camera_reason: str | None = None
    features: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

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
                }
                for name, measure in self.measures.items()
            },
            "camera": self._camera_json(),
            "format": {
                "num_frames": self.format.num_frames,
                "fps": str(self.format.fps),
                "width": self.format.width,
                "height": self.format.height,
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
