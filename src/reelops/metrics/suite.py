"""All metrics of a clip in one pass over its frames.

Memory does not grow with the length of the clip but for a dozen numbers a frame.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from reelops.camera.words import asked_move
from reelops.clip import ClipFormat
from reelops.errors import VideoError
from reelops.metrics.camera.camera_course import camera_measures
from reelops.metrics.camera.camera_move import CameraTracker
from reelops.metrics.continuity.frame_diversity import FrameDiversity
from reelops.metrics.continuity.residual_ratio import ResidualTracker
from reelops.metrics.continuity.scene_cut import discontinuity, scene_cut
from reelops.metrics.continuity.warping_error import WarpingError
from reelops.metrics.learned.appearance import Appearance
from reelops.metrics.learned.asked import Weights, asked_trackers
from reelops.metrics.light.black_frames import black_share, dark_share
from reelops.metrics.light.blockiness import blockiness
from reelops.metrics.light.brightness import brightness
from reelops.metrics.light.colour_drift import ColourDrift
from reelops.metrics.light.colourfulness import colourfulness
from reelops.metrics.light.contrast import contrast
from reelops.metrics.light.detail_drift import Detail
from reelops.metrics.light.exposure_drift import ExposureDrift
from reelops.metrics.light.flicker import Flicker
from reelops.metrics.light.noise_level import noise_level
from reelops.metrics.motion.boiling import Boiling
from reelops.metrics.motion.dynamic_degree import DynamicDegree
from reelops.metrics.motion.evenness import TemporalConsistency
from reelops.metrics.motion.frame_order import FrameOrder
from reelops.metrics.motion.motion import Motion
from reelops.metrics.motion.motion_smoothness import MotionSmoothness
from reelops.metrics.reference.content_kept import content_kept_measure
from reelops.metrics.reference.first_frame_fidelity import first_frame_measure
from reelops.metrics.reference.picture import picture_at
from reelops.metrics.scores import METRICS, Measure, Scores
from reelops.metrics.tracker import Featured, OfFrames, OfSteps, Tracker
from reelops.metrics.view import Step, View
from reelops.optical_flow.engines import ENGINES, Dis
from reelops.optical_flow.flow_validity import flow_validity
from reelops.optical_flow.threads import ahead, one_opencv_thread, worker
from reelops.optical_flow.working_size import SMALLEST_ROWS, WORKING_ROWS
from reelops.params import Config
from reelops.video.decode import read_frames
from reelops.video.probe import probe

OnFrame = Callable[[int], None]

# Goes up whenever a metric gives another number for the same file and settings: stored scores are kept by it.
METRICS_VERSION = "7"


class ScoreSettings(BaseModel):
    """The `score` block of params.yaml.

    Attributes:
        temporal_engine: the optical flow engine of temporal consistency.
        temporal_rows: the height in pixels at which it looks at frames; at least `SMALLEST_ROWS`.
        temporal_scale: the variance, in square pixels at 480 rows, at which temporal consistency falls to 1/e.
        weights: where the networks of the metrics that take one are to be had.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    temporal_engine: str
    temporal_rows: int = Field(le=2160)
    temporal_scale: float = Field(gt=0, allow_inf_nan=False)
    weights: Weights = Weights()

    @field_validator("temporal_rows")
    @classmethod
    def _enough(cls, rows: int) -> int:
        if rows < SMALLEST_ROWS:
            raise ValueError(
                f"at least {SMALLEST_ROWS} are wanted; with fewer, measured motion depends on how many by 5% and more"
            )
        return rows

    @field_validator("temporal_engine")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ENGINES:
            raise ValueError(f"one of {', '.join(ENGINES)} is wanted")
        return name


def load_score_settings(config: Config) -> ScoreSettings:
    """The `score` block.

    Raises:
        SettingsError: it is missing or cannot be used.
    """
    return config.block("score", ScoreSettings)


def score_clip(
    path: Path,
    picture: Path | np.ndarray | None,
    prompt: str | None,
    settings: ScoreSettings,
    on_frame: OnFrame | None = None,
    reference: Path | None = None,
    also: Sequence[str] = (),
) -> Scores:
    """Scores of a video file.

    Args:
        path: any video of at least two frames.
        picture: the conditioning image, a file or RGB uint8 (H, W, 3); centre-cropped and scaled to the clip's size.
        prompt: what was asked for; its camera move is compared with the measured one.
        settings: see `ScoreSettings`.
        on_frame: told how many frames are done.
        reference: a video of the same size and length, or a picture for the first frame: adds PSNR, SSIM and GMSD.
        also: more metrics by name, of `ASKED_METRICS`.

    Raises:
        VideoError: the file cannot be read as a video, or has fewer than two frames, or the reference is another size
            or length.
        PictureError: the picture cannot be read.
        SettingsError: there is no metric of that name to be asked for.
    """
    path = Path(path)
    frames = (timed.frame_HWC for timed in read_frames(path))
    return score_frames(frames, probe(path).fps, picture, prompt, settings, on_frame, reference, also)


def score_frames(
    frames_THWC: Iterable[np.ndarray],
    fps: Fraction,
    picture: Path | np.ndarray | None,
    prompt: str | None,
    settings: ScoreSettings,
    on_frame: OnFrame | None = None,
    reference: Path | None = None,
    also: Sequence[str] = (),
) -> Scores:
    """Scores of RGB uint8 frames of one size, at least two; they may come one by one. Otherwise as `score_clip`."""
    frames = iter(frames_THWC)
    first = next(frames, None)
    if first is None:
        raise VideoError("There is no frame to score. Give a clip of at least two frames.")
    height, width = first.shape[:2]
    picture_HWC = None if picture is None else picture_at(picture, width, height)
    camera = CameraTracker()
    trackers = [
        *default_trackers(settings, fps),
        *asked_trackers(also, settings.weights, first, picture_HWC, reference),
    ]
    with one_opencv_thread():
        num_frames, last = _show(itertools.chain([first], frames), trackers, camera, on_frame)
        motion = camera.motion(height, width)
        measures = {name: measure for tracker in trackers for name, measure in tracker.measures().items()}
        features = {
            name: one
            for tracker in trackers
            if isinstance(tracker, Featured)
            for name, one in tracker.features().items()
        }
    measures["own_motion"] = Measure(motion.own_motion, f"DIS flow at {WORKING_ROWS} rows")
    measures |= camera_measures(motion)
    measures["first_frame_fidelity"] = first_frame_measure(first, picture_HWC)
    measures["content_kept"] = content_kept_measure(last, picture_HWC, motion)
    return Scores(
        measures={name: measures[name] for name in METRICS if name in measures},
        format=ClipFormat(num_frames, fps, width, height),
        asked_move=asked_move(prompt) if prompt else None,
        camera=motion if motion.trusted else None,
        camera_reason=None if motion.trusted else motion.why_untrusted,
        features=features,
    )


def _show(
    frames_THWC: Iterable[np.ndarray], trackers: Sequence[Tracker], camera: CameraTracker, on_frame: OnFrame | None
) -> tuple[int, np.ndarray]:
    """Shows each frame to everyone; returns how many there were, and the last."""
    engine, back_engine = Dis(), Dis()
    before: View | None = None
    number, frame = 0, np.empty(0)
    with worker("flow-back") as beside, closing(ahead(frames_THWC)) as coming:
        for number, frame in enumerate(coming, start=1):
            view, step = View(frame), None
            if before is not None:
                _check_size(number, frame, before.frame_HWC)
                flow_back = beside.submit(back_engine.flow, view.gray_HW, before.gray_HW)
                step = Step(before, view, engine, flow_back)
            camera.see(view.gray_HW, None if step is None else step.flow_HW2)
            for tracker in trackers:
                tracker.see(view, step)
            before = view
            if on_frame:
                on_frame(number)
    if number < 2:
        raise VideoError("The clip has only one frame, and motion needs two. Give a longer clip.")
    return number, frame


def _check_size(number: int, frame: np.ndarray, first: np.ndarray) -> None:
    if frame.shape != first.shape:
        raise VideoError(
            f"Frame {number} is {frame.shape[1]}x{frame.shape[0]}, the first one {first.shape[1]}x{first.shape[0]}. "
            "Give a clip whose frames have one size."
        )


def default_trackers(settings: ScoreSettings, fps: Fraction) -> list[Tracker]:
    """One for every metric that takes nothing but the clip."""
    by_luma, at_full_size = f"luma at {WORKING_ROWS} rows", "luma at the clip's size"
    by_flow = f"DIS flow at {WORKING_ROWS} rows"
    return [
        TemporalConsistency(settings.temporal_engine, settings.temporal_rows, settings.temporal_scale),
        Motion(fps),
        DynamicDegree(fps),
        MotionSmoothness(),
        FrameOrder(),
        Boiling(),
        OfSteps("scene_cut", lambda step: discontinuity(step.before.gray_HW, step.pulled), by_flow, scene_cut),
        ResidualTracker(),
        OfSteps("flow_validity", lambda step: flow_validity(step.confirmed_HW), by_flow),
        WarpingError(),
        Flicker(),
        FrameDiversity(),
        OfFrames("black_share", lambda view: dark_share(view.gray_HW), by_luma, black_share),
        OfFrames("blockiness", lambda view: blockiness(view.luma_HW), at_full_size),
        OfFrames("noise_level", lambda view: noise_level(view.luma_HW), at_full_size),
        Detail(),
        OfFrames("contrast", lambda view: contrast(view.gray_HW), by_luma),
        OfFrames("brightness", lambda view: brightness(view.gray_HW), by_luma),
        OfFrames("colourfulness", lambda view: colourfulness(view.colour_HWC), f"RGB at {WORKING_ROWS} rows"),
        ColourDrift(),
        ExposureDrift(),
        Appearance(),
    ]
