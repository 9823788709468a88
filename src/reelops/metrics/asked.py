"""The metrics that take more than the clip: a reference, weights, or more time. They are asked for by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from reelops.errors import PictureError, SettingsError, WeightsError
from reelops.foreign import refuse_machine_fault
from reelops.metrics.catalogue import METRICS
from reelops.metrics.learned.embedding import Embedder
from reelops.metrics.learned.feature_consistency import FeatureConsistency
from reelops.metrics.learned.lpips import HOW_TO_GET_WEIGHTS, SMALLEST_SIDE, Lpips
from reelops.metrics.metric import Comparison
from reelops.metrics.reference.picture import picture_at
from reelops.metrics.reference.reference import AgainstReference, Reference
from reelops.metrics.settings import Weights
from reelops.metrics.tracker import Measure, Tracker
from reelops.metrics.view import Step, View
from reelops.video.decode import read_frames

COMPARISONS = {name: metric.comparison for name, metric in METRICS.items() if metric.comparison}
WITH_A_REFERENCE = tuple(name for name, comparison in COMPARISONS.items() if comparison.by_default)
AGAINST_A_REFERENCE = (*COMPARISONS, "lpips")
BY_FEATURES = ("subject_consistency", "background_consistency")
NETWORKS = {"subject_consistency": "dino", "background_consistency": "clip", "lpips": "lpips"}
"""The network that a metric takes, by its name in score.weights."""
ASKED_METRICS = (*AGAINST_A_REFERENCE, *BY_FEATURES)


class NotAvailable:
    """A metric that was asked for and cannot be had: it says why, and gives no number."""

    def __init__(self, name: str, how: str, why: str) -> None:
        self._name, self._how, self._why = name, how, why

    def see(self, view: View, step: Step | None, /) -> None:
        """Nothing to look at."""

    def measures(self) -> dict[str, Measure]:
        return {self._name: Measure(None, self._how, f"not available: {self._why}")}


def asked_trackers(
    also: Sequence[str],
    weights: Weights,
    first_HWC: np.ndarray,
    picture_HWC: np.ndarray | None,
    reference: Path | None,
) -> list[Tracker]:
    """One for every metric that was asked for, by name or by giving a reference.

    Raises:
        SettingsError: there is no metric of that name to be asked for.
        VideoError: the reference can be read neither as a picture nor as a video.
    """
    for name in also:
        if name not in ASKED_METRICS:
            raise SettingsError(f"There is no metric {name!r} to be asked for. Choose of: {', '.join(ASKED_METRICS)}.")
    asked = dict.fromkeys((*(WITH_A_REFERENCE if reference else ()), *also))
    features = [_by_features(name, weights, picture_HWC) for name in asked if name in BY_FEATURES]
    compared = [name for name in asked if name in AGAINST_A_REFERENCE]
    if reference is None:
        return [*features, *(NotAvailable(name, "against a reference", "no reference was given") for name in compared)]
    return [*features, *_against(reference, compared, weights, first_HWC)] if compared else features


def _by_features(name: str, weights: Weights, picture_HWC: np.ndarray | None) -> Tracker:
    network = NETWORKS[name]
    kind, source = network.upper(), getattr(weights, network)
    how = f"{kind} features of every frame, VBench's formula"
    if source is None:
        return NotAvailable(
            name, how, f"no weights; set score.weights.{kind.lower()} in params.yaml to a folder of them"
        )
    try:
        embedder = Embedder(source)
    except WeightsError as error:
        refuse_machine_fault(source, error)
        return NotAvailable(name, how, str(error))
    picture = picture_HWC if kind == "DINO" else None
    return FeatureConsistency(name, kind.lower(), embedder, f"{how}, weights {source}", picture)


def _against(reference: Path, names: Sequence[str], weights: Weights, first_HWC: np.ndarray) -> list[Tracker]:
    height, width = first_HWC.shape[:2]
    frames, is_picture = _reference_frames(reference, width, height)
    comparisons, unavailable = [], []
    for name in names:
        if name in COMPARISONS:
            comparisons.append(AgainstReference(name, COMPARISONS[name]))
            continue
        try:
            comparisons.append(AgainstReference(name, Comparison(_lpips(weights), "RGB by AlexNet", SMALLEST_SIDE)))
        except WeightsError as error:
            refuse_machine_fault(str(weights.lpips), error)
            unavailable.append(NotAvailable(name, "RGB by AlexNet", str(error)))
    return [Reference(frames, comparisons, is_picture), *unavailable]


def _lpips(weights: Weights) -> Callable[[View, View], float]:
    if weights.lpips is None:
        raise WeightsError(f"no weights; {HOW_TO_GET_WEIGHTS}")
    network = Lpips(Path(weights.lpips))
    return lambda one, other: network.distance(one.frame_HWC, other.frame_HWC)


def _reference_frames(reference: Path, width: int, height: int) -> tuple[Iterator[np.ndarray], bool]:
    """Frames of a video, or the one of a picture, cropped and scaled as the clip's own picture is."""
    try:
        return iter([picture_at(reference, width, height)]), True
    except PictureError as error:
        refuse_machine_fault(reference, error)
        return (timed.frame_HWC for timed in read_frames(reference)), False
