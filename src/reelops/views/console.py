"""Where words for people go: results to standard output, all else to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook
from rich.control import Control
from rich.markup import escape
from rich.segment import Segment

from reelops.system.plain_text import printable


def terminal(**options: Any) -> Console:
    """A console that obeys nothing in the words it is given, and colours none of them by guesses at what they are;
    options as rich's own has them."""
    console = Console(**{"highlight": False, **options})
    console.push_render_hook(_PlainWords())
    return console


class _PlainWords(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [one if isinstance(one, Control) else _Plainly(one) for one in renderables]


class _Plainly:
    """A renderable whose words are printable; its colours are rich's, and are added afterwards."""

    def __init__(self, shown: ConsoleRenderable) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        for text, style, control in console.render(self._shown, options):
            yield Segment(text if control else printable(text), style, control)


# A pipe has no width, and a folded path cannot be copied.
out = terminal(width=None if sys.stdout.isatty() else 240)
err = terminal(stderr=True)


def note(text: str) -> None:
    """What somebody should know, on standard error."""
    err.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True)
