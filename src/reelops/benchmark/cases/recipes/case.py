"""`reelops benchmark recipes`: what each recipe gains and loses, beside fewer steps that take as long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from reelops.benchmark.case import Case, Part
from reelops.benchmark.cases.recipes.measure import Plan, measure_recipes
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least
from reelops.benchmark.web_page import web_page


def recipes_case(plan: Plan | None = None) -> Case:
    """The benchmark of these recipes; of all for the list."""
    plan = plan or Plan()
    return Case(
        name="recipes",
        title="What recipes gain and lose",
        measures="clips of each recipe beside the baseline's, and beside a baseline of fewer steps that takes as long",
        report=Path("reports/benchmark/recipes.json"),
        with_torch=True,
        parts=(
            Part(
                "equivalence",
                "PSNR, SSIM, scores and verdicts on the same pictures, prompts and seeds, with paired intervals",
                120 * plan.clips,
                partial(measure_recipes, plan),
                tables_of,
                targets_of,
                ("pictures",),
                options=plan.options,
                beside={".html": to_html},
            ),
        ),
    )


def tables_of(found: Figures) -> Iterator[Table]:
    """What was gained, what it cost, what each switch did, and what was refused."""
    rows: list[tuple[str, ...]] = [
        ("baseline", str(found["steps"]), f"{found['seconds']:.2f}", "1", "", "", _counts(found["verdicts"]))
    ]
    for name, facts in found["recipes"].items():
        rows.append(_row(name, "", facts))
        rows.append(_row(f"{name}: fewer steps", str(facts["control"]["steps"]), facts["control"]))
    columns = ("Way", "Steps", "Seconds", "Times as fast", "PSNR, dB", "SSIM", "Verdicts")
    title = f"{found['base']}, {found['steps']} steps, guidance {found['guidance']:g}"
    note = (
        f"{found['clips']} clips of each way, as they were generated. Seconds from picture to frames, medians; means "
        "with 95% intervals where there are six clips or more."
    )
    yield Table(title, columns, tuple(rows), note)
    if changed := list(_changes(found)):
        yield Table(
            "Scores that differ from the baseline's",
            ("Way", "Metric", "Baseline", "Way's", "Difference, 95%", "Finding"),
            tuple(changed),
        )
    switches = [
        (name, one["switch"], f"{one['acted']} of {one['clips']} clips", one["found"])
        for name, facts in found["recipes"].items()
        for one in facts["switches"]
    ]
    if switches:
        yield Table("What switches did", ("Recipe", "Switch", "Acted in", "In the last clip"), tuple(switches))
    if found["refused"]:
        yield Table("Refused here", ("Recipe", "Why"), tuple(found["refused"].items()))


def _row(name: str, steps: str, facts: Mapping[str, Any]) -> tuple[str, ...]:
    figures = (_interval(facts[key], digits) for key, digits in (("times_as_fast", 2), ("psnr", 1), ("ssim", 3)))
    return (name, steps, f"{facts['seconds']:.2f}", *figures, _counts(facts["verdicts"]))


def _changes(found: Figures) -> Iterator[tuple[str, ...]]:
    for name, facts in found["recipes"].items():
        for way, its in ((name, facts), (f"{name}: fewer steps", facts["control"])):
            for one in its["differences"]:
                if one["low"] is None or one["low"] > 0 or one["high"] < 0:
                    yield (
                        way,
                        one["metric"],
                        f"{one['old_mean']:.3g}",
                        f"{one['new_mean']:.3g}",
                        _interval({key: one[key] for key in ("mean", "low", "high")}, 3),
                        one["finding"],
                    )


def _interval(found: Mapping[str, float | None], digits: int) -> str:
    mean = f"{found['mean']:.{digits}f}"
    return mean if found["low"] is None else f"{mean} ({found['low']:.{digits}f} to {found['high']:.{digits}f})"


def _counts(verdicts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())


def targets_of(found: Figures) -> Iterator[Target]:
    """Every switch of every recipe that was not refused acts in every clip."""
    shares = [one["acted"] / one["clips"] for facts in found["recipes"].values() for one in facts["switches"]]
    yield at_least("least share of clips in which a switch acts", min(shares, default=None), 1.0)


def to_html(found: Figures) -> str:
    """The tables as one page for a browser."""
    return web_page("What recipes gain and lose", "reelops benchmark recipes", tables_of(found))
