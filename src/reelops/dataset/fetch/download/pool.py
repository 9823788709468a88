"""Many jobs on a few threads, without a list of them all, and with an end as soon as one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Result = TypeVar("Result")

_POLL_SECONDS = 0.2


def run_on_threads(
    jobs: Iterable[Callable[[], Result]],
    workers: int,
    stop: Callable[[], None],
    on_poll: Callable[[], None],
) -> Iterator[Result]:
    """Results in the order in which jobs end.

    The first exception of a job ends all of it: `stop` is called, which is to make running jobs end soon, they are
    waited for, and it is raised. Ctrl-C and leaving the loop early do the same. `on_poll` is called several times a
    second, in the caller's thread.
    """
    waiting = iter(jobs)
    running: set[Future[Result]] = set()
    with ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                running |= {pool.submit(job) for job in islice(waiting, 2 * workers - len(running))}
                if not running:
                    return
                done, running = wait(running, _POLL_SECONDS, FIRST_COMPLETED)
                on_poll()
                for one in done:
                    yield one.result()
        except BaseException:
            stop()
            for one in running:
                one.cancel()
            raise
