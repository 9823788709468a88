"""Scoring many clips: all cores, nothing scored twice, and no clip that stops the others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelops.dataset.sources.folder_files import FolderFiles, find_files
from reelops.errors import InputError, ReelOpsError, SettingsError
from reelops.foreign import refuse_machine_fault
from reelops.gate.limits import GateSettings, load_gate_settings, require_profile
from reelops.gate.verdict import judge
from reelops.metrics.asked import ASKED_METRICS
from reelops.metrics.catalogue import METRICS_VERSION
from reelops.metrics.scores import Scores
from reelops.metrics.settings import ScoreSettings, load_score_settings
from reelops.metrics.suite import score_clip
from reelops.params import Config
from reelops.progress import QUIET, RunContext
from reelops.scoring.first_look import FirstLook, Question, look_at_all
from reelops.scoring.origin import Origin
from reelops.scoring.score_store import FOLDER, ScoreKey, ScoreStore, digest_of, is_final, score_store, weights_of
from reelops.scoring.scored_clip import ScoredClip
from reelops.system.digest import sha256_of
from reelops.system.hardware import cores
from reelops.system.worker_pool import JobProgress, ReportProgress, run_jobs

# What counts as a video when a folder is searched; `.ts` is left out, as most such files hold TypeScript.
SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv", ".flv", ".ogv"}
)


@dataclass(frozen=True)
class ScoringOrder:
    """How clips are to be scored.

    Attributes:
        score_settings, gate_settings: the blocks of params.yaml.
        store: where scores are kept.
        digests: where digests of weights are remembered.
        picture, prompt, profile: for all clips; None takes what each says of itself.
        ask_clips: False uses nothing that clips say of themselves.
        reference: a video or picture that all clips are compared with, or a folder that has one of each clip's name.
        also: more metrics by name.
        fresh: scores that are in the store are measured again, and replaced.
    """

    score_settings: ScoreSettings
    gate_settings: GateSettings
    store: ScoreStore
    digests: Path
    picture: Path | None = None
    prompt: str | None = None
    profile: str | None = None
    ask_clips: bool = True
    reference: Path | None = None
    also: tuple[str, ...] = ()
    fresh: bool = False

    @classmethod
    def of(cls, config: Config, **given: Any) -> ScoringOrder:
        """With params.yaml and the store of these settings.

        Args:
            given: any of the attributes.

        Raises:
            SettingsError: params.yaml cannot be used, there is no such profile, or no metric of a name in `also`.
        """
        for name in given.get("also", ()):
            if name not in ASKED_METRICS:
                raise SettingsError(f"there is no metric {name!r} to ask for; choose of: {', '.join(ASKED_METRICS)}.")
        if given.get("profile") is not None:
            require_profile(given["profile"], config, f"profile {given['profile']!r}")
        return cls(
            score_settings=load_score_settings(config),
            gate_settings=load_gate_settings(config),
            store=score_store(config.home / FOLDER),
            digests=config.cache,
            **given,
        )

    def key_of(self, clip_sha256: str, origin: Origin, reference: Path | None) -> ScoreKey:
        return ScoreKey(
            clip=clip_sha256,
            metrics=METRICS_VERSION,
            settings=digest_of(self.score_settings),
            picture=origin.picture_sha256,
            prompt=origin.prompt,
            reference=sha256_of(reference) if reference else None,
            also=self.also,
            weights=self.weights,
        )

    @property
    def weights(self) -> tuple[tuple[str, str | None], ...]:
        """Digests of the networks that `also` takes, as they are on this machine now."""
        return weights_of(self.also, self.score_settings.weights, self.digests)

    def reference_of(self, clip: Path) -> Path | None:
        """What a clip is compared with.

        Raises:
            InputError: it is not there.
        """
        if self.reference is None:
            return None
        if not self.reference.is_dir():
            found = self.reference
        else:
            pictures = FolderFiles(self.reference, (path for path in self.reference.iterdir() if path.is_file()))
            found = pictures.find(clip.name) or self.reference / clip.name
        if not found.is_file():
            raise InputError(f"{found}, the reference of {clip.name}, does not exist.")
        return found


def find_clips(places: Iterable[Path], on_note: Callable[[str], None] = lambda _: None) -> list[Path]:
    """Files as they are given, and all videos in folders, however deep, by name; none twice, nothing hidden.

    Linked folders are entered once. One that is not, or cannot be read, is noted.

    Raises:
        InputError: nothing is named, or a folder has no video in it.
    """
    found: dict[Path, Path] = {}
    for place in places:
        for clip in _videos_in(place, on_note) if place.is_dir() else [place]:
            found.setdefault(clip.absolute(), clip)
    if not found:
        raise InputError("no clip is named; name clips, or folders that hold some.")
    return list(found.values())


def in_batches(clips: Sequence[Path], size: int) -> list[Sequence[Path]]:
    """All clips in their order, so many a batch; the last one may have fewer.

    Raises:
        InputError: a batch is to have less than one.
    """
    if size < 1:
        raise InputError(f"a batch of {size} clips cannot be made; give 1 or more.")
    return [clips[start : start + size] for start in range(0, len(clips), size)]


def _videos_in(folder: Path, on_note: Callable[[str], None]) -> list[Path]:
    videos = sorted(path for path in find_files(folder, on_note) if path.suffix.lower() in SUFFIXES and path.is_file())
    if not videos:
        raise InputError(f"{folder} holds no video; files are known by their endings: {', '.join(sorted(SUFFIXES))}.")
    return videos


def score_clips(
    clips: Sequence[Path], order: ScoringOrder, workers: int | None = None, context: RunContext = QUIET
) -> list[ScoredClip]:
    """Scores and judges clips; what is in the store is not measured again.

    Scores are the same bit for bit however many processes measure them. Each is kept as soon as it is there, so a run
    that is stopped, or killed, loses only what it was just measuring.

    Args:
        workers: processes of one thread each; None takes one per core. A single clip is measured in this process.
        context: told at every step the frames that are scored, of those that have to be; its figures are `clips` that
            have an answer, and `of_clips`.

    Returns:
        One result a clip, in their order; a clip that cannot be scored says why.

    Raises:
        MachineError: this machine cannot read a clip, or keep its scores, now; the scores so far are kept.
        Cancelled: somebody asked to stop; the scores so far are kept.
    """
    tally = _Tally(len(clips), context)
    prepared = _prepare(clips, order, workers, tally)
    results = [one if isinstance(one, ScoredClip) else None for one in prepared]
    jobs = [(number, one) for number, one in enumerate(prepared) if isinstance(one, _Job)]
    tally.begin([job for _, job in jobs])
    with closing(_measure([job for _, job in jobs], workers, tally)) as measured:
        for index, scores, error in measured:
            number, job = jobs[index]
            results[number] = job.clip_with(scores, error, order)
    return [result for result in results if result is not None]


@dataclass(frozen=True)
class _Job:
    """A clip that has to be measured; travels to another process."""

    path: Path
    key: ScoreKey
    origin: Origin
    reference: Path | None
    num_frames: int
    settings: ScoreSettings
    store: ScoreStore
    digests: Path

    def clip_with(self, scores: Scores | None, error: str | None, order: ScoringOrder) -> ScoredClip:
        if scores is None:
            reason = _named(self.path, error or "")
            return ScoredClip(self.path, self.key.clip, self.origin, notes=self.origin.notes, error=reason)
        return _judged(self.path, self.key.clip, self.origin, scores, order, stored=False)


def _named(clip: Path, error: str) -> str:
    return error if clip.name in error else f"{clip.name}: {error}"


def _prepare(clips: Sequence[Path], order: ScoringOrder, workers: int | None, tally: _Tally) -> list[ScoredClip | _Job]:
    """What can be said at once of each: that it is in the store, or broken; or what there is to measure."""
    questions = [Question(clip, order.picture, order.prompt, order.profile, order.ask_clips) for clip in clips]
    prepared: dict[int, ScoredClip | _Job] = {}
    with closing(look_at_all(questions, workers, tally.report)) as looks:
        for index, found in looks:
            clip = clips[index]
            if isinstance(found, str):
                prepared[index] = ScoredClip(clip, error=_named(clip, found))
            else:
                prepared[index] = _known_or_job(clip, found, order)
            if isinstance(prepared[index], ScoredClip):
                tally.clip_done()
    return [prepared[index] for index in range(len(clips))]


def _known_or_job(clip: Path, found: FirstLook, order: ScoringOrder) -> ScoredClip | _Job:
    sha256, origin = found.sha256, found.origin
    try:
        reference = order.reference_of(clip)
        key = order.key_of(sha256, origin, reference)
    except (ReelOpsError, OSError) as error:
        refuse_machine_fault(clip, error)
        return ScoredClip(clip, sha256, origin, error=str(error))
    scores = None if order.fresh else order.store.read(key)
    if scores is None:
        return _Job(clip, key, origin, reference, found.num_frames, order.score_settings, order.store, order.digests)
    return _judged(clip, sha256, origin, scores, order, stored=True)


def _judged(clip: Path, sha256: str, origin: Origin, scores: Scores, order: ScoringOrder, stored: bool) -> ScoredClip:
    limits = order.gate_settings.limits_of(origin.profile, origin.is_finished)
    notes = origin.notes
    if limits.name != origin.profile:
        notes += (f"params.yaml has no limits for profile {origin.profile}; the default ones were used.",)
    if scores.own_frames:
        notes += (f"{scores.own_frames}.",)
    if scores.bars:
        notes += (f"{str(scores.bars).capitalize()}.",)
    verdict = judge(scores, limits, origin.missing_picture)
    return ScoredClip(clip, sha256, origin, scores, verdict, limits, notes, stored=stored)


def _measure(
    jobs: Sequence[_Job], workers: int | None, tally: _Tally
) -> Generator[tuple[int, Scores | None, str | None], None, None]:
    """Index, scores and error of each job as it is done."""
    if len(jobs) == 1 and workers is None:
        yield 0, *_measure_here(jobs[0], tally)
        return
    with closing(run_jobs(_measure_one, jobs, min(workers or cores(), len(jobs)), tally.report)) as answers:
        for answer in answers:
            if isinstance(answer, JobProgress):
                tally.frames_of(answer.index, answer.amount)
            else:
                answer.raise_machine_fault(jobs[answer.index].path, but_for_killers=True)
                tally.job_done(answer.index)
                yield answer.index, answer.result, answer.error


def _measure_here(job: _Job, tally: _Tally) -> tuple[Scores | None, str | None]:
    scores, error = None, None
    try:
        scores = _measure_one(job, lambda frames: tally.frames_of(0, frames))
    except ReelOpsError as problem:
        refuse_machine_fault(job.path, problem)
        error = str(problem)
    tally.job_done(0)
    return scores, error


def _measure_one(job: _Job, report: ReportProgress) -> Scores:
    origin, also = job.origin, job.key.also
    scores = score_clip(job.path, origin.picture, origin.prompt, job.settings, report, job.reference, also)
    # Weights that came or changed meanwhile are not those of the key.
    if is_final(scores) and weights_of(also, job.settings.weights, job.digests) == job.key.weights:
        job.store.write(job.key, scores)
    return scores


class _Tally:
    """Counts for whoever watches."""

    def __init__(self, of_clips: int, context: RunContext) -> None:
        self._clips, self._of_clips = 0, of_clips
        self._context = context
        self._frames: list[int] = []
        self._totals: list[int] = []

    def begin(self, jobs: Sequence[_Job]) -> None:
        self._totals = [job.num_frames for job in jobs]
        self._frames = [0] * len(jobs)
        self.report()

    def frames_of(self, job: int, frames: int) -> None:
        self._frames[job] = frames
        self.report()

    def job_done(self, job: int) -> None:
        self.frames_of(job, self._totals[job])
        self.clip_done()

    def clip_done(self) -> None:
        self._clips += 1
        self.report()

    def report(self) -> None:
        frames, of_frames = sum(self._frames), sum(self._totals)
        self._context.progress("score", frames, of_frames, "frames", clips=self._clips, of_clips=self._of_clips)
        self._context.raise_if_stopped(
            f"Stopped as asked; {self._clips} of {self._of_clips} clips have scores, which are kept."
        )
