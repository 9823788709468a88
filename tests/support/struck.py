"""What happens to code that something strikes at any of its lines: Ctrl-C, or a kill."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any


def interrupt() -> None:
    """Ctrl-C."""
    raise KeyboardInterrupt


@contextmanager
def struck_at_line(number: int, strike: Callable[[], None], *modules: ModuleType) -> Iterator[list[str]]:
    """Calls `strike` before the numbered line that runs of these modules; yields the functions that ran until then."""
    ours, ran = {module.__file__ for module in modules}, list[str]()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in ours:
            return None
        if event == "line":
            ran.append(frame.f_code.co_name)
            if len(ran) == number:
                strike()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield ran
    finally:
        sys.settrace(before)
