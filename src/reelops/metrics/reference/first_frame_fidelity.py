"""First-frame fidelity: does the clip start from the picture it was given?"""

from __future__ import annotations

import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.reference.psnr import HIGHEST_DB, psnr
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View

FIRST_FRAME_FIDELITY = Metric(
    name="first_frame_fidelity",
    title="First frame against picture",
    unit="dB",
    direction="higher is better",
    section="Against the picture",
    description="PSNR of the first frame against the picture at the clip's size",
    blind_to="everything after the first frame",
    high=HIGHEST_DB,
    below="The clip does not start from the picture.",
    track=lambda setup: FirstFrame(setup.picture_HWC),
)


def first_frame_fidelity(first_HWC: np.ndarray, picture_HWC: np.ndarray) -> float:
    """PSNR in dB between the first frame and the conditioning picture as the model got it: RGB uint8, one size.

    Returns:
        Higher is closer; 21 dB is recognisably the picture, above 30 dB is hard to tell from it. Blind to what follows
        the first frame, and unforgiving to a shift by a pixel.
    """
    return psnr(first_HWC, picture_HWC)


class FirstFrame:
    """Compares the first frame with the picture, where one was given."""

    def __init__(self, picture_HWC: np.ndarray | None) -> None:
        self._picture_HWC = picture_HWC
        self._value: float | None = None

    def see(self, view: View, step: Step | None, /) -> None:
        if step is None and self._picture_HWC is not None:
            self._value = first_frame_fidelity(view.frame_HWC, self._picture_HWC)

    def measures(self) -> dict[str, Measure]:
        how = "RGB at the clip's size"
        if self._picture_HWC is None:
            return {"first_frame_fidelity": Measure(None, how, "no picture was given", applies=False)}
        return {"first_frame_fidelity": Measure(self._value, how)}
