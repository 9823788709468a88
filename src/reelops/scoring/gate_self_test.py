"""The gate's self-test on many good clips at once: each is spoilt in every known way, scored and judged."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from reelops.gate.degenerate_clips import CASES
from reelops.gate.limits import DEFAULT, GateLimits
from reelops.gate.self_test import SelfTestRow, self_test
from reelops.metrics.settings import ScoreSettings
from reelops.progress import QUIET, RunContext
from reelops.scoring.batch import ScoringOrder
from reelops.system.hardware import cores
from reelops.system.worker_pool import JobProgress, ReportProgress, run_jobs
from reelops.video.decode import read_frames
from reelops.video.probe import probe

# The product's own format: what the limits are made for.
FPS = Fraction(8)
NUM_FRAMES = 49
MOST_ROWS = 480


@dataclass(frozen=True)
class ClipTest:
    """What the gate said to all versions of a clip, or why it could not be asked."""

    path: Path
    rows: tuple[SelfTestRow, ...] = ()
    error: str | None = None

    @property
    def passed(self) -> bool:
        return self.error is None and all(row.passed for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        versions = [row.to_json() for row in self.rows]
        return {"path": str(self.path), "passed": self.passed, "versions": versions, "error": self.error}


def run_self_tests(
    clips: Sequence[Path], order: ScoringOrder, workers: int | None = None, context: RunContext = QUIET
) -> list[ClipTest]:
    """Tests the gate on clips that are known to be good.

    Of a long or fast clip the first 49 frames at 8 a second are taken, at most 480 pixels high.

    Args:
        order: whose settings and limits count; picture and prompt play no part.
        context: told how many versions are judged, of how many.
    """
    limits = order.gate_settings.limits_of(order.profile or DEFAULT)
    jobs = [_Job(clip, order.score_settings, limits) for clip in clips]
    tests: dict[int, ClipTest] = {}
    judged = [0] * len(jobs)
    with closing(run_jobs(_test_one, jobs, min(workers or cores(), len(jobs)))) as answers:
        for answer in answers:
            if isinstance(answer, JobProgress):
                judged[answer.index] = answer.amount
            else:
                judged[answer.index] = len(CASES)
                tests[answer.index] = ClipTest(clips[answer.index], answer.result or (), answer.error)
            context.progress("self_test", sum(judged), len(jobs) * len(CASES), "versions")
            context.raise_if_stopped()
    return [tests[number] for number in range(len(jobs))]


@dataclass(frozen=True)
class _Job:
    path: Path
    settings: ScoreSettings
    limits: GateLimits


def _test_one(job: _Job, report: ReportProgress) -> tuple[SelfTestRow, ...]:
    return tuple(_rows(job, report))


def _rows(job: _Job, report: ReportProgress) -> Iterator[SelfTestRow]:
    info = probe(job.path)
    fps = min(FPS, info.fps)
    height = min(MOST_ROWS, info.height)
    size = round(info.width * height / info.height), height
    timed = read_frames(job.path, size=size, fps=None if fps == info.fps else fps, stop=NUM_FRAMES / fps)
    frames = np.stack([one.frame_HWC for one in itertools.islice(timed, NUM_FRAMES)])
    for number, row in enumerate(self_test(frames, fps, job.settings, job.limits), start=1):
        report(number)
        yield row
