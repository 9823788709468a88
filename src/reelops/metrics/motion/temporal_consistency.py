"""Temporal consistency: does the amount of motion stay even?

The scale that normalises the variance is set in params.yaml. How it was chosen: at 160 rows the variance V, in square
pixels at 480 rows, is 0.1 to 4.2 for five of seven real CogVideoX clips, 28 for a passing train and 54 for a galloping
horse; clean camera moves have less than 0.01. The horse has to pass 0.6, which takes a scale of at least
54 / ln(1 / 0.6) = 106; 120 leaves a margin, and turns away V above 61.

Blind spots: it measures evenness, nothing else. Frozen clips and frozen clips with noise or flicker score 0.9 and more.
Hard cuts measure V = 158 to 694, pure noise 64 and shuffled frames 31 to 549: mostly, not always, turned away. No scale
separates good from bad, so the gate rests on residual ratio, flicker, scene cut and motion as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from reelops.errors import VideoError
from reelops.optical_flow.contract import FlowEngine
from reelops.optical_flow.engines import flow_engine, mean_magnitude
from reelops.optical_flow.threads import one_opencv_thread
from reelops.optical_flow.working_size import WORKING_ROWS, at_rows, luma


def consistency_of(magnitudes: Sequence[float], scale: float) -> float:
    """exp(-V / scale), V the variance over time of the mean flow magnitude of each neighbouring pair.

    Args:
        magnitudes: pixels at 480 rows per frame, one a pair, at least one.
        scale: the variance in square pixels that brings the score down to 1/e.

    Returns:
        Higher is steadier; range (0, 1]; accepted from 0.6.

    Raises:
        VideoError: no pair.
    """
    if not len(magnitudes):
        raise VideoError("Temporal consistency needs at least two frames; this clip has fewer. Give a longer clip.")
    return math.exp(-float(np.var(np.asarray(magnitudes, dtype=np.float64))) / scale)


def temporal_consistency(
    frames_THWC: Iterable[np.ndarray], scale: float, rows: int = WORKING_ROWS, engine: FlowEngine | None = None
) -> float:
    """`consistency_of` the flow between neighbours, for RGB uint8 frames seen `rows` high."""
    engine = engine or flow_engine("tvl1")
    pictures = (at_rows(luma(frame), rows) for frame in frames_THWC)
    with one_opencv_thread():
        return consistency_of([mean_magnitude(flow) for flow in engine.flows(pictures)], scale)
