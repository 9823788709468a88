"""All metrics of a clip in one pass over its frames.

Memory does not grow with the length of the clip but for a dozen numbers a frame.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from reelops.clip import ClipFormat
from reelops.errors import VideoError
from reelops.metrics.brightness import brightness
from reelops.metrics.camera_move import TRUSTED_COVERAGE, CameraMotion, CameraTracker
from reelops.metrics.content_kept import SMALLEST_SHARE, content_kept_in
from reelops.metrics.contrast import contrast
from reelops.metrics.first_frame_fidelity import first_frame_fidelity
from reelops.metrics.flicker import flicker, flicker_series, light_step
from reelops.metrics.motion import change, duplicated_share, motion
from reelops.metrics.optical_flow import ENGINES, Dis, FlowEngine, flow_engine, mean_magnitude
from reelops.metrics.picture import picture_at
from reelops.metrics.residual_ratio import LEAST_CHANGE, ResidualTracker
from reelops.metrics.scene_cut import discontinuity, scene_cut
from reelops.metrics.scores import Measure, Scores
from reelops.metrics.sharpness import SHARPNESS_ROWS, sharpness
from reelops.metrics.temporal_consistency import consistency_of
from reelops.metrics.working_size import WORKING_ROWS, at_rows, luma
from reelops.params import read_block
from reelops.prompts.camera_words import asked_move
from reelops.video.decode import read_frames
from reelops.video.probe import probe

OnFrame = Callable[[int], None]

# Goes up whenever a metric gives another number for the same file and settings: stored scores are kept by it.
METRICS_VERSION = "2"


class ScoreSettings(BaseModel):
    """The `score` block of params.yaml.

    Attributes:
        temporal_engine: the optical flow engine of temporal consistency.
        temporal_rows: the height in pixels at which it looks at frames.
        temporal_scale: the variance, in square pixels at 480 rows, at which temporal consistency falls to 1/e.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    temporal_engine: str
    temporal_rows: int = Field(ge=16, le=2160)
    temporal_scale: float = Field(gt=0, allow_inf_nan=False)

    @field_validator("temporal_engine")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ENGINES:
            raise ValueError(f"one of {', '.join(ENGINES)} is wanted")
        return name


def load_score_settings(params_file: Path) -> ScoreSettings:
    """The `score` block.

    Raises:
        SettingsError: it is missing or cannot be used.
    """
    return read_block(params_file, "score", ScoreSettings)


def score_clip(
    path: Path,
    picture: Path | np.ndarray | None,
    prompt: str | None,
    settings: ScoreSettings,
    on_frame: OnFrame | None = None,
) -> Scores:
    """Scores of a video file.

    Args:
        path: any video of at least two frames.
        picture: the conditioning image, a file or RGB uint8 (H, W, 3); centre-cropped and scaled to the clip's size.
        prompt: what was asked for; its camera move is compared with the measured one.
        settings: see `ScoreSettings`.
        on_frame: told how many frames are done.

    Raises:
        VideoError: the file cannot be read as a video, or has fewer than two frames.
        PictureError: the picture cannot be read.
    """
    path = Path(path)
    frames = (timed.frame_HWC for timed in read_frames(path))
    return score_frames(frames, probe(path).fps, picture, prompt, settings, on_frame)


def score_frames(
    frames_THWC: Iterable[np.ndarray],
    fps: Fraction,
    picture: Path | np.ndarray | None,
    prompt: str | None,
    settings: ScoreSettings,
    on_frame: OnFrame | None = None,
) -> Scores:
    """Scores of RGB uint8 frames of one size, at least two; they may come one by one. Otherwise as `score_clip`."""
    frames = iter(frames_THWC)
    first = next(frames, None)
    if first is None:
        raise VideoError("There is no frame to score. Give a clip of at least two frames.")
    height, width = first.shape[:2]
    picture_HWC = None if picture is None else picture_at(picture, width, height)
    watch = _Watch(settings)
    last = first
    for number, frame in enumerate(itertools.chain([first], frames), start=1):
        if frame.shape != first.shape:
            raise VideoError(
                f"Frame {number} is {frame.shape[1]}x{frame.shape[0]}, the first one {width}x{height}. "
                "Give a clip whose frames have one size."
            )
        watch.see(frame)
        last = frame
        if on_frame:
            on_frame(number)
    if watch.num_frames < 2:
        raise VideoError("The clip has only one frame, and motion needs two. Give a longer clip.")
    camera = watch.camera.motion(height, width)
    measures = watch.measures() | {
        "first_frame_fidelity": _first_frame(first, picture_HWC),
        "content_kept": _content_kept(last, picture_HWC, camera),
    }
    return Scores(
        measures=measures,
        format=ClipFormat(watch.num_frames, fps, width, height),
        asked_move=asked_move(prompt) if prompt else None,
        camera=camera if camera.trusted else None,
        camera_reason=None if camera.trusted else _why_untrusted(camera),
    )


@dataclass
class _Watch:
    """Looks at each frame once, and at each neighbouring pair once, for every metric."""

    settings: ScoreSettings
    num_frames: int = 0
    camera: CameraTracker = field(default_factory=CameraTracker)
    residual: ResidualTracker = field(default_factory=ResidualTracker)
    dis: FlowEngine = field(default_factory=Dis)
    temporal: FlowEngine = field(init=False)
    previous: tuple[np.ndarray, np.ndarray] | None = None
    magnitudes: list[float] = field(default_factory=list)
    temporal_magnitudes: list[float] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    light_steps: list[float] = field(default_factory=list)
    breaks: list[float] = field(default_factory=list)
    sharpness: list[float] = field(default_factory=list)
    contrast: list[float] = field(default_factory=list)
    brightness: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.temporal = flow_engine(self.settings.temporal_engine)

    def see(self, frame_HWC: np.ndarray) -> None:
        full = luma(frame_HWC)
        gray = at_rows(full, WORKING_ROWS)
        small = at_rows(full, self.settings.temporal_rows)
        self.sharpness.append(sharpness(full))
        self.contrast.append(contrast(gray))
        self.brightness.append(brightness(gray))
        flow = None
        if self.previous is not None:
            flow = self._see_pair(*self.previous, gray, small)
        self.camera.see(gray, flow)
        self.residual.see(gray, flow)
        self.previous = gray, small
        self.num_frames += 1

    def _see_pair(
        self, previous_HW: np.ndarray, previous_small_HW: np.ndarray, next_HW: np.ndarray, next_small_HW: np.ndarray
    ) -> np.ndarray:
        flow = self.dis.flow(previous_HW, next_HW)
        self.magnitudes.append(mean_magnitude(flow))
        self.temporal_magnitudes.append(mean_magnitude(self.temporal.flow(previous_small_HW, next_small_HW)))
        self.changes.append(change(previous_HW, next_HW))
        self.light_steps.append(light_step(previous_HW, next_HW, flow))
        self.breaks.append(discontinuity(previous_HW, next_HW, flow))
        return flow

    def measures(self) -> dict[str, Measure]:
        by_dis = f"DIS flow at {WORKING_ROWS} rows"
        by_luma = f"luma at {WORKING_ROWS} rows"
        by_temporal = f"{self.settings.temporal_engine} flow at {self.settings.temporal_rows} rows"
        scale = self.settings.temporal_scale
        return {
            "temporal_consistency": Measure(
                consistency_of(self.temporal_magnitudes, scale),
                f"{by_temporal}, scale {scale:g} square pixels at 480 rows",
                series=tuple(self.temporal_magnitudes),
            ),
            "motion": Measure(motion(self.magnitudes), by_dis, series=tuple(self.magnitudes)),
            "duplicated_share": Measure(duplicated_share(self.changes), by_luma, series=tuple(self.changes)),
            "residual_ratio": _measure(
                self.residual.ratio(),
                by_dis,
                f"frames differ by less than {LEAST_CHANGE:g} grey levels, so there is no change to explain",
            ),
            "flicker": _measure(
                flicker(self.light_steps),
                f"luma along {by_dis}",
                "it takes three frames",
                tuple(flicker_series(self.light_steps)),
            ),
            "scene_cut": Measure(scene_cut(self.breaks), by_dis, series=tuple(self.breaks)),
            "sharpness": Measure(_mean(self.sharpness), f"luma at {SHARPNESS_ROWS} rows", series=tuple(self.sharpness)),
            "contrast": Measure(_mean(self.contrast), by_luma, series=tuple(self.contrast)),
            "brightness": Measure(_mean(self.brightness), by_luma, series=tuple(self.brightness)),
        }


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _measure(value: float | None, how: str, why_not: str, series: tuple[float, ...] | None = None) -> Measure:
    return Measure(value, how, None if value is not None else why_not, series)


def _first_frame(first_HWC: np.ndarray, picture_HWC: np.ndarray | None) -> Measure:
    value = None if picture_HWC is None else first_frame_fidelity(first_HWC, picture_HWC)
    return _measure(value, "RGB at the clip's size", "no picture was given")


def _content_kept(last_HWC: np.ndarray, picture_HWC: np.ndarray | None, camera: CameraMotion) -> Measure:
    how = "RGB at the clip's size, the picture moved as the camera was measured to move"
    if picture_HWC is None:
        return Measure(None, how, "no picture was given")
    if not camera.trusted:
        return Measure(None, how, _why_untrusted(camera))
    return _measure(
        content_kept_in(last_HWC, picture_HWC, camera),
        how,
        f"the last frame shows less than {SMALLEST_SHARE:.0%} of the picture",
    )


def _why_untrusted(camera: CameraMotion) -> str:
    return (
        f"only {camera.coverage:.0%} of the picture follows one camera motion, and {TRUSTED_COVERAGE:.0%} are needed "
        "to tell"
    )
