"""What an order becomes on its way: footage, a clip, scores, and with the verdict a take."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reelops.clip import Clip, ClipFormat, ClipOrder
from reelops.generators.finish import Finish
from reelops.production.output_names import sidecar_of
from reelops.system.files import write_text_atomically
from reelops.tracking.lineage import Lineage
from reelops.tracking.runs import TrackedRun

if TYPE_CHECKING:
    from reelops.gate.verdict import Verdict
    from reelops.metrics.scores import Scores


@dataclass(frozen=True)
class Footage:
    """Generated frames in a scratch folder, and what made them.

    Attributes:
        frames: an .npy file, RGB uint8, T H W C.
        frames_sha256: digest of that file.
        picture: an .npy file, RGB uint8, H W C: the conditioning image as the generator got it.
        lineage: of the code that ran and the weights it loaded.
        seconds, peak_memory_bytes: as in `Generation`.
        facts: as in `GeneratorFacts.to_json`.
        finish: what is to be done to the frames, or was done, where there is a `bare` one; None: nothing.
        bare: the footage as it was generated, where this one is larger or has the picture's own detail.
    """

    frames: Path
    frames_sha256: str
    picture: Path
    format: ClipFormat
    lineage: Lineage
    seconds: Mapping[str, float]
    peak_memory_bytes: Mapping[str, int]
    facts: Mapping[str, Any]
    finish: Finish | None = None
    bare: Footage | None = None

    def read_frames(self) -> np.ndarray:
        """Mapped from disk, not loaded."""
        frames: np.ndarray = np.load(self.frames, mmap_mode="r", allow_pickle=False)
        return frames

    def read_picture(self) -> np.ndarray:
        picture: np.ndarray = np.load(self.picture, allow_pickle=False)
        return picture


@dataclass(frozen=True)
class Encoded:
    """The finished clip, its contact sheet (a picture of frames spread over it), and the seconds they took."""

    clip: Clip
    contact_sheet: Path
    seconds: float


@dataclass(frozen=True)
class Scored:
    """Scores of a clip, and the seconds they took."""

    scores: Scores
    seconds: float


@dataclass(frozen=True)
class Judged:
    """Scores of one state of a clip, and the gate's verdict on them."""

    scores: Scores
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        return {**self.scores.to_json(), "verdict": self.verdict.to_json()}


@dataclass(frozen=True)
class UnjudgedClip:
    """A clip without scores or a verdict: one of many that are scored and compared together later.

    Attributes:
        seconds: wall time of each stage.
        facts: as in `GeneratorFacts.to_json`.
    """

    clip: Clip
    seconds: Mapping[str, float]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Take:
    """What one order became.

    Attributes:
        scores: of the finished clip.
        verdict: the worse of those on the finished clip and on the bare one.
        seconds: wall time of each stage; they add up to what the whole run took. `start` is the start of the process,
            `device` finding out which device there is, with torch, and waiting for it.
        notes: what the user should know: crops, fallbacks.
        tracked: where the run is in MLflow, None if it was not tracked.
        tracking_failure: why it was not, if it should have been.
        started: seconds since the epoch.
        bare: the clip as it was generated, measured and judged for itself, where the finished one is larger or has the
            picture's own detail.
        verdict_on_finished: the gate's answer to the finished clip alone; None where there is no other one.
    """

    order: ClipOrder
    clip: Clip
    contact_sheet: Path
    scores: Scores
    verdict: Verdict
    lineage: Lineage
    facts: Mapping[str, Any]
    seconds: Mapping[str, float]
    peak_memory_bytes: Mapping[str, int]
    notes: tuple[str, ...] = ()
    tracked: TrackedRun | None = None
    tracking_failure: str | None = None
    started: float = field(default_factory=time.time)
    bare: Judged | None = None
    verdict_on_finished: Verdict | None = None

    @property
    def sidecar(self) -> Path:
        return sidecar_of(self.clip.path)

    @property
    def is_rejected(self) -> bool:
        return self.verdict.decision.value == "reject"

    def to_json(self) -> dict[str, Any]:
        """Everything about the take in plain JSON values: what `--json` prints and the sidecar holds."""
        return {
            "path": str(self.clip.path),
            "sha256": self.clip.sha256,
            "contact_sheet": str(self.contact_sheet),
            "sidecar": str(self.sidecar),
            "order": self.order.to_json(),
            **self.scores.to_json(),
            "verdict": self.verdict.to_json(),
            **self._both_verdicts(),
            "lineage": str(self.lineage),
            "seconds": dict(self.seconds),
            "peak_memory_bytes": dict(self.peak_memory_bytes),
            "facts": {name: value for name, value in self.facts.items() if name != "notes"},
            "notes": list(self.notes),
            "tracking": asdict(self.tracked) if self.tracked else None,
            "tracking_failure": self.tracking_failure,
        }

    @property
    def verdicts_differ(self) -> bool:
        """Whether the gate decides otherwise on the finished clip than on the bare one."""
        if self.bare is None or self.verdict_on_finished is None:
            return False
        return self.bare.verdict.decision is not self.verdict_on_finished.decision

    def _both_verdicts(self) -> dict[str, Any]:
        if self.bare is None or self.verdict_on_finished is None:
            return {}
        return {"verdict_on_finished": self.verdict_on_finished.to_json(), "bare": self.bare.to_json()}


def write_sidecar(take: Take, path: Path) -> None:
    """`clip.json` beside `clip.mp4`: the whole take with its verdict, so that a rejected clip is known as one."""
    write_text_atomically(path, json.dumps(take.to_json(), indent=2, ensure_ascii=False) + "\n")
