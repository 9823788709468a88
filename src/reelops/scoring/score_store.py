"""Scores that have been measured once: found again by what they were measured on and how.

A score depends on the clip's bytes, the metrics' version and settings, the picture's bytes, the prompt and what else
was asked for, and on nothing else, so these are the key. Limits are no part of it: every run judges by its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelops.metrics.scores import Scores
from reelops.tables.content_store import ContentStore
from reelops.tables.json_codec import digest_of_plain

FOLDER = "scores"
NOT_AVAILABLE = "not available"


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
    """

    clip: str
    metrics: str
    settings: str
    picture: str | None
    prompt: str | None
    reference: str | None = None
    also: tuple[str, ...] = ()


ScoreStore = ContentStore[ScoreKey, Scores]


def score_store(folder: Path) -> ScoreStore:
    """The scores kept in a folder."""
    return ContentStore(folder, Scores, "scores")


def is_final(scores: Scores) -> bool:
    """Whether another run would measure the same; not where something was missing that may come, such as weights."""
    return not any((measure.reason or "").startswith(NOT_AVAILABLE) for measure in scores.measures.values())


def digest_of(settings: Any) -> str:
    """Digest of a pydantic block of params.yaml."""
    return digest_of_plain(settings.model_dump(mode="json"))[:16]
