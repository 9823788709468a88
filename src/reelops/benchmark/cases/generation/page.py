"""The run as one page for a browser, which needs nothing else."""

from __future__ import annotations

from reelops.benchmark.cases.generation.pareto import pareto_svg
from reelops.benchmark.cases.generation.table import tables_of
from reelops.benchmark.report import Figures
from reelops.pages.build import security, style, template


def to_html(found: Figures) -> str:
    """Tables and the picture of speed against loss; names of ways are text and nothing else."""
    css = style(__package__, "page.css")
    page: str = template(__package__, "page.html.j2").render(
        css=css,
        security=security(css),
        cohort=found["cohort"],
        picture=pareto_svg(found) if found["comparisons"] else "",
        tables=list(tables_of(found)),
    )
    return page
