"""A job as the ledger has it: what is wanted, for whom, how far it is, what became of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reelops.errors import InputError, MachineError
from reelops.production.jobs.process import is_gone


class State(StrEnum):
    """Where a job is; the last four are ends."""

    WAITING = "waiting"
    PAUSED = "paused"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


IN_LINE = (State.WAITING, State.PAUSED)
"""Not begun: these have a place in the queue."""
ENDS = frozenset({State.DONE, State.FAILED, State.REJECTED, State.CANCELLED})
GENERATE = "generate"
"""The kind of a request that names none: it asks for a clip."""
UNKNOWN = "unknown"
"""What is shown of a job that runs by the ledger, while the process that has it is not heard of any more."""


@dataclass(frozen=True)
class Job:
    """A job as the ledger has it; times in seconds since the epoch.

    Attributes:
        uid: its name for people and programs; nobody can guess it.
        batch: which jobs belong together.
        key: digest of the request, by which a batch knows a job again.
        position: its place among them, from 1.
        request: what is wanted, as plain JSON values.
        attempt: how often it was begun since its last clip, this time included.
        tries: clips of it that the gate rejected.
        owner: the process that has it; see `this_process`.
        lease_until: until when that process has it without being heard of again.
        result: what became of it, as plain JSON values; None before its first clip.
        reason: why it failed, was rejected, cancelled, or waits again.
        account: who asked for it; None: the command line of this machine.
        priority: a higher one goes first.
        deadline: it is not begun later.
        cancel_asked: when somebody asked for its end while it ran.
        progress: how far it is: stage, done, total and unit.
        created_at, begun_at, ended_at: when it was entered, begun last, and ended.
    """

    id: int
    uid: str
    batch: str
    key: str
    position: int
    request: Mapping[str, Any]
    state: State
    attempt: int
    tries: int
    owner: str | None
    lease_until: float | None
    result: Mapping[str, Any] | None
    reason: str | None
    account: str | None
    priority: int
    deadline: float | None
    cancel_asked: float | None
    progress: Mapping[str, Any] | None
    created_at: float | None
    begun_at: float | None
    ended_at: float | None

    @property
    def kind(self) -> str:
        """What it asks for: `generate` a clip, or what else its request names."""
        return str(self.request.get("kind", GENERATE))

    @property
    def has_ended(self) -> bool:
        return self.state in ENDS

    @property
    def shown_state(self) -> str:
        """Its state, or `unknown` while the process that has it is not heard of."""
        return UNKNOWN if self.state is State.RUNNING and is_free(self) else self.state.value


@dataclass(frozen=True)
class JobEvent:
    """A line of a job's history; `at` in seconds since the epoch, `id` grows from line to line."""

    id: int
    at: float
    state: State
    owner: str | None
    reason: str | None


class LostJobError(MachineError):
    """A job is another process's by now: this one's lease ended while it worked."""


class NoSuchJobError(InputError):
    """There is no job of that name, or it is somebody else's."""


class JobStateError(InputError):
    """A job is in a state in which this cannot be done to it."""


def job_of(row: Mapping[str, Any]) -> Job:
    """A job from its row in the table."""
    fields = {name: row[name] for name in Job.__dataclass_fields__}
    return Job(**{**fields, "state": State(fields["state"])})


def event_of(row: Any) -> JobEvent:
    """A line of history from its row in the table."""
    return JobEvent(row.id, row.at, State(row.state), row.owner, row.reason)


def is_free(running: Any) -> bool:
    """Whether a job that runs is anybody's, by its `owner` and `lease_until`."""
    return bool(is_gone(running.owner) or running.lease_until <= time.time())
