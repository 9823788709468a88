"""All metrics of a clip in one pass over its frames.

Memory does not grow with the length of the clip but for a dozen numbers per frame.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from reelops.camera.request import asked_move
from reelops.clip import ClipFormat
from reelops.errors import VideoError
from reelops.metrics.asked import asked_trackers
from reelops.metrics.camera.camera_course import Camera
from reelops.metrics.catalogue import METRICS
from reelops.metrics.environment import environment
from reelops.metrics.learned.appearance import Appearance
from reelops.metrics.letterbox import LOOKED_AT, Bars, find_bars
from reelops.metrics.pace import Pace
from reelops.metrics.reference.picture import picture_at
from reelops.metrics.repeated_frames import LOW_RATE, OwnFrames, own_frames
from reelops.metrics.scores import Scores
from reelops.metrics.settings import ScoreSettings
from reelops.metrics.tracker import Featured, Measure, Setup, Tracker
from reelops.metrics.view import Step, View
from reelops.optical_flow.engines import Dis
from reelops.optical_flow.threads import ahead, one_opencv_thread, worker
from reelops.optical_flow.working_size import WORKING_ROWS, luma
from reelops.prompts.asked_light import asks_for_changing_light
from reelops.video.decode import read_frames, read_luma
from reelops.video.probe import probe_with_timeline

OnFrame = Callable[[int], None]


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
    info, timeline = probe_with_timeline(path)
    own = None
    if info.fps > LOW_RATE and reference is None:
        own = own_frames((timed.luma_HW for timed in read_luma(info, timeline, WORKING_ROWS)), info.fps)
    bars = None
    if reference is None:
        bars = find_bars(
            [timed.luma_HW for timed in itertools.islice(read_luma(info, timeline, info.height), LOOKED_AT)]
        )
    frames = (timed.frame_HWC for timed in read_frames(path))
    return _score(frames, info.fps, own, bars, picture, prompt, settings, on_frame, reference, also)


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
    """Scores of RGB uint8 frames of one size, at least two. Otherwise as `score_clip`.

    They may come one by one; then all are measured, and nobody looks ahead whether they only fill up a rate, or have
    black bars.
    """
    own = bars = None
    if isinstance(frames_THWC, np.ndarray) and len(frames_THWC) and reference is None:
        own = own_frames((View(frame).gray_HW for frame in frames_THWC), fps)
        bars = find_bars([luma(frame) for frame in frames_THWC[:LOOKED_AT]])
    return _score(frames_THWC, fps, own, bars, picture, prompt, settings, on_frame, reference, also)


def _score(
    frames_THWC: Iterable[np.ndarray],
    fps: Fraction,
    own: OwnFrames | None,
    bars: Bars | None,
    picture: Path | np.ndarray | None,
    prompt: str | None,
    settings: ScoreSettings,
    on_frame: OnFrame | None,
    reference: Path | None,
    also: Sequence[str],
) -> Scores:
    frames = iter(frames_THWC)
    first = next(frames, None)
    if first is None:
        raise VideoError("There is no frame to score. Give a clip of at least two frames.")
    height, width = first.shape[:2]
    if bars and (bars.width, bars.height) != (width, height):
        bars = None
    picture_HWC = None if picture is None else _picture_within(picture, width, height, bars)
    if bars:
        first, frames = bars.without(first), map(bars.without, frames)
    camera = Camera()
    measured_fps, numbers = (own.fps, own.numbers) if own else (fps, None)
    trackers = [
        *trackers_of_every_clip(Setup(settings, measured_fps, camera, Pace(measured_fps), picture_HWC)),
        *asked_trackers(also, settings.weights, first, picture_HWC, reference),
    ]
    with one_opencv_thread():
        num_frames = _show(itertools.chain([first], frames), numbers, trackers, on_frame)
        measures = {name: measure for tracker in trackers for name, measure in tracker.measures().items()}
        features = {
            name: one
            for tracker in trackers
            if isinstance(tracker, Featured)
            for name, one in tracker.features().items()
        }
    if own:
        measures = {name: _over_all(measure, own) for name, measure in measures.items()}
        measures["duplicated_share"] = Measure(own.filled_share, f"frames that fill up the rate: {own}")
    if bars:
        measures = {name: _of_whole(measure, bars) for name, measure in measures.items()}
    motion = camera.motion
    return Scores(
        measures={name: measures[name] for name in METRICS if name in measures},
        format=ClipFormat(num_frames, fps, width, height),
        asked_move=asked_move(prompt) if prompt else None,
        camera=motion if motion.trusted else None,
        camera_reason=None if motion.trusted else motion.why_untrusted,
        own_frames=own,
        bars=bars,
        features=features,
        asked_light=prompt is not None and asks_for_changing_light(prompt),
        environment=dict(environment()),
    )


def _picture_within(picture: Path | np.ndarray, width: int, height: int, bars: Bars | None) -> np.ndarray:
    """The picture as the frames show it within their bars: as a whole, unless it has the bars itself."""
    whole_HWC = picture_at(picture, width, height)
    if bars is None or find_bars([luma(whole_HWC)]) == bars:
        return whole_HWC if bars is None else bars.without(whole_HWC)
    return picture_at(picture, *bars.size)


def _of_whole(measure: Measure, bars: Bars) -> Measure:
    return measure if measure.place is None else replace(measure, place=bars.of_whole(measure.place))


def _over_all(measure: Measure, own: OwnFrames) -> Measure:
    """What was measured on a clip's own frames, by the numbers of all its frames."""
    series = own.over_all(measure.series) if measure.series else measure.series
    place = measure.place
    if place is not None and place.frame is not None:
        frame, since = (
            None if one is None else own.numbers[min(one, len(own.numbers) - 1)] for one in (place.frame, place.since)
        )
        place = replace(place, frame=frame, since=since)
    return replace(measure, series=series, place=place)


def _show(
    frames_THWC: Iterable[np.ndarray],
    numbers: Sequence[int] | None,
    trackers: Sequence[Tracker],
    on_frame: OnFrame | None,
) -> int:
    """Shows each frame to everyone, or those of some numbers alone; returns how many there were."""
    number = 0
    with worker("flow-back") as beside, closing(ahead(_looked_at(frames_THWC, numbers, beside))) as coming:
        for number, look in enumerate(coming, start=1):
            if look.view is not None:
                for tracker in trackers:
                    tracker.see(look.view, look.step)
            if on_frame:
                on_frame(number)
    if number < 2:
        raise VideoError("The clip has only one frame, and motion needs two. Give a longer clip.")
    return number


@dataclass(frozen=True)
class _Look:
    """What trackers are shown of a frame; no view where they are not shown it."""

    view: View | None
    step: Step | None


def _looked_at(frames_THWC: Iterable[np.ndarray], numbers: Sequence[int] | None, beside: Executor) -> Iterator[_Look]:
    """Every frame, with the flow to it and, found on another thread, from it back."""
    engine, back_engine = Dis(), Dis()
    shown = None if numbers is None else frozenset(numbers)
    before: View | None = None
    for number, frame in enumerate(frames_THWC, start=1):
        if before is not None:
            _check_size(number, frame, before.frame_HWC)
        if shown is not None and number - 1 not in shown:
            yield _Look(None, None)
            continue
        view, step = View(frame), None
        if before is not None:
            flow_back = beside.submit(back_engine.flow, view.gray_HW, before.gray_HW)
            step = Step(before, view, engine, flow_back)
            _ = step.flow_HW2  # found here, while trackers look at the frame before
        yield _Look(view, step)
        before = view


def _check_size(number: int, frame: np.ndarray, first: np.ndarray) -> None:
    if frame.shape != first.shape:
        raise VideoError(
            f"Frame {number} is {frame.shape[1]}x{frame.shape[0]}, the first one {first.shape[1]}x{first.shape[0]}. "
            "Give a clip whose frames have one size."
        )


def trackers_of_every_clip(setup: Setup) -> list[Tracker]:
    """One for every metric that is measured without being asked for, and for what sets of clips are compared by."""
    return [*(metric.track(setup) for metric in METRICS.values() if metric.track), Appearance()]
