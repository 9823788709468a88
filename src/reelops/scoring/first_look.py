"""What has to be known of a clip before it is scored: whether it is a video, which one, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from reelops.errors import InputError, ReelOpsError
from reelops.foreign import refuse_machine_fault
from reelops.scoring.origin import Origin, find_origin
from reelops.system.digest import sha256_of
from reelops.system.hardware import cores
from reelops.system.worker_pool import JobProgress, ReportProgress, run_jobs
from reelops.video.probe import probe


@dataclass(frozen=True)
class Question:
    """A clip, and what is given to judge it with; see `find_origin`."""

    clip: Path
    picture: Path | None = None
    prompt: str | None = None
    profile: str | None = None
    ask_clip: bool = True


@dataclass(frozen=True)
class FirstLook:
    """What was found.

    Attributes:
        sha256: of the clip's bytes.
    """

    num_frames: int
    sha256: str
    origin: Origin


def look_at_all(
    questions: Sequence[Question], workers: int | None, on_poll: Callable[[], None]
) -> Generator[tuple[int, FirstLook | str], None, None]:
    """Index and answer of each, in no order; in words where a clip cannot be used.

    Strangers' clips are opened in worker processes: one that ends its process costs itself alone. A single clip is
    looked at in this process, where it is scored as well.

    Raises:
        MachineError: this machine cannot read a clip now.
    """
    if len(questions) == 1 and workers is None:
        yield 0, _look_here(questions[0])
        return
    with closing(run_jobs(look, questions, min(workers or cores(), len(questions)), on_poll)) as answers:
        for answer in answers:
            if not isinstance(answer, JobProgress):
                answer.raise_machine_fault(questions[answer.index].clip, but_for_killers=True)
                yield answer.index, answer.result or answer.error or ""


def look(question: Question, _report: ReportProgress) -> FirstLook:
    """Opens a clip and asks it.

    Raises:
        InputError: it is no video that can be scored.
        MachineError: this machine cannot read it now.
    """
    clip = question.clip
    try:
        info = probe(clip)
        sha256 = sha256_of(clip)
    except OSError as error:
        refuse_machine_fault(clip, error)
        raise InputError(str(error)) from error
    given = question.picture, question.prompt, question.profile
    origin = find_origin(clip, sha256, *given, question.ask_clip)
    return FirstLook(info.num_frames, sha256, replace(origin, notes=(*origin.notes, *info.notes)))


def _look_here(question: Question) -> FirstLook | str:
    try:
        return look(question, lambda _: None)
    except ReelOpsError as error:
        refuse_machine_fault(question.clip, error)
        return str(error)
