"""Clips to learn from: good ones as they are and harmlessly changed, and the same with a fault each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from reelops.errors import InputError
from reelops.foreign import json_object, reading_foreign
from reelops.gate.faults.catalogue import Spoilt, every_fault
from reelops.gate.naturalness.fit import GOOD, Sample
from reelops.gate.self_test import FPS, MAX_ROWS, NUM_FRAMES, require_sides
from reelops.metrics.naturalness.drawers import Drawers
from reelops.metrics.naturalness.kinds import kind_of
from reelops.metrics.view import Step, View
from reelops.optical_flow.engines import Dis
from reelops.optical_flow.threads import one_opencv_thread
from reelops.progress import QUIET, RunContext
from reelops.system.files import write_text_atomically
from reelops.system.hardware import cores
from reelops.system.worker_pool import JobProgress, ReportProgress, run_jobs
from reelops.tables.json_codec import from_plain
from reelops.video.decode import read_frames
from reelops.video.probe import probe

# Windows of a long clip lie so far apart, and no more than these are taken.
_SECONDS_APART = 10
_MOST_WINDOWS = 4
_FEWEST_FRAMES = 30
_SMALLEST_SIDE = 96  # no smaller clip is judged

STRENGTHS = 3


@dataclass(frozen=True)
class Plan:
    """What is measured of each window of a good clip.

    Attributes:
        faults: how many of all faults at all strengths, drawn at random; None takes all.
        seed: of the draw, and of everything random in faults.
    """

    faults: int | None
    seed: int

    def drawn(self, number: int) -> list[Spoilt]:
        """What the window of that number is spoilt by."""
        every = [one for strength in range(STRENGTHS) for one in every_fault(strength)]
        order = np.random.default_rng([self.seed, number]).permutation(len(every))
        return [every[place] for place in order[: self.faults]]


def harmless(frames_THWC: np.ndarray) -> dict[str, np.ndarray]:
    """The clip as it is, and versions of it that are as good: smaller, cut and mirrored, darker, backwards."""
    _, height, width, _ = frames_THWC.shape
    size = round(0.7 * width), round(0.7 * height)
    darker = np.rint(255 * (np.arange(256) / 255) ** 1.35).astype(np.uint8)
    return {
        "as it is": frames_THWC,
        "smaller": np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in frames_THWC]),
        "cut and mirrored": np.ascontiguousarray(frames_THWC[:, height // 10 :, width // 8 :][:, :, ::-1]),
        "darker": darker[frames_THWC],
        "backwards": frames_THWC[::-1],
    }


def numbers_of(frames_THWC: np.ndarray) -> dict[str, float]:
    """The numbers of a clip, RGB uint8, at about eight frames a second."""
    drawers, engine = Drawers(), Dis()
    before: View | None = None
    with one_opencv_thread():
        for frame in frames_THWC:
            view = View(frame)
            drawers.see(view, Step(before, view, engine) if before else None)
            before = view
        return drawers.numbers()


def measure_samples(
    clips: Sequence[Path], plan: Plan, context: RunContext = QUIET, workers: int | None = None
) -> tuple[list[Sample], dict[Path, str]]:
    """Samples of good clips, and of clips that could not be used why not.

    Raises:
        Cancelled: the context said so.
    """
    jobs = [_Job(clip, number, plan) for number, clip in enumerate(clips)]
    found: dict[int, list[Sample]] = {}
    failed: dict[Path, str] = {}
    with closing(run_jobs(_measure_one, jobs, min(workers or cores(), len(jobs)))) as answers:
        for answer in answers:
            if not isinstance(answer, JobProgress):
                answer.raise_machine_fault(clips[answer.index])
                found[answer.index] = answer.result or []
                if not answer.result:
                    failed[clips[answer.index]] = answer.error or f"it has fewer than {_FEWEST_FRAMES} frames"
            context.progress("naturalness", len(found), len(jobs), "clips")
            context.raise_if_stopped()
    return [sample for number in sorted(found) for sample in found[number]], failed


@dataclass(frozen=True)
class _Job:
    clip: Path
    number: int
    plan: Plan


def _measure_one(job: _Job, report: ReportProgress) -> list[Sample]:
    source = job.clip.stem
    samples = []
    for place, frames in enumerate(_windows(job.clip)):
        samples += [Sample(source, GOOD, how, 0, numbers_of(one)) for how, one in harmless(frames).items()]
        for number, one in enumerate(job.plan.drawn(1000 * job.number + place)):
            rng = np.random.default_rng([job.plan.seed, job.number, place, number])
            spoilt = one.fault.make(frames, one.fault.strengths[one.strength], rng)
            samples.append(Sample(source, one.family, one.fault.name, one.strength, numbers_of(spoilt)))
            report(len(samples))
    return samples


def _windows(clip: Path) -> Iterable[np.ndarray]:
    """49 frames each, at most eight a second and 480 rows high, every ten seconds."""
    info = probe(clip)
    fps = min(FPS, info.fps)
    height = min(MAX_ROWS, info.height)
    size = round(info.width * height / info.height), height
    require_sides(clip, size, _SMALLEST_SIDE)
    for number in range(_MOST_WINDOWS):
        start = Fraction(_SECONDS_APART * number)
        if info.duration - start < Fraction(_FEWEST_FRAMES) / fps:
            return
        timed = read_frames(clip, size=size, fps=fps, start=start, stop=start + NUM_FRAMES / fps)
        frames = np.stack([one.frame_HWC for one in timed][:NUM_FRAMES])
        if len(frames) >= _FEWEST_FRAMES:
            yield frames


def write_samples(samples: Sequence[Sample], path: Path) -> None:
    """A line of JSON per sample.

    Raises:
        MachineError: it cannot be written; what stood there stays.
    """
    write_text_atomically(path, "".join(json.dumps(asdict(one)) + "\n" for one in samples))


def read_samples(path: Path) -> list[Sample]:
    """What `write_samples` wrote.

    Raises:
        InputError: it cannot be read, or is damaged.
    """
    if not path.is_file():
        raise InputError(f"There is no {path}. Name a file of samples, or clips to measure.")
    with reading_foreign(path, InputError, "is damaged"):
        return [_sample(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _sample(line: str) -> Sample:
    sample = from_plain(Sample, json_object(line))
    if not 0 <= sample.strength < STRENGTHS:
        raise ValueError(f"there is no strength {sample.strength}")
    for name in sample.numbers:
        kind_of(name)
    return sample
