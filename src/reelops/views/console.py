"""Where words for people go: results to standard output, all else to standard error."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape

# A pipe has no width, and a folded path cannot be copied.
out = Console(width=None if sys.stdout.isatty() else 240)
err = Console(stderr=True)


def note(text: str) -> None:
    """What somebody should know, on standard error."""
    err.print(f"[yellow]Note:[/] {escape(text)}", soft_wrap=True, highlight=False)
