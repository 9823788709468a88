"""Which metrics there are, in the order in which they are shown. A new one is one more line here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from reelops.metrics.camera.camera_course import CAMERA_PAN, CAMERA_TILT, CAMERA_ZOOM, ROLL
from reelops.metrics.camera.own_motion import OWN_MOTION
from reelops.metrics.continuity.broken_parts import BROKEN_PARTS
from reelops.metrics.continuity.flow_validity import FLOW_VALIDITY
from reelops.metrics.continuity.frame_diversity import FRAME_DIVERSITY
from reelops.metrics.continuity.residual_ratio import RESIDUAL_RATIO
from reelops.metrics.continuity.scene_cut import SCENE_CUT
from reelops.metrics.continuity.warping_error import WARPING_ERROR
from reelops.metrics.kept.records import (
    KEPT_COLOUR,
    KEPT_CONTRAST,
    KEPT_DETAIL,
    KEPT_LIGHT,
    KEPT_SATURATION,
    KEPT_SHAPE,
    KEPT_STRETCH,
)
from reelops.metrics.learned.feature_consistency import (
    BACKGROUND_CONSISTENCY,
    PICTURE_CONSISTENCY,
    SUBJECT_CONSISTENCY,
)
from reelops.metrics.learned.lpips import LPIPS
from reelops.metrics.light.black_frames import BLACK_SHARE
from reelops.metrics.light.blockiness import BLOCKINESS
from reelops.metrics.light.brightness import BRIGHTNESS
from reelops.metrics.light.colour_alignment import COLOUR_ALIGNMENT
from reelops.metrics.light.colour_drift import COLOUR_DRIFT
from reelops.metrics.light.colourfulness import COLOURFULNESS
from reelops.metrics.light.contrast import CONTRAST
from reelops.metrics.light.detail_drift import DETAIL_DRIFT
from reelops.metrics.light.exposure_drift import EXPOSURE_DRIFT
from reelops.metrics.light.flicker import FLICKER
from reelops.metrics.light.noise_level import NOISE_LEVEL
from reelops.metrics.light.sharpness import SHARPNESS
from reelops.metrics.metric import Metric
from reelops.metrics.motion.boiling import BOILING
from reelops.metrics.motion.dynamic_degree import DYNAMIC_DEGREE
from reelops.metrics.motion.frame_order import FRAME_DISORDER, RETURNS
from reelops.metrics.motion.motion import DUPLICATED_SHARE, FROZEN_SHARE, MOTION, STUTTER
from reelops.metrics.motion.motion_smoothness import MOTION_SMOOTHNESS
from reelops.metrics.motion.temporal_consistency import TEMPORAL_CONSISTENCY
from reelops.metrics.naturalness.naturalness import NATURALNESS
from reelops.metrics.reference.content_kept import CONTENT_KEPT
from reelops.metrics.reference.first_frame_fidelity import FIRST_FRAME_FIDELITY
from reelops.metrics.reference.gradient_similarity import GMSD
from reelops.metrics.reference.psnr import PSNR
from reelops.metrics.reference.structural_similarity import MS_SSIM, SSIM

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        TEMPORAL_CONSISTENCY,
        MOTION,
        OWN_MOTION,
        CAMERA_PAN,
        CAMERA_TILT,
        CAMERA_ZOOM,
        ROLL,
        DYNAMIC_DEGREE,
        MOTION_SMOOTHNESS,
        DUPLICATED_SHARE,
        FROZEN_SHARE,
        STUTTER,
        FRAME_DISORDER,
        RETURNS,
        BOILING,
        SCENE_CUT,
        RESIDUAL_RATIO,
        FLOW_VALIDITY,
        WARPING_ERROR,
        BROKEN_PARTS,
        FLICKER,
        FRAME_DIVERSITY,
        NATURALNESS,
        BLACK_SHARE,
        BLOCKINESS,
        NOISE_LEVEL,
        SHARPNESS,
        DETAIL_DRIFT,
        CONTRAST,
        BRIGHTNESS,
        COLOURFULNESS,
        COLOUR_ALIGNMENT,
        COLOUR_DRIFT,
        EXPOSURE_DRIFT,
        FIRST_FRAME_FIDELITY,
        CONTENT_KEPT,
        KEPT_LIGHT,
        KEPT_COLOUR,
        KEPT_SATURATION,
        KEPT_CONTRAST,
        KEPT_DETAIL,
        KEPT_SHAPE,
        KEPT_STRETCH,
        # From here on: with a reference, or asked for by name.
        PSNR,
        SSIM,
        MS_SSIM,
        GMSD,
        LPIPS,
        SUBJECT_CONSISTENCY,
        BACKGROUND_CONSISTENCY,
        PICTURE_CONSISTENCY,
    )
}

# Goes up whenever something that many metrics rest on gives other numbers: views, flow, the camera, features.
_GROUND_VERSION = 8


def version_of(metrics: Iterable[Metric]) -> str:
    """Twelve digits that are others as soon as any metric's version is, or there is another metric."""
    versions = sorted((metric.name, metric.version) for metric in metrics)
    return hashlib.sha256(repr((_GROUND_VERSION, versions)).encode()).hexdigest()[:12]


METRICS_VERSION = version_of(METRICS.values())
"""Scores that are kept are found again by it."""
