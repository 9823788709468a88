"""`reelops score`: what clips are worth, and what the gate says to them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelops.errors import ReelOpsError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from reelops.gates import GateLimits, GateSettings, Limit, Verdict
    from reelops.metrics.scores import Scores
    from reelops.metrics.suite import OnFrame, ScoreSettings

BROKEN = 2
REJECTED = 3
DEFAULT_PROFILE = "tiny"

_COLOURS = {"accept": "green", "review": "yellow", "reject": "red"}
_VERDICTS = {"accept": "accepted", "review": "to be reviewed", "reject": "rejected"}
_QUIET_SECONDS = 2.0


@dataclass(frozen=True)
class Scored:
    """A clip and what became of it: scores, verdict and the limits behind it, or why it could not be scored."""

    path: Path
    scores: Scores | None = None
    verdict: Verdict | None = None
    limits: GateLimits | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"path": str(self.path), "scores": None, "verdict": None}
        if self.scores and self.verdict:
            facts |= {**self.scores.to_json(), "verdict": self.verdict.to_json()}
        return facts | {"notes": list(self.notes), "error": self.error}


def register(app: typer.Typer) -> None:
    app.command()(score)


def score(
    videos: Annotated[list[Path], typer.Argument(help="The clips.", metavar="VIDEO...")],
    picture: Annotated[
        Path | None,
        typer.Option(help="The picture they started from.", show_default="the one a clip's provenance names, if here"),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="What was asked for.", show_default="the one in a clip's provenance")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option("--profile", "-p", help="Whose limits count.", show_default="the clip's own, else tiny"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; a list for several clips.")] = False,
    params: Annotated[Path | None, typer.Option(help="Another params.yaml.", show_default=False)] = None,
) -> None:
    """Score clips, and judge them by the limits of params.yaml.

    Exit codes: 0 none was rejected, 2 a clip could not be scored, 3 a clip was rejected.

    Example: reelops score clip.mp4 --picture photo.jpg --prompt "slow zoom in"
    """
    from rich.console import Console

    from reelops.gates import load_gate_settings
    from reelops.metrics.suite import load_score_settings
    from reelops.settings import load_settings

    out, err = Console(), Console(stderr=True)
    params_file = params or load_settings().params_file
    score_settings, gate_settings = load_score_settings(params_file), load_gate_settings(params_file)
    results = []
    for number, video in enumerate(videos, start=1):
        title = video.name if len(videos) == 1 else f"{video.name} ({number} of {len(videos)})"
        with _progress(err, title, video) as on_frame:
            results.append(_score_one(video, picture, prompt, profile, score_settings, gate_settings, on_frame))
    if as_json:
        answers = [result.to_json() for result in results]
        text = json.dumps(answers if len(videos) > 1 else answers[0], indent=2, ensure_ascii=False, allow_nan=False)
        typer.echo(text)
    else:
        _show(results, out)
    _complain(results, err)
    raise typer.Exit(_exit_code(results))


def _score_one(
    video: Path,
    picture: Path | None,
    prompt: str | None,
    profile: str | None,
    score_settings: ScoreSettings,
    gate_settings: GateSettings,
    on_frame: OnFrame,
) -> Scored:
    from reelops.gates import judge
    from reelops.metrics.suite import score_clip
    from reelops.video.provenance import read_provenance

    notes: list[str] = []
    try:
        provenance = read_provenance(video) or {}
    except ReelOpsError as error:
        return Scored(video, error=str(error))
    if picture is None:
        picture = _own_picture(video, provenance, notes)
    prompt = prompt if prompt is not None else provenance.get("prompt")
    profile = profile or provenance.get("profile") or DEFAULT_PROFILE
    limits = gate_settings.limits_of(profile)
    if limits.name != profile:
        notes.append(f"params.yaml has no limits for profile {profile}; the default ones were used.")
    try:
        scores = score_clip(video, picture, prompt, score_settings, on_frame)
    except ReelOpsError as error:
        return Scored(video, notes=tuple(notes), error=str(error))
    return Scored(video, scores, judge(scores, limits), limits, tuple(notes))


def _own_picture(video: Path, provenance: dict[str, Any], notes: list[str]) -> Path | None:
    """The picture that the clip's provenance names, where it is and still is that picture."""
    from reelops.clip import sha256_of

    named = provenance.get("picture")
    if not named:
        return None
    for candidate in (Path(named), video.parent / Path(named).name):
        if candidate.is_file() and provenance.get("picture_sha256") in (None, sha256_of(candidate)):
            return candidate
    notes.append(f"the clip started from {named}, which is not here; give it with --picture to compare them.")
    return None


def _exit_code(results: Sequence[Scored]) -> int:
    if any(result.error for result in results):
        return BROKEN
    return REJECTED if any(result.verdict and result.verdict.decision == "reject" for result in results) else 0


@contextmanager
def _progress(err: Console, title: str, video: Path) -> Iterator[OnFrame]:
    """A bar on standard error with the time left, once a clip has taken longer than two seconds."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Scoring {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
    task = bar.add_task(title, total=None)
    started, shown = time.monotonic(), False

    def on_frame(done: int) -> None:
        nonlocal shown
        bar.update(task, completed=done)
        if not shown and time.monotonic() - started > _QUIET_SECONDS:
            shown = True
            bar.update(task, total=_claimed_frames(video))
            bar.start()

    try:
        yield on_frame
    finally:
        bar.stop()


def _claimed_frames(video: Path) -> int | None:
    from reelops.video.probe import probe

    return probe(video).num_frames


def _show(results: Sequence[Scored], out: Console) -> None:
    for result in results:
        if result.scores and result.verdict and result.limits:
            _show_clip(result.path, result.scores, result.verdict, result.limits, out)
    if len(results) > 1:
        decisions = [result.verdict.decision.value if result.verdict else "broken" for result in results]
        words = {**_VERDICTS, "broken": "could not be scored"}
        counts = ", ".join(f"{decisions.count(name)} {word}" for name, word in words.items() if name in decisions)
        out.print(f"{len(results)} clips: {counts}.")


def _show_clip(path: Path, scores: Scores, verdict: Verdict, limits: GateLimits, out: Console) -> None:
    from rich.markup import escape

    decision = verdict.decision.value
    out.print(f"[bold]{escape(str(path))}[/] [{_COLOURS[decision]}]{_VERDICTS[decision]}[/]", soft_wrap=True)
    out.print(_table(scores, verdict, limits))
    for reason in verdict.reasons:
        out.print(f"  {_coloured(reason.decision.value)}: {escape(reason.text)}", soft_wrap=True, highlight=False)
    out.print(f"  Limits of profile {escape(verdict.limits)}.", style="dim", soft_wrap=True)


def _complain(results: Sequence[Scored], err: Console) -> None:
    from rich.markup import escape

    for result in results:
        for note in result.notes:
            err.print(f"[yellow]Note:[/] {escape(f'{result.path.name}: {note}')}", soft_wrap=True, highlight=False)
        if result.error:
            err.print(f"[red]Not scored:[/] {escape(result.error)}", soft_wrap=True, highlight=False)


def _table(scores: Scores, verdict: Verdict, limits: GateLimits) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from reelops.metrics.scores import METRICS

    table = Table("Metric", "Value", "Limit", "", box=SIMPLE_HEAD)
    decisions = {reason.metric: reason.decision.value for reason in verdict.reasons}
    for name, measure in scores.measures.items():
        value = "not measured" if measure.value is None else f"{measure.value:.4g} {METRICS[name].unit}".rstrip()
        answer = decisions.get(name, "ok" if name in limits.metrics else "")
        table.add_row(METRICS[name].title, value, _limit_words(limits.metrics.get(name)), _coloured(answer))
    measured = scores.measured_move.words if scores.measured_move else "not measured"
    asked = scores.asked_move.words if scores.asked_move else ""
    answer = decisions.get("camera_move", "ok" if asked else "")
    table.add_row("Camera move", measured, asked, _coloured(answer))
    return table


def _coloured(answer: str) -> str:
    colour = {"ok": "green", **_COLOURS}.get(answer)
    return f"[{colour}]{answer}[/]" if colour else ""


def _limit_words(limit: Limit | None) -> str:
    """The limits of acceptance: `at least 0.6`, or `0.04 to 0.96`."""
    if limit is None:
        return ""
    low = limit.review_below if limit.review_below is not None else limit.reject_below
    high = limit.review_above if limit.review_above is not None else limit.reject_above
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if low is not None else f"at most {high:g}"
