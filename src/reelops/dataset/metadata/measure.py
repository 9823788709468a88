"""A video in numbers: one pass over its light, small, at the rate of the window that is looked for in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from reelops.dataset.entry import Segment
from reelops.dataset.metadata.diagnosis import diagnose
from reelops.dataset.metadata.fingerprint import fingerprint
from reelops.dataset.metadata.params import Limits, WindowParams
from reelops.dataset.metadata.text_share import text_share
from reelops.dataset.metadata.window import Refused, Ticks, by_chance, choose_window
from reelops.dataset.table import Reason
from reelops.errors import VideoError
from reelops.foreign import refuse_machine_fault
from reelops.metrics.continuity.scene_cut import discontinuity, scene_cut
from reelops.metrics.light.black_frames import dark_share
from reelops.metrics.light.brightness import brightness
from reelops.metrics.light.sharpness import SHARPNESS_ROWS, sharpness
from reelops.metrics.motion.motion import change, duplicated_share, motion
from reelops.metrics.tracker import mean
from reelops.metrics.view import Pulled
from reelops.optical_flow.engines import Dis, mean_magnitude
from reelops.optical_flow.threads import one_opencv_thread
from reelops.optical_flow.warp import pull_back
from reelops.optical_flow.working_size import WORKING_ROWS, at_rows
from reelops.video.decode import read_luma
from reelops.video.odd_files import stretches
from reelops.video.probe import Timeline, VideoInfo, probe_with_timeline
from reelops.video.source import UncertainVideoError


@dataclass(frozen=True)
class Measured:
    """What is known of a video file, or of a segment of one.

    Attributes:
        width, height, fps, duration_seconds: of the file; None where it cannot be read.
        reason, evidence: why it gives no clip; None and empty where it does.
        start_seconds: of the window, after the file's first frame. What follows is measured in the window, but for the
            cuts: see `reelops.dataset.table.ClipRow`.
        hashes: what its pictures look like, see `fingerprint`.
        picture_sha256: of the file of the picture that it starts from; None where it gives no clip.
        notes: what is odd about the file, which is read all the same; a sentence each.
        certain: False where this machine may be at fault, see `UncertainVideoError`; nobody keeps that.
    """

    width: int | None = None
    height: int | None = None
    fps: Fraction | None = None
    duration_seconds: float | None = None
    reason: Reason | None = None
    evidence: str = ""
    start_seconds: float = 0.0
    motion: float = 0.0
    sharpness: float = 0.0
    brightness: float = 0.0
    scene_cut: float = 0.0
    still_share: float = 0.0
    text_share: float = 0.0
    cuts: int = 0
    hashes: tuple[int, ...] = ()
    picture_sha256: str | None = None
    notes: tuple[str, ...] = ()
    certain: bool = True


def measure(path: Path, segment: Segment | None, window: WindowParams, limits: Limits, chance: str) -> Measured:
    """Probe, window and statistics of a clip; what is wrong with it is an answer, not an error.

    Args:
        segment: what of the file is the clip; None is all of it.
        chance: decides between windows that are equally good, and where a long clip is looked at.

    Raises:
        MachineError: this machine cannot read it now, which is no answer.
    """
    try:
        info, timeline = probe_with_timeline(path)
    except (VideoError, OSError) as error:
        refuse_machine_fault(path, error)
        return Measured(reason=diagnose(path), evidence=_words(error, path), certain=_is_certain(error))
    try:
        with one_opencv_thread():
            found = _measure(info, timeline, segment, window, limits, chance)
    except (VideoError, OSError) as error:
        refuse_machine_fault(path, error)
        found = {"reason": diagnose(path), "evidence": _words(error, path), "certain": _is_certain(error)}
    return Measured(info.width, info.height, info.fps, _seconds(info, timeline), notes=info.notes, **found)


def _measure(
    info: VideoInfo, timeline: Timeline, segment: Segment | None, window: WindowParams, limits: Limits, chance: str
) -> dict[str, Any]:
    """Fields of `Measured`."""
    if info.damage:
        raise VideoError(info.damage)
    if min(info.width, info.height) < limits.min_side:
        size = f"{info.width}x{info.height}"
        return _refusal(Reason.TOO_SMALL, f"it is {size}, and {limits.min_side} pixels a side are needed")
    span = _span(_longest_stretch(timeline, info, segment), window, chance)
    if span is None:
        return _refusal(Reason.TOO_SHORT, f"it ends at {float(info.duration):.2f} s, before its segment begins")
    if (span[1] - span[0]) * window.fps <= window.frames - 1:
        seconds = f"{float(span[1] - span[0]):.2f} s, and {float(window.seconds):.2f} s are needed"
        return _refusal(Reason.TOO_SHORT, f"it lasts {seconds}")
    look = _Look(limits.cut_threshold)
    for shown in read_luma(info, timeline, SHARPNESS_ROWS, Fraction(window.fps), *span):
        look.see(shown.luma_HW)
    first = choose_window(look.ticks(), window.frames, window.fps, limits, chance)
    seen: dict[str, Any] = {"cuts": look.cuts, "hashes": fingerprint(look.pictures_HW)}
    if isinstance(first, Refused):
        return seen | _refusal(first.reason, first.evidence)
    found = seen | look.statistics(first, window.frames)
    found["start_seconds"] = round(float(span[0] + Fraction(first, window.fps)), 6)
    if found["motion"] < limits.min_motion:
        return found | _refusal(Reason.STILL, f"its window moves by {found['motion']:.3f} px from picture to picture")
    if found["text_share"] > limits.max_text_share:
        return found | _refusal(Reason.MOSTLY_TEXT, f"letters seem to cover {found['text_share']:.0%} of the picture")
    return found


def _refusal(reason: Reason, evidence: str) -> dict[str, Any]:
    return {"reason": reason, "evidence": evidence}


def _seconds(info: VideoInfo, timeline: Timeline) -> float:
    """How long the file is; its rate, and with it the duration that follows, leaves pauses out, and windows may come
    after one."""
    paused = len(stretches(timeline.pts, timeline.time_base, timeline.end)) > 1
    return float(timeline.end if paused else info.duration)


def _longest_stretch(timeline: Timeline, info: VideoInfo, segment: Segment | None) -> tuple[Fraction, Fraction]:
    """Where, in seconds, the clip's longest part without a pause of the recording begins and ends; it ends before it
    begins where the file is over before the segment."""
    parts = stretches(timeline.pts, timeline.time_base, timeline.end or info.duration)
    if segment:
        parts = [(max(start, segment.start), min(end, segment.end)) for start, end in parts]
    return max(parts, key=lambda part: part[1] - part[0])


def _span(stretch: tuple[Fraction, Fraction], window: WindowParams, chance: str) -> tuple[Fraction, Fraction] | None:
    """The seconds of a stretch in which a window is looked for; None where the stretch is none."""
    start, stop = stretch
    if stop <= start:
        return None
    spare = stop - start - window.search_seconds
    if spare > 0:
        start += Fraction(by_chance(int(spare * window.fps) + 1, chance, "span"), window.fps)
    return start, min(stop, start + window.search_seconds)


class _Look:
    """Looks at pictures one after the other; keeps them small, and a few numbers of each.

    The flow, which costs most, is found only where it can matter: in the window, and where two pictures are so unlike
    as they stand that there may be a cut.
    """

    def __init__(self, cut: float) -> None:
        self.pictures_HW: list[np.ndarray] = []
        self._grays_HW: list[np.ndarray] = []
        self._cut = cut
        self._engine = Dis()
        self._dark: list[float] = []
        self._sharp: list[float] = []
        self._changes: list[float] = []
        self._breaks: list[float] = []
        self._flows: dict[int, tuple[float, float]] = {}

    def see(self, picture_HW: np.ndarray) -> None:
        """The next picture, luma uint8; the same array again where it is shown for longer."""
        repeated = bool(self.pictures_HW) and self.pictures_HW[-1] is picture_HW
        self.pictures_HW.append(picture_HW)
        if repeated:
            self._grays_HW.append(self._grays_HW[-1])
            for series in (self._dark, self._sharp):
                series.append(series[-1])
            self._changes.append(0.0)
            self._breaks.append(0.0)
            return
        gray_HW = at_rows(picture_HW, WORKING_ROWS)
        self._grays_HW.append(gray_HW)
        self._dark.append(dark_share(gray_HW))
        self._sharp.append(sharpness(picture_HW))
        if len(self._grays_HW) > 1:
            before_HW = self._grays_HW[-2]
            self._changes.append(change(before_HW, gray_HW))
            unlike = _unlike(before_HW, gray_HW)
            if unlike > self._cut:
                unlike = min(unlike, self._step(len(self._breaks), before_HW, gray_HW)[1])
            self._breaks.append(unlike)

    def ticks(self) -> Ticks:
        return Ticks(*(np.array(series) for series in (self._dark, self._sharp, self._changes, self._breaks)))

    @property
    def cuts(self) -> int:
        return sum(one > self._cut for one in self._breaks)

    def statistics(self, first: int, frames: int) -> dict[str, float]:
        """Of the window: fields of `Measured`."""
        pictures_HW = self.pictures_HW[first : first + frames]
        grays_HW = self._grays_HW[first : first + frames]
        steps = [self._step(first + number, *pair) for number, pair in enumerate(pairwise(grays_HW))]
        return {
            "motion": motion([speed for speed, _ in steps]),
            "sharpness": mean(self._sharp[first : first + frames]),
            "brightness": mean([brightness(gray_HW) for gray_HW in grays_HW]),
            "scene_cut": scene_cut([unlike for _, unlike in steps]),
            "still_share": duplicated_share(self._changes[first : first + frames - 1]),
            "text_share": median(text_share(pictures_HW[number]) for number in (0, frames // 2, frames - 1)),
        }

    def _step(self, number: int, before_HW: np.ndarray, after_HW: np.ndarray) -> tuple[float, float]:
        """How far things move in a step, and how unlike its pictures are once that is taken out; found once."""
        if number not in self._flows:
            flow_HW2 = self._engine.flow(before_HW, after_HW)
            unlike = discontinuity(before_HW, Pulled(*pull_back(after_HW, flow_HW2)))
            self._flows[number] = mean_magnitude(flow_HW2), unlike
        return self._flows[number]


def _unlike(before_HW: np.ndarray, after_HW: np.ndarray) -> float:
    """1 - the correlation of two pictures as they stand; where motion is taken out they are more alike."""
    size = before_HW.size
    one, other = (cv2.sumElems(picture_HW)[0] / size for picture_HW in (before_HW, after_HW))
    squares = [cv2.norm(picture_HW, cv2.NORM_L2SQR) / size for picture_HW in (before_HW, after_HW)]
    product = (sum(squares) - cv2.norm(before_HW, after_HW, cv2.NORM_L2SQR) / size) / 2
    spread = (squares[0] - one * one) * (squares[1] - other * other)
    return 1.0 - (product - one * other) / math.sqrt(spread) if spread > 0 else 1.0


def _is_certain(error: Exception) -> bool:
    return not isinstance(error, UncertainVideoError)


def _words(error: Exception, path: Path) -> str:
    """An error as evidence: no matter where the file lies."""
    return str(error).replace(str(path), "it")
