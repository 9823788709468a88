"""The steps of the production line as tasks, each with the retries and the time limit that it needs.

Generating and encoding are two because they fail differently: a generation is minutes of a GPU and gives the same
result again, an encoder writes to a disk that may be busy or remote. The frames lie between them in a scratch folder as
exact bytes, so a retried encoder costs no generation, and only paths and digests travel. What is decided by a clip
alone, its scores and verdict, is not retried.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from reelops.params import Config
from reelops.production.producer import Step
from reelops.progress import Event, LogMessage, RunContext
from reelops.system.device_lock import hold_device
from tasks.failure import retry_if_it_may_pass
from tasks.stopping import is_asked_to_stop, raise_if_terminated

LEASE_SECONDS = 60
T = TypeVar("T")
OnEvent = Callable[[Event], None]
_watcher: ContextVar[OnEvent | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(on_event: OnEvent) -> Iterator[None]:
    """Events of runs in this process also go to `on_event`; a flow's parameters can hold no function."""
    token = _watcher.set(on_event)
    try:
        yield
    finally:
        _watcher.reset(token)


def watcher() -> OnEvent | None:
    """Who watches runs in this process."""
    return _watcher.get()


def is_watched() -> bool:
    """Whether somebody at a terminal waits for the run in this process, and has since the process was started."""
    return _watcher.get() is not None


def run_context() -> RunContext:
    """What accompanies a flow run: each stage once in its log, each event to whoever watches; where a run that was
    asked to stop stops."""
    watcher = _watcher.get()
    stages: set[str] = set()

    def on_event(event: Event) -> None:
        raise_if_terminated()
        if isinstance(event, LogMessage):
            getattr(get_run_logger(), event.level)(event.text)
        elif event.stage not in stages:
            stages.add(event.stage)
            unit = event.unit or "steps"
            get_run_logger().info(
                "%s: %d %s", event.stage, event.total, unit.removesuffix("s") if event.total == 1 else unit
            )
        if watcher:
            watcher(event)

    return RunContext(on_event, is_asked_to_stop)


@contextmanager
def gpu_slot(config: Config) -> Iterator[None]:
    """This host's device for this run alone.

    The file lock is the authority: the kernel drops it with the process. Against a server the run also takes a slot of
    the concurrency limit `gpu:<host>`, if an operator made one, so that waiting is seen and a host can be drained. The
    slot comes second and its lease is short, because a killed run's slot outlives it by the lease.
    """
    logger = get_run_logger()
    with hold_device(config.home, run_context()) as device:
        logger.info("on %s of %s", device, socket.gethostname())
        if not PREFECT_API_URL.value():
            yield
            return
        limit = f"gpu:{socket.gethostname()}"
        if not _is_there(limit):
            yield
            return
        with concurrency(limit, lease_duration=LEASE_SECONDS, raise_on_lease_renewal_failure=False):
            yield


def _is_there(limit: str) -> bool:
    """Whether an operator made this concurrency limit; Prefect warns in every run of one that is not there."""
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(limit)
        except ObjectNotFound:
            return False
    return True


_MAY_PASS: Mapping[str, Any] = {"retry_condition_fn": retry_if_it_may_pass}
STEPS: Mapping[Step, Mapping[str, Any]] = {
    "generate": {
        "name": "generate_footage",
        "tags": ["gpu"],
        "retries": 2,
        "retry_delay_seconds": [10, 60],
        "timeout_seconds": 3600,
        **_MAY_PASS,
    },
    "detail": {"name": "carry_detail", "retries": 2, "retry_delay_seconds": 5, "timeout_seconds": 1800, **_MAY_PASS},
    "encode": {"name": "encode_clip", "retries": 3, "retry_delay_seconds": 5, "timeout_seconds": 900, **_MAY_PASS},
    "score": {"name": "score_clip", "timeout_seconds": 900},
    "judge": {"name": "judge_clip", "timeout_seconds": 60},
    "log": {
        "name": "log_clip",
        "retries": 2,
        "retry_delay_seconds": [2, 10],
        "timeout_seconds": 600,
        **_MAY_PASS,
    },
}


class StepsAsTasks:
    """Runs each step of a `Producer` as a task of the flow run around it."""

    def __call__(self, step: Step, work: Callable[[], T], /) -> T:
        @task(cache_policy=NO_CACHE, **STEPS[step])
        def run() -> T:
            return work()

        return run()
