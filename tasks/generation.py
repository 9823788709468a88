"""Generating and encoding as tasks.

They are two because they fail differently: a generation is minutes of a GPU and gives the same result again, an encoder
writes to a disk that may be busy or remote. The frames rest between them in a scratch folder as exact bytes, so a
retried encoder costs no generation, and only paths and digests travel.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.concurrency.sync import concurrency
from prefect.settings import PREFECT_API_URL

from reelops.clip import ClipOrder
from reelops.errors import MachineError
from reelops.params import Config
from reelops.production import pipeline as production
from reelops.production.pipeline import Encoded, Footage
from reelops.progress import OnProgress, Progress
from reelops.system.device_lock import hold_device
from reelops.system.digest import sha256_of
from tasks.failure import retry_if_it_may_pass
from tasks.stopping import heed_sigterm

LEASE_SECONDS = 60
_watcher: ContextVar[OnProgress | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(on_progress: OnProgress) -> Iterator[None]:
    """Progress of tasks in this process also goes to `on_progress`; a flow's parameters can hold no function."""
    token = _watcher.set(on_progress)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def gpu_slot(config: Config) -> Iterator[None]:
    """This host's device for this run alone.

    The file lock is the authority: the kernel drops it with the process. Against a server the run also takes a slot of
    the concurrency limit `gpu:<host>`, if an operator made one, so that waiting is seen and a host can be drained. The
    slot comes second and its lease is short, because a killed run's slot outlives it by the lease.
    """
    logger = get_run_logger()
    with hold_device(config.home, logger.info) as device:
        logger.info("on %s of %s", device, socket.gethostname())
        if not PREFECT_API_URL.value():
            yield
            return
        with concurrency(
            f"gpu:{socket.gethostname()}", lease_duration=LEASE_SECONDS, raise_on_lease_renewal_failure=False
        ):
            yield


@task(
    tags=["gpu"],
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=3600,
    cache_policy=NO_CACHE,
)
def generate_footage(order: ClipOrder, folder: Path, config: Config) -> Footage:
    return production.generate(order, folder, config, progress())


@task(
    retries=3,
    retry_delay_seconds=5,
    retry_condition_fn=retry_if_it_may_pass,
    timeout_seconds=900,
    cache_policy=NO_CACHE,
)
def encode_clip(footage: Footage, order: ClipOrder, output: Path, quality: str) -> Encoded:
    if sha256_of(footage.frames) != footage.frames_sha256:
        raise MachineError(f"{footage.frames} is not what was generated; check the disk and run the order again.")
    return production.encode(footage, order, output, quality)


def progress() -> OnProgress:
    """Each stage once in the run's log, each step to whoever watches; where a run that was told to stop stops."""
    logger, watcher = get_run_logger(), _watcher.get()
    stages: set[str] = set()

    def tell(step: Progress) -> None:
        heed_sigterm()
        if step.stage not in stages:
            stages.add(step.stage)
            logger.info("%s: %d steps", step.stage, step.total)
        if watcher:
            watcher(step)

    return tell
