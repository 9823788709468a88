"""How a take is shown in a terminal: an answer of a few lines, and every number to whoever asks for it.

A path stands whole at the end of its line, however narrow the terminal, so that it can be pressed and copied; nothing
is padded, so that a pipe gets what is there.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.markup import escape

from reelops.views.console import err, out

if TYPE_CHECKING:
    from reelops.production.take import Take

COLOURS = {"accept": "green", "review": "yellow", "reject": "red"}
_FEW_REASONS = 2
VERDICTS = {"accept": "accepted", "review": "to be reviewed", "reject": "rejected"}


def show_take(take: Take, verbose: bool = False) -> None:
    """The verdict with its first reasons, where the clip is and how to look at it, in five lines; `verbose` puts every
    score and all seconds before them, and names every reason."""
    if verbose:
        _print_rows([*score_rows(take), ("Seconds", _seconds(take)), ("Lineage", str(take.lineage))])
        out.print()
    if take.tracking_failure:
        err.print(f"[yellow]Not tracked:[/] {escape(take.tracking_failure)}", soft_wrap=True)
    decision = take.verdict.decision.value
    reasons = [reason.text for reason in take.verdict.reasons]
    told = reasons if verbose or len(reasons) <= _FEW_REASONS + 1 else reasons[:_FEW_REASONS]
    more = f"{len(reasons) - len(told)} more: --verbose, or the .json." if len(told) < len(reasons) else ""
    why = " ".join([*told, more]).rstrip()
    verdict = f"[{COLOURS[decision]}]{VERDICTS[decision].capitalize()}{':' if why else '.'}[/]"
    out.print(f"[bold]{verdict}[/] {escape(why)}".rstrip(), soft_wrap=True)
    if both := on_both(take):
        out.print(escape(both), soft_wrap=True)
    _print_rows(_places(take))


def on_both(take: Take) -> str:
    """What the gate says of the finished clip and of the bare one, where it does not say the same of them; the worse
    verdict is the take's."""
    if not take.verdicts_differ or take.bare is None or take.verdict_on_finished is None:
        return ""
    finished, bare = take.verdict_on_finished.decision.value, take.bare.verdict.decision.value
    both = f"The finished clip: {VERDICTS[finished]}. As it was generated: {VERDICTS[bare]}."
    return f"{both} The worse counts, with its reasons."


def score_rows(take: Take) -> list[tuple[str, str]]:
    """Title and value with its unit of each metric, and the camera move."""
    from reelops.metrics.catalogue import METRICS

    rows = [
        (METRICS[name].title, "not measured" if value is None else f"{value:.3g} {METRICS[name].unit}".rstrip())
        for name, value in take.scores.items()
    ]
    move, asked = take.scores.measured_move, take.scores.asked_move
    return [
        *rows,
        ("Camera move", f"{move.words if move else 'not measured'} (asked: {asked.words if asked else 'none'})"),
    ]


def _places(take: Take) -> list[tuple[str, str]]:
    viewer = "open" if sys.platform == "darwin" else "xdg-open"
    places = [
        ("Clip", str(take.clip.path)),
        ("Contact sheet", str(take.contact_sheet)),
        ("Open it", f"{viewer} {shlex.quote(str(take.clip.path))}"),
    ]
    if take.tracked:
        run, look = take.tracked.run_id, take.tracked.look
        places.append(("Run", look if run in look else f"{run} in {look}"))
    return places


def _print_rows(rows: Iterable[tuple[str, str]]) -> None:
    rows = list(rows)
    width = max(len(title) for title, _ in rows)
    for title, value in rows:
        out.print(f"[bold]{title:<{width}}[/]  {escape(value)}", soft_wrap=True)


def _seconds(take: Take) -> str:
    parts = ", ".join(f"{stage} {value:.1f}" for stage, value in take.seconds.items())
    return f"{sum(take.seconds.values()):.1f} ({parts})"
