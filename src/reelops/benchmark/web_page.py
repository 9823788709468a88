"""Figures as one page for a browser, which needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from reelops.benchmark.table import Table
from reelops.pages.build import security, style, template


def web_page(title: str, command: str, tables: Iterable[Table], about: str = "", picture: str = "") -> str:
    """Tables under each other; whatever stands in them, and in what is said before them, is text and nothing else.

    Args:
        command: that made it.
        about: sentences that follow.
        picture: of ours, as SVG; it stands before the tables.
    """
    css = style(__package__, "web_page.css")
    page: str = template(__package__, "web_page.html.j2").render(
        css=css,
        security=security(css),
        title=title,
        command=command,
        about=about,
        picture=picture,
        tables=list(tables),
    )
    return page
