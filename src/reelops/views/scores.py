"""How scores are shown in a terminal: a bar while they are measured, then a clip in full, or one line per clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from reelops.metrics.place import Place
from reelops.progress import Progress, RunContext
from reelops.scoring.comparison.set_scores import FEATURES, SetScore, diversity_of
from reelops.scoring.scored_clip import UNREADABLE, ScoredClip, counts
from reelops.views.console import err, note, out
from reelops.views.progress_bar import watching
from reelops.views.take import COLOURS as VERDICT_COLOURS
from reelops.views.take import VERDICTS

if TYPE_CHECKING:
    from reelops.gate.limits import Limit
    from reelops.gate.self_test import ClipTest
    from reelops.scoring.comparison.paired import Comparison

_SHADES = "·░▒▓█"
COLOURS = {**VERDICT_COLOURS, UNREADABLE: "magenta"}
ANSWERS = {**VERDICTS, UNREADABLE: "could not be scored"}


@contextmanager
def progress(clips: Sequence[Path]) -> Iterator[RunContext]:
    """A context whose progress is shown: clips, frames and the time left. Stopped, it says what is kept."""
    what = clips[0].name if len(clips) == 1 else f"{len(clips)} clips"
    done = 0

    def count_clips(now: Progress) -> str:
        nonlocal done
        done = round(now.figures["clips"])
        return f"{done} of {len(clips)} clips" if len(clips) > 1 else ""

    try:
        with watching(name=lambda _: f"Scoring {what}", figures=count_clips) as context:
            yield context
    except (KeyboardInterrupt, SystemExit):
        if len(clips) > 1:
            err.print(f"{done} of {len(clips)} clips have scores, which are kept. The same command resumes from there.")
        raise


def show_one(result: ScoredClip, explain: bool = False) -> None:
    """The clip with every metric, its limit, and every reason; asked to explain, also where each is seen."""
    if not (result.scores and result.verdict and result.limits):
        return
    answer = result.answer
    out.print(f"[bold]{escape(str(result.path))}[/] [{COLOURS[answer]}]{ANSWERS[answer]}[/]", soft_wrap=True)
    out.print(_metrics(result))
    for reason in result.verdict.reasons:
        out.print(f"  {_coloured(reason.decision.value)}: {escape(reason.text)}", soft_wrap=True)
        if explain and reason.place is not None:
            for line in _where(reason.place, float(result.scores.format.fps)):
                out.print(f"    {line}", soft_wrap=True, highlight=False)
    out.print(f"  Limits of profile {escape(result.verdict.limits)}.", style="dim", soft_wrap=True)
    if result.origin and result.origin.sources:
        taken = ", ".join(f"{name} from {source}" for name, source in result.origin.sources.items())
        out.print(f"  Judged with {escape(taken)}.", style="dim", soft_wrap=True)


def _where(place: Place, fps: float) -> Iterator[str]:
    """When, which part of the picture, and how it is spread over that: a row of shades a row of cells."""
    if place.frame is not None:
        yield f"frame {place.frame}, {place.frame / fps:.2f} s"
    if place.box is not None:
        left, top, right, bottom = (f"{100 * edge:.0f}" for edge in place.box)
        yield f"from {left} to {right}% of the width, from {top} to {bottom}% of the height"
    for row in place.heat or ():
        yield "".join(2 * _SHADES[min(len(_SHADES) - 1, int(value * len(_SHADES)))] for value in row)


def show_many(results: Sequence[ScoredClip]) -> None:
    """One line per clip with the worst of its reasons, and how many there are of each answer."""
    table = Table("Clip", "Verdict", "Why", box=SIMPLE_HEAD)
    for result in results:
        table.add_row(escape(result.path.name), _coloured(result.answer, ANSWERS[result.answer]), escape(_why(result)))
    out.print(table)
    found = ", ".join(f"{number} {ANSWERS[answer]}" for answer, number in counts(results).items() if number)
    out.print(f"{len(results)} clips: {found}.", soft_wrap=True)
    if len(results) > 1:
        _print_sets("Diversity", diversity_of(results))
    for line in _remarks(results):
        out.print(line, style="dim", soft_wrap=True)


def show_comparison(comparison: Comparison) -> None:
    """Each metric's paired difference with its interval, and what can be said of it."""
    from reelops.metrics.catalogue import METRICS

    table = Table("Metric", "Before", "Now", "Difference", "95% interval", "Pairs", "Finding", box=SIMPLE_HEAD)
    for one in comparison.differences:
        interval = "" if one.low is None or one.high is None else f"{one.low:+.3g} to {one.high:+.3g}"
        colour = {"better": "green", "worse": "red"}.get(one.finding)
        finding = f"[{colour}]{one.finding}[/]" if colour else one.finding
        numbers = (f"{one.old_mean:.4g}", f"{one.new_mean:.4g}", f"{one.mean:+.3g}", interval, str(one.num_pairs))
        table.add_row(METRICS[one.metric].title, *numbers, finding)
    out.print(table)
    alone = f"{len(comparison.only_new)} only here, {len(comparison.only_old)} only there"
    out.print(f"{len(comparison.pairs)} pairs of clips of the same name; {alone}.")
    _print_sets("Diversity before", comparison.old_diversity)
    _print_sets("Frechet distance of all clips here to all there", comparison.distances)


def _print_sets(title: str, scores: Sequence[SetScore]) -> None:
    """A line each; those that cannot be had, and why, in faint letters."""
    for score in filter(lambda score: score.wanted, scores):
        by, clips = FEATURES[score.features], " and ".join(str(count) for count in score.samples)
        text = score.finding if score.value is None else f"{score.value:.4g}, {score.finding} ({clips} clips)."
        out.print(f"{title} by {by}: {text}", style="dim" if score.value is None else "", soft_wrap=True)


def show_self_tests(tests: Sequence[ClipTest]) -> None:
    """A row a version with how each clip's gate answered, wrong answers named, and the sum."""
    table = Table("Version", "Should be", "Answers", "", box=SIMPLE_HEAD)
    names = [row.name for row in next((test.rows for test in tests if test.rows), ())]
    for number, name in enumerate(names):
        rows = [test.rows[number] for test in tests if test.rows]
        answers = [row.verdict.decision.value for row in rows]
        found = ", ".join(f"{answers.count(answer)} {ANSWERS[answer]}" for answer in ANSWERS if answer in answers)
        right = all(row.passed for row in rows)
        wanted = "accepted or reviewed" if rows[0].expected == "good" else "reviewed or rejected"
        table.add_row(name, wanted, found, "[green]ok[/]" if right else "[red]wrong[/]")
    out.print(table)
    for test in tests:
        for row in test.rows:
            if not row.passed:
                why = "; ".join(reason.text for reason in row.verdict.reasons) or "nothing speaks against it"
                words = f"{test.path.name}, {row.name}: {ANSWERS[row.verdict.decision.value]}. {why}"
                out.print(f"  [red]wrong[/] {escape(words)}", soft_wrap=True)
        if test.error:
            words = f"{test.path.name}: {test.error}"
            out.print(f"  [red]not tested[/] {escape(words)}", soft_wrap=True)
    _show_families(tests)
    passed = sum(row.passed for test in tests for row in test.rows)
    total = sum(len(test.rows) for test in tests)
    out.print(f"{len(tests)} clips, {passed} of {total} answers right.")


def _show_families(tests: Sequence[ClipTest]) -> None:
    """How many faults of each family were held back."""
    rows = [row for test in tests for row in test.rows if row.family is not None]
    for family in dict.fromkeys(row.family for row in rows):
        its = [row.passed for row in rows if row.family == family]
        out.print(f"  {family}: {sum(its)} of {len(its)} faults held back")


def show_written(paths: Sequence[Path]) -> None:
    """Where files are, on standard error, so that JSON on standard output stays alone."""
    for path in paths:
        err.print(f"Wrote {escape(str(path))} ({path.stat().st_size / 1e6:.1f} MB)", soft_wrap=True)


def complain(results: Sequence[ScoredClip], notes: Sequence[str] = ()) -> None:
    """Warnings and errors, on standard error."""
    for text in notes:
        note(text)
    for result in results:
        for text in result.notes:
            note(f"{result.path.name}: {text}")
        if result.error:
            err.print(f"[red]Not scored:[/] {escape(result.error)}", soft_wrap=True)


def limit_words(limit: Limit | None) -> str:
    """The limits of acceptance: `at least 0.6`, or `0.04 to 0.96`."""
    if limit is None:
        return ""
    low, high = limit.accepted
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if low is not None else f"at most {high:g}"


def _why(result: ScoredClip) -> str:
    if result.verdict is None:
        return result.error or ""
    first, *others = [reason.text for reason in result.verdict.reasons] or [""]
    return f"{first} {len(others)} more." if others else first


def _remarks(results: Sequence[ScoredClip]) -> Iterator[str]:
    stored = sum(result.stored for result in results)
    told = [result for result in results if result.origin and result.origin.sources]
    if stored:
        yield f"{stored} had been scored before; --fresh measures them again."
    if told:
        yield f"Judged with what they say of themselves (picture, prompt): {len(told)}; --no-origin does not."


def _metrics(result: ScoredClip) -> Table:
    from reelops.metrics.catalogue import METRICS

    assert result.scores and result.verdict and result.limits
    scores, limits = result.scores, result.limits.metrics
    table = Table("Metric", "Value", "Limit", "", box=SIMPLE_HEAD)
    decisions = {reason.metric: reason.decision.value for reason in result.verdict.reasons}
    for name, measure in scores.measures.items():
        value = "not measured" if measure.value is None else f"{measure.value:.4g} {METRICS[name].unit}".rstrip()
        answer = decisions.get(name, "ok" if name in limits else "")
        table.add_row(METRICS[name].title, value, limit_words(limits.get(name)), _coloured(answer))
    measured = scores.measured_move.words if scores.measured_move else "not measured"
    asked = scores.asked_move.words if scores.asked_move else ""
    answer = decisions.get("camera_move", "ok" if asked else "")
    table.add_row("Camera move", measured, asked, _coloured(answer))
    return table


def _coloured(answer: str, words: str | None = None) -> str:
    colour = {"ok": "green", **COLOURS}.get(answer)
    return f"[{colour}]{words or answer}[/]" if colour else ""
