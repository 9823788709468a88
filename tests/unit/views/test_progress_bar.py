"""Progress for people: a bar where somebody watches, lines where nobody does, and warnings in both."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from reelops.errors import Cancelled
from reelops.progress import Progress
from reelops.views import progress_bar
from reelops.views.progress_bar import watching


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    shown = io.StringIO()
    monkeypatch.setattr(progress_bar, "err", Console(file=shown, force_terminal=True, width=120))
    return shown


def test_a_terminal_shows_the_title_then_stage_count_and_figures(terminal: io.StringIO) -> None:
    with watching("Starting", figures=lambda now: f"loss {now.figures['loss']:.2f}") as context:
        context.progress("train", 3, 8, "steps", loss=0.5)
    shown = terminal.getvalue()
    assert shown.index("Starting") < shown.index("Training")
    assert "3 of 8 steps, loss 0.50" in shown


def test_work_that_is_over_at_once_shows_nothing(terminal: io.StringIO) -> None:
    with watching() as context:
        context.progress("score", 49, 49, "frames")
    assert terminal.getvalue() == ""


def test_where_nobody_watches_lines_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    with watching("Starting", line_at_once=True) as context:
        for done in range(1, 100):
            context.progress("fetch", done, 100, "clips", detail="msr_vtt")
    assert capsys.readouterr().err == "Fetching msr_vtt: 1 of 100 clips\n"


def test_a_warning_is_shown_and_what_is_for_the_log_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with watching() as context:
        context.log("all is well")
        context.log("Waiting: another run has the device.", "warning")
    assert capsys.readouterr().err == "Waiting: another run has the device.\n"


def test_the_context_stops_when_somebody_says_so() -> None:
    with watching(should_stop=lambda: True) as context, pytest.raises(Cancelled):
        context.raise_if_stopped()


@pytest.mark.parametrize(
    ("event", "goes_on"),
    [
        (Progress("fetch", 5, 10, "clips", "a"), True),
        (Progress("fetch", 5, 12, "clips", "a"), True),
        (Progress("fetch", 5, 12, "clips", "b"), False),
        (Progress("fetch", 0, 10, "clips", "b"), False),
        (Progress("suite", 5, 10, "", "another clip"), True),
    ],
    ids=["more of it", "the total is known better", "another source", "it begins again", "another step of as many"],
)
def test_a_count_goes_on_until_another_work_begins(event: Progress, goes_on: bool) -> None:
    count = progress_bar._Count(Progress("fetch", 4, 10, "clips", "a"))
    assert count.goes_on_with(event) is goes_on
