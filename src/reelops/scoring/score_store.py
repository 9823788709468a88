"""Scores that have been measured once: found again by what they were measured on and how.

A score depends on the clip's bytes, the metrics' code and settings, the libraries under them, the picture's bytes, the
prompt, what else was asked for, and the bytes of the networks' weights that this takes; on nothing else, so these are
the key. Limits are no part of it: every run judges by its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelops.metrics.asked import NETWORKS
from reelops.metrics.naturalness.model import shipped_digest
from reelops.metrics.scores import Scores
from reelops.metrics.settings import Weights
from reelops.system.known_digests import digest_of_files
from reelops.system.making import making_of
from reelops.tables.content_store import ContentStore
from reelops.tables.json_codec import digest_of_plain

FOLDER = "scores"
NOT_AVAILABLE = "not available"
_MEASURING = "reelops.metrics.suite"


@dataclass(frozen=True)
class ScoreKey:
    """What a clip's scores depend on.

    Attributes:
        clip: sha256 of the clip's bytes.
        metrics: version of the metrics' code.
        settings: digest of the `score` block of params.yaml.
        picture: sha256 of the picture's bytes; None where the clip was scored without one.
        prompt: None where it was scored without one.
        reference: sha256 of what it was compared with, None for nothing.
        also: more metrics that were asked for.
        weights: digests of the networks that these take, by their names; None for one that is not on this machine.
        making: digest of the code and the libraries that measure.
        naturalness: digest of the model of natural clips.
    """

    clip: str
    metrics: str
    settings: str
    picture: str | None
    prompt: str | None
    reference: str | None = None
    also: tuple[str, ...] = ()
    weights: tuple[tuple[str, str | None], ...] = ()
    making: str = field(default_factory=lambda: making_of(_MEASURING).digest)
    naturalness: str = field(default_factory=shipped_digest)


ScoreStore = ContentStore[ScoreKey, Scores]


def score_store(folder: Path) -> ScoreStore:
    """The scores kept in a folder."""
    return ContentStore(folder, Scores, "scores")


def weights_of(also: Sequence[str], weights: Weights, cache: Path) -> tuple[tuple[str, str | None], ...]:
    """Digests of the networks that metrics take, by the networks' names.

    Args:
        cache: where digests of files are remembered.
    """
    networks = dict.fromkeys(network for name in also if (network := NETWORKS.get(name)))
    return tuple((network, _digest_of_network(getattr(weights, network), cache)) for network in networks)


def _digest_of_network(source: str | None, cache: Path) -> str | None:
    if source is None:
        return None
    place = Path(source)
    if place.is_file():
        return digest_of_files(place.parent, [place], cache)
    folder = place if place.is_dir() else _in_hub_cache(source)
    if folder is None:
        return None
    return digest_of_files(folder, [path for path in folder.rglob("*") if path.is_file()], cache)


def _in_hub_cache(name: str) -> Path | None:
    """The folder that holds a model of the hub on this machine; None where none does."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def is_final(scores: Scores) -> bool:
    """Whether another run would measure the same; not where something was missing that may come, such as weights."""
    return not any((measure.reason or "").startswith(NOT_AVAILABLE) for measure in scores.measures.values())


def digest_of(settings: Any) -> str:
    """Digest of a pydantic block of params.yaml."""
    return digest_of_plain(settings.model_dump(mode="json"))[:16]
