"""What flow leaves unexplained from frame to frame: by cell and step, against a cell's own past and its neighbours.

In a filmed clip a frame is the one before moved along a smooth flow, but for what comes into sight, and what moves is
everywhere alive with a little noise. Lost packets, pasted, frozen, late or flickering parts, trails and seams each
break one of these.
"""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.naturalness.look import Heat, Look, Numbers, cell_means, log2
from reelops.metrics.place import Place
from reelops.metrics.view import Step
from reelops.optical_flow.warp import along

# A pixel that changes by less, in grey levels, has not changed.
_SAME = 0.5

(_LEFT, _LEFT_COLOUR, _CHANGE, _LIGHT, _SLOPE, _CONFIRMED, _GHOST, _GHOST_SCALE, _ERROR, _SPEED, _TINT, _DEAD) = range(
    12
)


class Change:
    """Follows what changes beside what moves."""

    def __init__(self) -> None:
        self._steps: list[np.ndarray] = []
        self._before: Look | None = None
        self._activity_HW, self._left_HW = np.zeros(0), np.zeros(0)
        self._places: dict[str, Heat] = {}

    def see(self, look: Look, step: Step | None, /) -> None:
        before, self._before = self._before, look
        if step is None or before is None:
            return
        left_HWC = along(look.ycc_HWC, step.flow_HW2) - before.ycc_HWC
        left, colour = np.abs(left_HWC[..., 0]), np.abs(left_HWC[..., 1]) + np.abs(left_HWC[..., 2])
        change = np.abs(look.gray_HW - before.gray_HW)
        moved = along(before.gray_HW, step.flow_back_HW2)
        error, unmoved = look.gray_HW - moved, before.gray_HW - moved
        slope_x = cv2.Sobel(before.gray_HW, cv2.CV_32F, 1, 0, scale=0.25)
        slope_y = cv2.Sobel(before.gray_HW, cv2.CV_32F, 0, 1, scale=0.25)
        maps = [
            left,
            colour,
            change,
            left_HWC[..., 0],
            np.abs(slope_x) + np.abs(slope_y),
            step.confirmed_HW.astype(np.float32),
            error * unmoved,
            unmoved * unmoved,
            error * error,
            np.hypot(step.flow_HW2[..., 0], step.flow_HW2[..., 1]),
            left_HWC[..., 1] + left_HWC[..., 2],
            (change < _SAME).astype(np.float32),
        ]
        self._steps.append(cell_means(maps, look.grid))
        first = not self._activity_HW.size
        self._activity_HW = change if first else self._activity_HW + change
        self._left_HW = left if first else self._left_HW + left

    def place(self, name: str, /) -> Place | None:
        return Place.of_heat(*self._places[name]) if name in self._places else None

    def numbers(self) -> Numbers:
        steps = np.stack(self._steps)
        return {
            **self._left(steps),
            **_light(steps),
            **_colour(steps),
            **_ghosts(steps),
            **_motion(steps),
            **self._dead(steps),
            **self._seams(len(steps)),
        }

    def _left(self, steps: np.ndarray) -> Numbers:
        left, change = steps[..., _LEFT], steps[..., _CHANGE]
        share = left / (steps[..., _SLOPE] + 2)
        in_time = np.median(left, axis=0, keepdims=True)
        around = _median_around(left)
        by_step, middles = left.mean(axis=(1, 2)), np.median(left, axis=(1, 2))
        fifth, last = max(1, len(left) // 5), -(-len(left) // 5)
        leaps = np.abs(np.diff(np.log2(by_step + 0.3))) if len(by_step) > 1 else np.zeros(1)
        spikes = {
            "res_spike_t": (left / (in_time + 0.7), 99.8),
            "res_spike_s": (left / (around + 1), 99.8),
            "res_spike_st": (left / (np.maximum(around, in_time) + 1), 99.9),
        }
        for name, (spike, _) in spikes.items():
            self._places[name] = _worst(spike)
        both = spikes["res_spike_st"][0]
        self._places["res_spike_st99"] = _worst(both)
        self._places["res_step_spike"] = (int(np.argmax(by_step)) + 1, None)
        return {
            "res_med": _log(share, 50, 0.01),
            "res_95": _log(share, 95, 0.01),
            "res_99": _log(share, 99, 0.01),
            **{name: _log(spike, high) for name, (spike, high) in spikes.items()},
            "res_spike_st99": _log(both, 99),
            "res_step_spike": float(log2(by_step.max() / (np.median(by_step) + 0.3))),
            "res_step_95": float(log2(_at(by_step, 90) / (np.median(by_step) + 0.3))),
            "res_trend": float(log2(by_step[-last:].mean() + 0.3) - log2(by_step[:fifth].mean() + 0.3)),
            "res_jitter": float(np.median(leaps)),
            "res_jitter_max": float(leaps.max()),
            "expl": float(log2(steps[..., _ERROR].sum() / (steps[..., _GHOST_SCALE].sum() + 1), 0.01)),
            "expl_med": _log(by_step / (change.mean(axis=(1, 2)) + 0.3), 50),
            "resid_ratio95": _log(left / (change + 0.7), 95),
            "res_alive": float(np.median(middles)),
        }

    def _dead(self, steps: np.ndarray) -> Numbers:
        dead, change = steps[..., _DEAD], steps[..., _CHANGE].mean(axis=0)
        share, longest = dead.mean(axis=0), _longest_runs(dead > 0.995)
        still = longest > 0.3 * len(dead)
        beside = np.stack([np.roll(change, by, axis) for by, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1))]).max(axis=0)
        contrast = (beside[1:-1, 1:-1] + 0.5) / (change[1:-1, 1:-1] + 0.2)
        activity = change / (steps[..., _SLOPE].mean(axis=0) + 2)
        for name in ("dead_max", "dead_gap", "dead_run", "dead_run_area", "dead_vs_alive"):
            self._places[name] = (None, share)
        self._places["dead_contrast"] = (None, np.pad(contrast, 1))
        return {
            "dead_med": _at(share, 50),
            "dead_max": float(share.max()),
            "dead_share": float((share > 0.97).mean()),
            "dead_gap": float(share.max() - _at(share, 50)),
            "dead_steps": float((dead.mean(axis=(1, 2)) > 0.98).mean()),
            "dead_run": _at(longest, 98) / len(dead),
            "dead_run_area": float(still.mean()),
            "dead_vs_alive": float(still.mean() * log2(_at(change, 75) + 1)),
            "dead_contrast": float(log2(contrast.max())),
            "act_grad_min": _log(activity, 2, 0.01),
            "act_grad_max": float(log2(_at(activity, 98) / (_at(activity, 50) + 0.01))),
        }

    def _seams(self, num_steps: int) -> Numbers:
        found: Numbers = {}
        for name, field in (("act", self._activity_HW), ("res", self._left_HW)):
            segment, full = straight_steps(field / num_steps)
            found |= {f"{name}_seam": float(log2(segment)), f"{name}_seam_full": float(log2(full))}
        return found


def straight_steps(field_HW: np.ndarray) -> tuple[float, float]:
    """The strongest step across an upright or level line, over a quarter of its length and over most of it.

    As multiples of what steps across other lines are in the same strip, so that it speaks of lines that stand out.
    """
    found = [_upright_steps(field_HW), _upright_steps(field_HW.T)]
    return max(one[0] for one in found), max(one[1] for one in found)


def _upright_steps(field_HW: np.ndarray) -> tuple[float, float]:
    width = field_HW.shape[1]
    strips = cv2.resize(field_HW, (width, 8), interpolation=cv2.INTER_AREA).astype(np.float32)
    steps = np.abs((strips[:, 2:-1] + strips[:, 3:]) - (strips[:, :-3] + strips[:, 1:-2])) / 2
    # A line that is there shows in two strips that adjoin.
    pairs = np.minimum(steps[:-1], steps[1:])
    usual = np.median(pairs, axis=1, keepdims=True) + 0.02 * np.abs(strips).mean() + 0.05
    near = cv2.blur(pairs, (17, 1))
    segment = pairs / (0.5 * usual + 0.5 * near)
    full = np.median(steps, axis=0) / (np.median(usual) + np.median(near, axis=0))
    return float(segment[:, 4:-4].max()), float(full[4:-4].max())


def _light(steps: np.ndarray) -> Numbers:
    light, by_step = np.abs(steps[..., _LIGHT]), np.abs(np.median(steps[..., _LIGHT], axis=(1, 2)))
    return {
        "sgn_med": float(log2(np.median(by_step), 0.02)),
        "sgn_cell": _log(light / (steps[..., _LEFT] + 0.5), 90),
        "sgn_cell_max": _log(light, 99, 0.1),
        "sgn_cell_med": _log(light, 75, 0.1),
        "sgn_step_max": float(log2(by_step.max(), 0.05)),
    }


def _colour(steps: np.ndarray) -> Numbers:
    colour, tint = steps[..., _LEFT_COLOUR], np.abs(steps[..., _TINT])
    by_step = np.abs(np.median(steps[..., _TINT], axis=(1, 2)))
    return {
        "chr_med": _log(colour, 50, 0.05),
        "chr_95": _log(colour, 95, 0.05),
        "chr_sgn": _log(tint, 95, 0.05),
        "chr_to_y": _log(colour, 90, 0.05) - _log(steps[..., _LEFT], 90, 0.05),
        "chr_sgn_step": float(log2(by_step.max(), 0.05)),
        "chr_sgn_all": float(log2(np.median(by_step), 0.02)),
        "chr_spike": _log(colour / (np.median(colour, axis=0, keepdims=True) + 0.5), 99.8),
    }


def _ghosts(steps: np.ndarray) -> Numbers:
    """How much of a frame is the one before that did not move: regression of the error on the unmoved picture."""
    ghost, scale = steps[..., _GHOST], steps[..., _GHOST_SCALE]
    by_cell = ghost.sum(axis=0) / (scale.sum(axis=0) + 50)
    by_step = ghost.sum(axis=(1, 2)) / (scale.sum(axis=(1, 2)) + 50)
    return {
        "ghost_all": float(ghost.sum() / (scale.sum() + 100)),
        "ghost_90": _at(by_cell, 90),
        "ghost_med": _at(by_cell, 50),
        "ghost_max": float(by_cell.max()),
        "ghost_min": _at(by_cell, 5),
        "ghost_t90": _at(by_step, 90),
        "ghost_t10": _at(by_step, 10),
    }


def _motion(steps: np.ndarray) -> Numbers:
    confirmed = steps[..., _CONFIRMED]
    by_step = confirmed.mean(axis=(1, 2))
    speed = steps[..., _SPEED].mean(axis=(1, 2)) * 3
    last = -(-len(steps) // 5)
    return {
        "conf_mean": float(confirmed.mean()),
        "conf_low": _at(by_step, 5),
        "conf_cell": _at(confirmed.mean(axis=0), 5),
        "conf_jit": _mean_abs(np.diff(by_step)),
        "speed": float(log2(speed.mean(), 0.05)),
        "speed_jit": float(np.median(np.abs(np.diff(log2(speed, 0.2))))) if len(speed) > 1 else 0.0,
        "speed_max": float(log2(speed.max() / (np.median(speed) + 0.3))),
        "speed_min": float(log2((_at(speed, 5) + 0.05) / (np.median(speed) + 0.1))),
        "speed_end": float(log2(speed[-last:].mean(), 0.1) - log2(speed[: max(1, len(speed) // 2)].mean(), 0.1)),
    }


def _median_around(cells_Thw: np.ndarray) -> np.ndarray:
    """The median of the eight cells around each."""
    rows, columns = cells_Thw.shape[1:]
    padded = np.pad(cells_Thw, ((0, 0), (1, 1), (1, 1)), "edge")
    shifts = [(y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    around: np.ndarray = np.median(np.stack([padded[:, y : y + rows, x : x + columns] for y, x in shifts]), axis=0)
    return around


def _longest_runs(true_Thw: np.ndarray) -> np.ndarray:
    run = np.zeros(true_Thw.shape[1:])
    longest = run.copy()
    for one in true_Thw:
        run = np.where(one, run + 1, 0)
        longest = np.maximum(longest, run)
    return longest


def _worst(cells_Thw: np.ndarray) -> Heat:
    """The place of the largest value; steps are named by the later of their frames."""
    step = int(np.unravel_index(int(np.argmax(cells_Thw)), cells_Thw.shape)[0])
    return (step + 1, cells_Thw[step])


def _at(values: np.ndarray, percent: float) -> float:
    return float(np.percentile(values, percent))


def _log(values: np.ndarray, percent: float, least: float = 1e-3) -> float:
    return float(log2(_at(values, percent), least))


def _mean_abs(values: np.ndarray) -> float:
    return float(np.abs(values).mean()) if values.size else 0.0
