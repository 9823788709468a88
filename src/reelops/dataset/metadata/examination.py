"""Looking at clips, which takes nearly all of the stage's time: in worker processes, and in shards on other machines.

It may be killed at any moment: what was measured is kept by the bytes of the video, and what is known of files is kept
now and then while they are read.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reelops.dataset.fetch.known_files import KnownFiles
from reelops.dataset.metadata.diagnosis import no_plain_file
from reelops.dataset.metadata.examine import Examined, Job, examine, known_already
from reelops.dataset.metadata.fetched_clips import FetchedClip
from reelops.dataset.metadata.params import MetadataParams
from reelops.dataset.metadata.store import WORK, measure_store, settings_digest
from reelops.errors import DatasetError
from reelops.progress import RunContext
from reelops.system.worker_pool import JobResult, run_jobs

STOPPED = "Stopped. What was looked at is kept, and the next run resumes from there."

_KEEP_SECONDS = 30.0
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Shard:
    """One of `of` parts of all clips, counted from 0; which clips are in it follows from their names."""

    number: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Of `2/8`, the second of eight.

        Raises:
            DatasetError: it is of another form.
        """
        number, _, of = text.partition("/")
        if not (_NUMBER.fullmatch(number) and _NUMBER.fullmatch(of) and 1 <= int(number) <= int(of)):
            raise DatasetError(f"{text!r} is no part of the clips; give for example 2/8 for the second of eight.")
        return cls(int(number) - 1, int(of))

    def has(self, clip_id: str) -> bool:
        return int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:8]) % self.of == self.number

    @property
    def name(self) -> str:
        """Of the table in which a shard keeps what it knows of files; all shards write to one folder."""
        return "all" if self == ALL else f"{self.number + 1}-of-{self.of}"


ALL = Shard()


@dataclass(frozen=True)
class Examination:
    """What looking at clips found.

    Attributes:
        found: by clip id, or in words why nothing was found; a clip whose file is not there has none.
        total: clips of the shard that have captions.
        known: how many took no work, as they had been looked at before.
    """

    found: Mapping[str, Examined | str]
    total: int
    known: int


def examine_clips(
    clips: Iterable[FetchedClip], shard: Shard, params: MetadataParams, root: Path, workers: int, context: RunContext
) -> Examination:
    """Looks at the clips of a shard that have captions.

    Args:
        context: told of every clip, as so many of those that are there.

    Raises:
        MachineError: this machine cannot look at a clip now; what was looked at is kept.
        Cancelled: somebody asked to stop; what was looked at is kept.
    """
    files = KnownFiles(root / WORK / "known")
    own = [clip for clip in clips if clip.captions and shard.has(clip.clip_id)]
    here = [clip for clip in own if not no_plain_file(clip.path)]
    jobs = _jobs(here, files, params, root)
    found: dict[str, Examined | str] = {
        clip.clip_id: known for clip, job in jobs if (known := known_already(job, files.digest)) is not None
    }
    known_before = len(found)
    waiting = [(clip, job) for clip, job in jobs if clip.clip_id not in found]

    def poll() -> None:
        context.progress("examine", len(found), len(here), "clips", known=known_before)
        context.raise_if_stopped(STOPPED)

    try:
        poll()
        kept = time.monotonic()
        for clip, result in _results(waiting, workers, poll):
            result.raise_machine_fault(clip.path)
            found[clip.clip_id] = result.result or result.error or ""
            if result.result and result.result.sha256:
                files.add(clip.path, result.result.sha256)
            poll()
            if time.monotonic() - kept > _KEEP_SECONDS:
                files.write(shard.name)
                kept = time.monotonic()
    finally:
        files.write(shard.name)
    return Examination(found, len(own), known_before)


def _jobs(
    clips: Sequence[FetchedClip], files: KnownFiles, params: MetadataParams, root: Path
) -> list[tuple[FetchedClip, Job]]:
    settings, store = settings_digest(params), measure_store(root / WORK / "measured")
    return [
        (clip, Job(clip.path, clip.fetched.segment, files.of(clip.path), params, settings, store, root))
        for clip in clips
    ]


def _results(
    waiting: Sequence[tuple[FetchedClip, Job]], workers: int, on_poll: Callable[[], None]
) -> Iterator[tuple[FetchedClip, JobResult[Examined]]]:
    with closing(run_jobs(examine, [job for _, job in waiting], workers, on_poll)) as answers:
        for answer in answers:
            if isinstance(answer, JobResult):
                yield waiting[answer.index][0], answer
