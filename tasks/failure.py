"""Which failures pass by themselves. Only those are worth a retry."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

from reelops.errors import Cancelled, InputError, MachineError

PASSING_ERRNOS = {errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ESTALE, errno.ENETDOWN, errno.ENETUNREACH}
# requests, httpx and urllib3 each have a tree of their own, none of which is imported here.
NETWORK_ERRORS = {"ConnectionError", "Timeout", "TransportError"}
LASTING = (InputError, MachineError, Cancelled)


def passes_by_itself(error: BaseException) -> bool:
    """Whether the same call may work in a while: a network or a busy disk somewhere among the causes.

    A user's error, a full memory and whatever is decided by the inputs alone fail again in the same way.
    """
    chain = list(_causes(error))
    return not any(isinstance(link, LASTING) for link in chain) and any(_is_passing(link) for link in chain)


def retry_if_it_may_pass(_task: Any, _run: Any, state: Any) -> bool:
    """Prefect's `retry_condition_fn`."""
    try:
        state.result()
    except Exception as error:
        return passes_by_itself(error)
    return False


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError) and error.errno in PASSING_ERRNOS:
        return True
    return any(cls.__name__ in NETWORK_ERRORS for cls in type(error).mro())


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
