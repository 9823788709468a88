"""Blockiness: does a frame fall apart into blocks?"""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View

# Blocks of JPEG, MPEG-2 and H.264, and H.264's macroblocks, which also are what coarse pixelation looks like.
_PERIODS = (8, 16)

# Differences smaller than this, in grey levels, are rounding; without it a flat picture would divide zero by zero.
_MIN_DIFFERENCE = 0.5

# Any other period is found, in every so many-th frame: between these, with so many borders at least, the same for
# columns and rows.
_EVERY = 6
_SHORTEST, _LONGEST = 5.0, 64.0
_FEWEST_BORDERS = 8
_MOST_CANDIDATES = 4
_SAME_PERIOD = 0.03
_AS_GOOD = 0.8
_FAINT = 1.0  # grey levels: what is looked for everywhere is found in rounding and grain, too
_SMALLEST_SIDE = 2


BLOCKINESS = Metric(
    name="blockiness",
    title="Blockiness",
    unit="",
    direction="lower is better",
    section="Light and detail",
    description="surplus of the steps across the borders of blocks of any size (Wu and Yuen 1997; Wang, Bovik, Evan "
    "2000): 8 or 16 pixels apart, or 5 to 64 where columns and rows have the same; 2 is plain to see",
    blind_to="blocks that were blurred since; banding, ringing; a wall of square tiles, seen straight, counts",
    low=1,
    above="The picture falls apart into blocks.",
    version=2,
    track=lambda _: Blockiness(),
)


def blockiness(gray_HW: np.ndarray) -> float:
    """How much larger the steps across block borders are than the steps beside them.

    The blocking artefact as Wu and Yuen (1997) and Wang, Bovik and Evan (2000) define it, a periodic surplus of the
    difference signal: the mean absolute luma difference across each column border is divided by that of the two borders
    beside it; of borders a period apart the median counts, so that one strong edge of the scene does not; the largest
    over the phases, so that a cropped clip is judged as well, and over periods of 8 and 16 pixels; the mean of columns
    and rows.

    Args:
        gray_HW: luma, uint8, at least 2x2, at the clip's own size: resizing moves and blurs the blocks.

    Returns:
        About 1 without blocks, 2 where they are plain to see; lower is better. Blind to other blocks, see
        `found_blocks`, and to banding and ringing.
    """
    across, down = _steps(gray_HW)
    return (_periodic_surplus(across) + _periodic_surplus(down)) / 2


def found_blocks(gray_HW: np.ndarray) -> tuple[float, float] | None:
    """The surplus across the borders of blocks whose size was found, and that size in pixels.

    Blocks that were made at another size, such as by a clip that was enlarged since, or at the stride of a network,
    have borders a whole number of pixels apart no longer, and a step is spread over two columns. So periods are
    proposed by the surplus's correlation with itself, and steps are taken alone and in pairs.

    Returns:
        None where columns and rows have no period in common.
    """
    across, down = (_periods(steps) for steps in _steps(gray_HW))
    both = [
        ((one + other) / 2, period)
        for period, one in across.items()
        for its, other in down.items()
        if abs(its - period) <= _SAME_PERIOD * period
    ]
    # Every second border shows the same as every one: of periods that do the shortest is the blocks' own.
    enough = _AS_GOOD * max((surplus for surplus, _ in both), default=0.0)
    return min((one for one in both if one[0] >= enough), key=lambda one: one[1], default=None)


class Blockiness:
    """Follows every frame's blocks of the usual sizes, and every sixth frame's of any size."""

    def __init__(self) -> None:
        self._usual: list[float] = []
        self._found: list[tuple[float, float] | None] = []
        self._size = (0, 0)

    def see(self, view: View, _: Step | None, /) -> None:
        self._size = (view.luma_HW.shape[1], view.luma_HW.shape[0])
        if min(self._size) < _SMALLEST_SIDE:
            return
        if len(self._usual) % _EVERY == 0:
            self._found.append(found_blocks(view.luma_HW))
        self._usual.append(blockiness(view.luma_HW))

    def measures(self) -> dict[str, Measure]:
        how = "luma at the clip's size"
        if not self._usual:
            width, height = self._size
            why = f"it takes {_SMALLEST_SIDE} pixels a side, and the clip is {width}x{height}"
            return {"blockiness": Measure(None, how, why)}
        usual, found = float(np.mean(self._usual)), float(np.mean([one[0] if one else 1.0 for one in self._found]))
        if found <= usual:
            return {"blockiness": Measure(usual, how, series=tuple(self._usual))}
        series = tuple(max(one, self._of(number)) for number, one in enumerate(self._usual))
        size = float(np.median([one[1] for one in self._found if one]))
        return {"blockiness": Measure(found, f"{how}, blocks of {size:.3g} pixels", series=series)}

    def _of(self, number: int) -> float:
        found = self._found[number // _EVERY]
        return found[0] if found else 1.0


def _steps(gray_HW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean absolute differences across each border of columns, and of rows."""
    across = cv2.reduce(cv2.absdiff(gray_HW[:, 1:], gray_HW[:, :-1]), 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
    down = cv2.reduce(cv2.absdiff(gray_HW[1:], gray_HW[:-1]), 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
    return across, down


def _periodic_surplus(steps: np.ndarray) -> float:
    surplus = (steps[1:-1] + _MIN_DIFFERENCE) / ((steps[:-2] + steps[2:]) / 2 + _MIN_DIFFERENCE)
    strongest = 1.0
    for period in _PERIODS:
        whole = len(surplus) // period
        if whole >= 4:
            by_phase = np.sort(surplus[: whole * period].reshape(whole, period), axis=0)
            strongest = max(strongest, float(by_phase[whole // 2].max()))
    return strongest


def _periods(steps: np.ndarray) -> dict[float, float]:
    """The surplus at each period that stands out, of steps alone or in pairs."""
    found: dict[float, float] = {}
    pairs = steps[1:] + steps[:-1]
    for surplus in (
        (steps[1:-1] + _FAINT) / ((steps[:-2] + steps[2:]) / 2 + _FAINT),
        (pairs[2:-2] + 2 * _FAINT) / ((pairs[:-4] + pairs[4:]) / 2 + 2 * _FAINT),
    ):
        for period in _proposed(surplus):
            found[period] = max(found.get(period, 1.0), _at_borders(surplus, period))
    return found


def _proposed(surplus: np.ndarray) -> list[float]:
    """Periods, in pixels, at which the surplus correlates with itself most; refined by those of several periods."""
    count = len(surplus)
    longest = int(min(_LONGEST, count / _FEWEST_BORDERS))
    if longest <= _SHORTEST:
        return []
    signal = np.clip(np.log(surplus), -0.5, 1.5)
    signal = signal - signal.mean()
    power = np.abs(np.fft.rfft(signal, 2 * count)) ** 2
    alike = np.fft.irfft(power)[:count]
    inside = np.arange(int(_SHORTEST), longest + 1)
    peaks = inside[(alike[inside] >= alike[inside - 1]) & (alike[inside] >= alike[inside + 1]) & (alike[inside] > 0)]
    best = peaks[np.argsort(-alike[peaks], kind="stable")][:_MOST_CANDIDATES]
    refined = [_refined(alike, float(lag)) for lag in best]
    return sorted({period / part for period in refined for part in (1, 2, 3) if period / part >= _SHORTEST})


def _refined(alike: np.ndarray, period: float) -> float:
    """The period to a fraction of a pixel: the place of the peak some periods on, divided by how many."""
    for times in (2, 4):
        around = round(times * period)
        if around + times >= len(alike) // 2:
            break
        near = np.arange(around - 1, around + 2) if times == 2 else np.arange(around - 2, around + 3)
        period = float(near[int(np.argmax(alike[near]))]) / times
    return period


def _at_borders(surplus: np.ndarray, period: float) -> float:
    """The median surplus at lines a period apart, at the phase where it is largest."""
    count = int((len(surplus) - 1) / period)
    if count < _FEWEST_BORDERS:
        return 1.0
    phases = np.arange(int(np.ceil(period)))
    lines = np.round(phases[:, None] + period * np.arange(count)).astype(int)
    lines = lines[(lines < len(surplus)).all(axis=1)]
    return float(np.median(surplus[lines], axis=1).max(initial=1.0))
