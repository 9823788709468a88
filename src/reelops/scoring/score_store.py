"""Scores that have been measured once: found again by what they were measured on and how.

A score depends on the clip's bytes, the metrics' version and settings, the picture's bytes, the prompt and what else
was asked for, and on nothing else, so these are the key. Limits are no part of it: verdicts are given anew each time.

One small file a result, each written whole or not at all. So any number of runs may share a store, a killed one leaves
nothing half written, and a file that cannot be read counts as one that is not there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reelops.metrics.scores import Scores
from reelops.system.files import write_text_atomically
from reelops.tables.json_codec import digest_of_plain, from_plain, to_plain

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

    @cached_property
    def digest(self) -> str:
        return digest_of_plain(to_plain(self))


@dataclass(frozen=True)
class ScoreStore:
    """A folder of scores; it need not exist yet."""

    folder: Path

    def read(self, key: ScoreKey) -> Scores | None:
        """The scores kept under a key; None where there are none, or none that can be read."""
        try:
            kept = json.loads(self._place(key).read_text(encoding="utf-8"))
            return from_plain(Scores, kept["scores"]) if kept["key"] == to_plain(key) else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def write(self, key: ScoreKey, scores: Scores) -> None:
        """Keeps scores under a key; not those that lack what may be had another time, such as weights.

        Raises:
            MachineError: the folder cannot be written to, or the disk is full.
        """
        if any((measure.reason or "").startswith(NOT_AVAILABLE) for measure in scores.measures.values()):
            return
        kept = {"key": to_plain(key), "scores": to_plain(scores)}
        write_text_atomically(self._place(key), json.dumps(kept, ensure_ascii=False, allow_nan=False) + "\n")

    def _place(self, key: ScoreKey) -> Path:
        return self.folder / key.digest[:2] / f"{key.digest}.json"


def digest_of(settings: Any) -> str:
    """Digest of a pydantic block of params.yaml."""
    return digest_of_plain(settings.model_dump(mode="json"))[:16]
