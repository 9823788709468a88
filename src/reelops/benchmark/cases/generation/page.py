"""The run as one page for a browser."""

from __future__ import annotations

from reelops.benchmark.cases.generation.pareto import pareto_svg
from reelops.benchmark.cases.generation.table import tables_of
from reelops.benchmark.report import Figures
from reelops.benchmark.web_page import web_page


def to_html(found: Figures) -> str:
    """Tables, and the picture of speed against loss."""
    cohort, model = found["cohort"], found["cohort"]["model"]
    machine = ", ".join([cohort["processor"], f"{cohort['cores']} cores", *cohort["gpus"]])
    clips = f"{model['base']}, {model['frames']} frames of {model['width']}x{model['height']}"
    return web_page(
        "What a clip takes",
        "reelops benchmark generation",
        tables_of(found),
        f"Cohort {cohort['fingerprint']}: {machine}; {clips}.",
        pareto_svg(found) if found["comparisons"] else "",
    )
