"""A clip and what became of it: scores, verdict and the limits behind it, or why it could not be scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelops.errors import DONE, REJECTED, UNUSABLE
from reelops.gate.decision import Decision
from reelops.gate.limits import GateLimits
from reelops.gate.verdict import Verdict
from reelops.metrics.scores import Scores
from reelops.scoring.origin import Origin

UNREADABLE = "unreadable"
ANSWERS = (*(decision.value for decision in Decision), UNREADABLE)
"""What can become of a clip."""


@dataclass(frozen=True)
class ScoredClip:
    """A clip and what became of it.

    Attributes:
        sha256: of its bytes; None where it could not even be read as a file.
        origin: what it was judged with.
        scores, verdict, limits: None where it could not be scored.
        notes: warnings for the user.
        error: why it could not be scored, in a sentence.
        stored: whether the scores are those of an earlier run.
    """

    path: Path
    sha256: str | None = None
    origin: Origin | None = None
    scores: Scores | None = None
    verdict: Verdict | None = None
    limits: GateLimits | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None
    stored: bool = False

    @property
    def answer(self) -> str:
        """One of `ANSWERS`."""
        return self.verdict.decision.value if self.verdict else UNREADABLE

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: the same for a clip however, and with however many others, it was scored."""
        facts: dict[str, Any] = {"path": str(self.path), "sha256": self.sha256, "scores": None, "verdict": None}
        if self.scores and self.verdict:
            facts |= {**self.scores.to_json(), "verdict": self.verdict.to_json()}
        return facts | {"origin": self._origin_json(), "notes": list(self.notes), "error": self.error}

    def _origin_json(self) -> dict[str, Any] | None:
        if self.origin is None:
            return None
        picture = str(self.origin.picture) if self.origin.picture else None
        return {"picture": picture, "prompt": self.origin.prompt, "sources": dict(self.origin.sources)}


def counts(clips: Sequence[ScoredClip]) -> dict[str, int]:
    """How many clips got each of `ANSWERS`."""
    answers = [clip.answer for clip in clips]
    return {answer: answers.count(answer) for answer in ANSWERS}


def exit_code(clips: Sequence[ScoredClip]) -> int:
    """0 all accepted or to be reviewed, 2 some could not be scored, else 3 some were rejected."""
    found = counts(clips)
    if found[UNREADABLE]:
        return UNUSABLE
    return REJECTED if found[Decision.REJECT] else DONE
