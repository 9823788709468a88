"""The loop that one writes first: every frame is read in colour, made small, and compared with the one before.

Optical flow compares them, and the window is chosen at the end. It finds the same numbers by the same functions as
ours, so what differs is the way: ours decodes the light alone, makes small only what is looked at, and finds the flow
only where it decides.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

import cv2
import numpy as np

from reelops.dataset.metadata.fingerprint import fingerprint
from reelops.dataset.metadata.measure import Measured
from reelops.dataset.metadata.params import MetadataParams
from reelops.dataset.metadata.text_share import text_share
from reelops.dataset.metadata.window import Refused, Ticks, choose_window
from reelops.metrics.continuity.scene_cut import discontinuity
from reelops.metrics.light.black_frames import dark_share
from reelops.metrics.light.brightness import brightness
from reelops.metrics.light.sharpness import sharpness
from reelops.metrics.motion.motion import change, motion
from reelops.metrics.view import Pulled
from reelops.optical_flow.engines import Dis, mean_magnitude
from reelops.optical_flow.threads import one_opencv_thread
from reelops.optical_flow.warp import pull_back
from reelops.optical_flow.working_size import WORKING_ROWS, at_rows


def measure_plainly(path: Path, params: MetadataParams) -> Measured:
    """What `measure` finds, as a plain loop over OpenCV's frames finds it; reads the whole clip."""
    window = params.window
    with one_opencv_thread():
        video = cv2.VideoCapture(str(path))
        fps = video.get(cv2.CAP_PROP_FPS)
        width, height = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
        engine = Dis()
        pictures: list[np.ndarray] = []
        series: list[list[float]] = [[] for _ in range(6)]
        dark, sharp, light, changes, breaks, speeds = series
        before, number = None, 0
        while True:
            there, frame = video.read()
            if not there:
                break
            while len(pictures) / window.fps < (number + 1) / fps:
                picture = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
                gray = at_rows(picture, WORKING_ROWS)
                pictures.append(gray)
                dark.append(dark_share(gray))
                sharp.append(sharpness(picture))
                light.append(brightness(gray))
                if before is not None:
                    flow = engine.flow(before, gray)
                    changes.append(change(before, gray))
                    breaks.append(discontinuity(before, Pulled(*pull_back(gray, flow))))
                    speeds.append(mean_magnitude(flow))
                before = gray
            number += 1
        video.release()
        ticks = Ticks(*(np.array(one) for one in (dark, sharp, changes, breaks)))
        first = choose_window(ticks, window.frames, window.fps, params.limits, "benchmark")
        if isinstance(first, Refused):
            return Measured(width, height, reason=first.reason, evidence=first.evidence)
        last = first + window.frames
        return Measured(
            width=width,
            height=height,
            duration_seconds=number / fps,
            start_seconds=first / window.fps,
            motion=motion(speeds[first : last - 1]),
            sharpness=float(np.mean(sharp[first:last])),
            brightness=float(np.mean(light[first:last])),
            scene_cut=max(breaks[first : last - 1]),
            text_share=median(text_share(pictures[number]) for number in (first, (first + last) // 2, last - 1)),
            hashes=fingerprint(pictures),
        )
