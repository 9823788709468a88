"""How scores are shown in a terminal: a bar while they are measured, then a clip in full, or a line a clip."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from reelops.progress import Event, RunContext
from reelops.progress import Progress as RunProgress
from reelops.scoring.comparison.set_scores import FEATURES, SetScore, diversity_of
from reelops.scoring.scored_clip import UNREADABLE, ScoredClip, counts
from reelops.views.take import COLOURS as VERDICT_COLOURS
from reelops.views.take import VERDICTS

if TYPE_CHECKING:
    from reelops.gate.limits import Limit
    from reelops.gate.self_test import ClipTest
    from reelops.scoring.comparison.paired import Comparison

COLOURS = {**VERDICT_COLOURS, UNREADABLE: "magenta"}
ANSWERS = {**VERDICTS, UNREADABLE: "could not be scored"}
_QUIET_SECONDS = 2.0


@contextmanager
def progress(clips: Sequence[Path]) -> Iterator[RunContext]:
    """A bar on standard error with clips, frames and the time left, once it has taken longer than two seconds.

    Stopped, it says what is kept.
    """
    err = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"), TimeRemainingColumn())
    bar = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
    what = clips[0].name if len(clips) == 1 else f"{len(clips)} clips"
    task = bar.add_task(f"Scoring {escape(what)}", total=None, count="")
    started, shown, done = time.monotonic(), False, 0

    def on_event(now: Event) -> None:
        nonlocal shown, done
        if not isinstance(now, RunProgress):
            return
        done = round(now.figures["clips"])
        frames = f"{now.done:g} of {now.total:g} frames"
        bar.update(
            task,
            completed=now.done,
            total=now.total or None,
            count=frames if len(clips) == 1 else f"{done} of {len(clips)} clips",
        )
        if not shown and time.monotonic() - started > _QUIET_SECONDS:
            shown = True
            bar.start()

    try:
        yield RunContext(on_event)
    except (KeyboardInterrupt, SystemExit):
        bar.stop()
        if len(clips) > 1:
            err.print(f"{done} of {len(clips)} clips have scores, which are kept. The same command resumes from there.")
        raise
    finally:
        bar.stop()


@contextmanager
def report_progress(what: str = "Making the report") -> Iterator[RunContext]:
    """A bar on standard error with the time left, from the first thing done."""
    err = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=None, visible=False)

        def on_event(now: Event) -> None:
            if isinstance(now, RunProgress):
                bar.update(task, completed=now.done, total=now.total, visible=True)

        yield RunContext(on_event)


def _output() -> Console:
    """Standard output; a pipe has no width, and a folded name cannot be found."""
    return Console(width=None if sys.stdout.isatty() else 240)


def show_one(result: ScoredClip) -> None:
    """The clip with every metric, its limit, and every reason."""
    if not (result.scores and result.verdict and result.limits):
        return
    out = _output()
    answer = result.answer
    out.print(f"[bold]{escape(str(result.path))}[/] [{COLOURS[answer]}]{ANSWERS[answer]}[/]", soft_wrap=True)
    out.print(_metrics(result))
    for reason in result.verdict.reasons:
        out.print(f"  {_coloured(reason.decision.value)}: {escape(reason.text)}", soft_wrap=True, highlight=False)
    out.print(f"  Limits of profile {escape(result.verdict.limits)}.", style="dim", soft_wrap=True)
    if result.origin and result.origin.sources:
        taken = ", ".join(f"{name} from {source}" for name, source in result.origin.sources.items())
        out.print(f"  Judged with {escape(taken)}.", style="dim", soft_wrap=True, highlight=False)


def show_many(results: Sequence[ScoredClip]) -> None:
    """A line a clip with the worst of its reasons, and how many there are of each answer."""
    out = _output()
    table = Table("Clip", "Verdict", "Why", box=SIMPLE_HEAD)
    for result in results:
        table.add_row(escape(result.path.name), _coloured(result.answer, ANSWERS[result.answer]), escape(_why(result)))
    out.print(table)
    found = ", ".join(f"{number} {ANSWERS[answer]}" for answer, number in counts(results).items() if number)
    out.print(f"{len(results)} clips: {found}.", soft_wrap=True, highlight=False)
    if len(results) > 1:
        _print_sets(out, "Diversity", diversity_of(results))
    for line in _remarks(results):
        out.print(line, style="dim", soft_wrap=True, highlight=False)


def show_comparison(comparison: Comparison) -> None:
    """Each metric's paired difference with its interval, and what can be said of it."""
    from reelops.metrics.catalogue import METRICS

    out = _output()
    table = Table("Metric", "Before", "Now", "Difference", "95% interval", "Pairs", "Finding", box=SIMPLE_HEAD)
    for one in comparison.differences:
        interval = "" if one.low is None or one.high is None else f"{one.low:+.3g} to {one.high:+.3g}"
        colour = {"better": "green", "worse": "red"}.get(one.finding)
        finding = f"[{colour}]{one.finding}[/]" if colour else one.finding
        numbers = (f"{one.old_mean:.4g}", f"{one.new_mean:.4g}", f"{one.mean:+.3g}", interval, str(one.num_pairs))
        table.add_row(METRICS[one.metric].title, *numbers, finding)
    out.print(table)
    alone = f"{len(comparison.only_new)} only here, {len(comparison.only_old)} only there"
    out.print(f"{len(comparison.pairs)} pairs of clips of the same name; {alone}.", highlight=False)
    _print_sets(out, "Diversity before", comparison.old_diversity)
    _print_sets(out, "Frechet distance of all clips here to all there", comparison.distances)


def _print_sets(out: Console, title: str, scores: Sequence[SetScore]) -> None:
    """A line each; those that cannot be had, and why, in faint letters."""
    for score in scores:
        by, clips = FEATURES[score.features], " and ".join(str(count) for count in score.samples)
        text = score.finding if score.value is None else f"{score.value:.4g}, {score.finding} ({clips} clips)."
        out.print(
            f"{title} by {by}: {text}", style="dim" if score.value is None else "", soft_wrap=True, highlight=False
        )


def show_self_tests(tests: Sequence[ClipTest]) -> None:
    """A row a version with how each clip's gate answered, wrong answers named, and the sum."""
    out = _output()
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
                out.print(f"  [red]wrong[/] {escape(words)}", soft_wrap=True, highlight=False)
        if test.error:
            words = f"{test.path.name}: {test.error}"
            out.print(f"  [red]not tested[/] {escape(words)}", soft_wrap=True, highlight=False)
    passed = sum(row.passed for test in tests for row in test.rows)
    total = sum(len(test.rows) for test in tests)
    out.print(f"{len(tests)} clips, {passed} of {total} answers right.", highlight=False)


def show_written(paths: Sequence[Path]) -> None:
    """Where files are, on standard error, so that JSON on standard output stays alone."""
    for path in paths:
        err = Console(stderr=True)
        err.print(f"Wrote {escape(str(path))} ({path.stat().st_size / 1e6:.1f} MB)", soft_wrap=True, highlight=False)


def complain(results: Sequence[ScoredClip], notes: Sequence[str] = ()) -> None:
    """Warnings and errors, on standard error."""
    err = Console(stderr=True)
    for note in notes:
        tell(note)
    for result in results:
        for note in result.notes:
            tell(f"{result.path.name}: {note}")
        if result.error:
            err.print(f"[red]Not scored:[/] {escape(result.error)}", soft_wrap=True, highlight=False)


def tell(note: str) -> None:
    Console(stderr=True).print(f"[yellow]Note:[/] {escape(note)}", soft_wrap=True, highlight=False)


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
        yield f"{len(told)} were judged with what they say of themselves (picture, prompt); --no-origin does not."


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
