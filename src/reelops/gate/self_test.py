"""The gate tests itself: it is shown a good clip and degenerate versions of it, and must tell them apart."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from reelops.errors import VideoError
from reelops.gate.decision import Decision
from reelops.gate.degenerate_clips import CASES
from reelops.gate.faults.catalogue import Spoilt
from reelops.gate.limits import GateLimits
from reelops.gate.verdict import Verdict, judge
from reelops.metrics.scores import Scores
from reelops.metrics.settings import ScoreSettings
from reelops.metrics.suite import score_frames
from reelops.progress import QUIET, RunContext
from reelops.system.hardware import cores
from reelops.system.worker_pool import JobProgress, ReportProgress, run_jobs
from reelops.video.decode import read_frames
from reelops.video.probe import probe

# The product's own format: what the limits are made for.
FPS = Fraction(8)
NUM_FRAMES = 49
MAX_ROWS = 480

SMALLEST_SIDE, _FEWEST_FRAMES = 24, 2
"""Of a clip that every version can be made of."""
LEAST_HELD_BACK = 0.85
"""The share of faults out of families that must not be accepted."""


@dataclass(frozen=True)
class SelfTestRow:
    """What the gate said to one version of a clip.

    Attributes:
        name: the version: `as it is`, `frozen`, ...
        expected: `good`: it must not be rejected; `bad`: it must not be accepted.
        verdict: the gate's answer, with its reasons.
        scores: what it rests on.
        family, fault, strength: of a fault out of a family; None for the versions that every gate must know.
    """

    name: str
    expected: Literal["good", "bad"]
    verdict: Verdict
    scores: Scores
    family: str | None = None
    fault: str | None = None
    strength: int | None = None

    @property
    def passed(self) -> bool:
        wrong = Decision.REJECT if self.expected == "good" else Decision.ACCEPT
        return self.verdict.decision is not wrong

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "expected": self.expected,
            "family": self.family,
            "strength": self.strength,
            "passed": self.passed,
            "verdict": self.verdict.to_json(),
            "scores": dict(self.scores),
        }


def self_test(
    frames_THWC: np.ndarray,
    fps: Fraction,
    settings: ScoreSettings,
    limits: GateLimits,
    seed: int = 0,
    faults: Sequence[Spoilt] = (),
) -> Iterator[SelfTestRow]:
    """A row for each of `CASES`, and for each of further faults, one at a time.

    Args:
        frames_THWC: a good clip, RGB uint8; the longer the clearer: best the product's 49 frames.
        fps: its rate.
        settings, limits: the gate's.
        seed: of everything random; each case has its own, so that one can be repeated alone.
        faults: what else the clip is spoilt by.
    """
    for number, case in enumerate(CASES, start=1):
        frames = case.make(frames_THWC, np.random.default_rng([seed, number]))
        scores = score_frames(frames, fps, None, None, settings)
        yield SelfTestRow(case.name, "good" if case.good else "bad", judge(scores, limits), scores)
    for number, one in enumerate(faults, start=len(CASES) + 1):
        fault = one.fault
        frames = fault.make(frames_THWC, fault.strengths[one.strength], np.random.default_rng([seed, number]))
        scores = score_frames(frames, fps, None, None, settings)
        yield SelfTestRow(one.name, "bad", judge(scores, limits), scores, one.family, fault.name, one.strength)


@dataclass(frozen=True)
class ClipTest:
    """What the gate said to all versions of a clip, or why it could not be asked."""

    path: Path
    rows: tuple[SelfTestRow, ...] = ()
    error: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every version that the gate must know was told, and of further faults enough were held back."""
        known = [row.passed for row in self.rows if row.family is None]
        further = [row.passed for row in self.rows if row.family is not None]
        enough = not further or sum(further) >= LEAST_HELD_BACK * len(further)
        return self.error is None and all(known) and enough

    def to_json(self) -> dict[str, Any]:
        versions = [row.to_json() for row in self.rows]
        return {"path": str(self.path), "passed": self.passed, "versions": versions, "error": self.error}


def self_test_clips(
    clips: Sequence[Path],
    settings: ScoreSettings,
    limits: GateLimits,
    context: RunContext = QUIET,
    workers: int | None = None,
    faults: Callable[[int], Sequence[Spoilt]] = lambda _: (),
) -> list[ClipTest]:
    """Tests the gate on clips that are known to be good, in processes of their own.

    Of a long or fast clip the first 49 frames at 8 per second are taken, at most 480 pixels high. One that cannot be
    read says so in its `error`.

    Args:
        context: told how many versions are judged, of how many.
        workers: clips at once; None for one per core.
        faults: what the clip of a number, from 0, is spoilt by beside the versions that the gate must know.

    Raises:
        Cancelled: the context said so.
    """
    jobs = [_Job(clip, settings, limits, tuple(faults(number))) for number, clip in enumerate(clips)]
    tests: dict[int, ClipTest] = {}
    judged = [0] * len(jobs)
    with closing(run_jobs(_test_one, jobs, min(workers or cores(), len(jobs)))) as answers:
        for answer in answers:
            if isinstance(answer, JobProgress):
                judged[answer.index] = answer.amount
            else:
                answer.raise_machine_fault(clips[answer.index])
                judged[answer.index] = jobs[answer.index].num_versions
                tests[answer.index] = ClipTest(clips[answer.index], answer.result or (), answer.error)
            done, total = sum(judged), sum(job.num_versions for job in jobs)
            context.progress(
                "self_test", done, total, "versions", f"the gate on {done} of {total} clips, good and degraded"
            )
            context.raise_if_stopped()
    return [tests[number] for number in range(len(jobs))]


@dataclass(frozen=True)
class _Job:
    path: Path
    settings: ScoreSettings
    limits: GateLimits
    faults: tuple[Spoilt, ...]

    @property
    def num_versions(self) -> int:
        return len(CASES) + len(self.faults)


def _test_one(job: _Job, report: ReportProgress) -> tuple[SelfTestRow, ...]:
    rows = []
    for row in self_test(*_in_product_format(job.path), job.settings, job.limits, faults=job.faults):
        rows.append(row)
        report(len(rows))
    return tuple(rows)


def _in_product_format(clip: Path) -> tuple[np.ndarray, Fraction]:
    """The clip's first frames (T, H, W, 3) RGB uint8, at no more than the product's rate and height, and their rate.

    Raises:
        VideoError: it cannot be read, or is too small or short to be spoilt.
    """
    info = probe(clip)
    fps = min(FPS, info.fps)
    height = min(MAX_ROWS, info.height)
    size = round(info.width * height / info.height), height
    require_sides(clip, size, SMALLEST_SIDE)
    timed = read_frames(clip, size=size, fps=None if fps == info.fps else fps, stop=NUM_FRAMES / fps)
    frames = [one.frame_HWC for one in itertools.islice(timed, NUM_FRAMES)]
    if len(frames) < _FEWEST_FRAMES:
        raise VideoError(f"{clip} has {len(frames)} frame to look at; {_FEWEST_FRAMES} are the least to be spoilt.")
    return np.stack(frames), fps


def require_sides(clip: Path, size: tuple[int, int], least: int) -> None:
    """Fails where a clip, at the size it is looked at, is too small for faults to be told apart.

    Raises:
        VideoError: says so.
    """
    if min(size) < least:
        raise VideoError(f"{clip} is {size[0]}x{size[1]} at most {MAX_ROWS} rows; {least} pixels a side are the least.")


def calibration(tests: Mapping[str, Sequence[SelfTestRow]], limits: GateLimits) -> dict[str, Any]:
    """What the limits rest on: how the gate judged every version of many clips, and what each limited metric measured.

    Args:
        tests: by clip, its rows.
        limits: the gate's.

    Returns:
        Plain JSON values. `versions`: what is expected of each, and how many got each decision. `wrong`: rows that did
        not pass, with their reasons. `limits`: by metric, its limits, and by version the smallest, middle and largest
        value.
    """
    rows = [row for each in tests.values() for row in each]
    versions = {name: [row for row in rows if row.name == name] for name in dict.fromkeys(row.name for row in rows)}
    return {
        "clips": list(tests),
        "profile": limits.name,
        "versions": {name: {"expected": some[0].expected, **_decisions(some)} for name, some in versions.items()},
        "wrong": [{"clip": clip, **row.to_json()} for clip, each in tests.items() for row in each if not row.passed],
        "limits": {
            metric: {
                "limit": limit.model_dump(exclude_defaults=True),
                "values": {name: _spread(row.scores.get(metric) for row in some) for name, some in versions.items()},
            }
            for metric, limit in limits.metrics.items()
        },
    }


def _decisions(rows: Iterable[SelfTestRow]) -> dict[str, int]:
    counts = Counter(row.verdict.decision.value for row in rows)
    return {decision.value: counts[decision.value] for decision in Decision}


def _spread(values: Iterable[float | None]) -> list[float]:
    """Smallest, middle, largest; nothing where nothing was measured."""
    known = sorted(value for value in values if value is not None)
    return [known[0], float(np.median(known)), known[-1]] if known else []
