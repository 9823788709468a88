"""`reelops score`: what clips are worth, and what the gate says to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from reelops.errors import DONE, FAILED, InputError
from reelops.gate.faults.catalogue import FAMILIES, Spoilt, every_fault
from reelops.gate.limits import DEFAULT
from reelops.gate.self_test import self_test_clips
from reelops.params import load_config
from reelops.scoring.batch import ScoringOrder, find_clips, score_clips
from reelops.scoring.comparison.paired import Comparison
from reelops.scoring.comparison.paired import compare as compare_clips
from reelops.scoring.outputs import Outputs, check_files
from reelops.scoring.scored_clip import ScoredClip, exit_code
from reelops.system.files import write_text_atomically
from reelops.video.picture import probe_picture
from reelops.views import scores as score_view
from reelops.views.console import note
from reelops.views.progress_bar import watching

STDOUT = Path("-")


class ScoreCommand(TyperCommand):
    """Lets `--json` stand alone, as it does for other commands, or before a file to write.

    What follows it counts as that file only if it looks like one, so that `--json clip.mp4` scores the clip.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words, waiting = [], list(args)
        while waiting:
            word = waiting.pop(0)
            if word == "--":
                words += [word, *waiting]
                break
            if word == "--json":
                named = waiting and (waiting[0] == "-" or waiting[0].lower().endswith(".json"))
                word = f"--json={waiting.pop(0) if named else '-'}"
            words.append(word)
        return super().parse_args(ctx, words)


def register(app: typer.Typer) -> None:
    app.command(cls=ScoreCommand)(score)


def score(
    videos: Annotated[list[Path], typer.Argument(help="Clips, and folders that hold clips.", metavar="VIDEO...")],
    picture: Annotated[
        Path | None,
        typer.Option(help="The picture they started from.", show_default="the one a clip names, if it is here"),
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="What was asked for.", show_default="the one a clip names")] = None,
    profile: Annotated[
        str | None,
        typer.Option("--profile", "-p", help="Whose limits count.", show_default="the clip's own, else default"),
    ] = None,
    origin: Annotated[
        bool,
        typer.Option(
            "--origin/--no-origin",
            help="Take picture, prompt and profile from a clip's metadata and the .json beside it.",
        ),
    ] = True,
    reference: Annotated[
        Path | None,
        typer.Option(help="Compare with this video or picture; or a folder that has one of each clip's name."),
    ] = None,
    also: Annotated[
        str, typer.Option(help="More metrics, by name: lpips,subject_consistency.", show_default=False)
    ] = "",
    as_json: Annotated[
        Path | None,
        typer.Option(
            "--json", help="Print JSON, or write it to a .json file: an object; a list of several.", metavar="[FILE]"
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a table, one row per clip.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write the same table as Parquet.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a report to look at: one file, players and timelines included.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(help="Another folder: clips of the same names are compared in pairs.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="Write metrics.json and tables for dvc plots here.")] = None,
    data_docs: Annotated[
        Path | None, typer.Option(help="Check the table with Great Expectations, and write its Data Docs here.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-j", help="Processes.", min=1, max=1024, show_default="one per core")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what has been measured before.")] = False,
    media_mb: Annotated[
        int,
        typer.Option(
            "--media-mb", help="Megabytes for all videos in the report; beyond, previews or links.", min=0, max=100_000
        ),
    ] = 64,
    self_test: Annotated[
        bool,
        typer.Option("--self-test", help="The clips are good: degrade them in every known way, and test the gate."),
    ] = False,
    families: Annotated[
        str,
        typer.Option(
            help="Of the self-test's further faults, those of these families alone: time,parts; none for none.",
            show_default="all",
        ),
    ] = ",".join(FAMILIES),
    explain: Annotated[
        bool, typer.Option("--explain", help="Of one clip, show where each reason is seen: frame, region, spread.")
    ] = False,
    params: Annotated[Path | None, typer.Option(help="Another params.yaml.", show_default=False)] = None,
) -> None:
    """Score clips, and judge them by the limits of params.yaml.

    What has been scored before is not scored again, so a long run that was stopped resumes where it was.

    Exit codes: 0 none was rejected, 2 a clip could not be scored, 3 a clip was rejected. With --self-test: 1 the gate
    failed it.

    Examples: reelops score clip.mp4 --picture photo.jpg --prompt "slow zoom in"

    reelops score clips/ --html report.html --csv scores.csv

    reelops score new/ --compare old/ --html comparison.html
    """
    config = load_config(**({"params_file": params} if params else {}))
    order = ScoringOrder.of(
        config,
        picture=_checked(picture),
        prompt=prompt,
        profile=profile,
        ask_clips=origin,
        reference=reference,
        also=tuple(name.strip() for name in also.split(",") if name.strip()),
        fresh=fresh,
    )
    if self_test:
        raise typer.Exit(_self_test(find_clips(videos, note), order, _faults_of(families), workers, as_json))
    outputs = Outputs(csv, parquet, html, plots, data_docs, media_mb * 1_000_000)
    raise typer.Exit(_score(videos, compare, order, outputs, workers, as_json, explain))


def _score(
    videos: Sequence[Path],
    compare: Path | None,
    order: ScoringOrder,
    outputs: Outputs,
    workers: int | None,
    as_json: Path | None,
    explain: bool,
) -> int:
    """Scores, shows, writes; the exit code."""
    clips, others = find_clips(videos, note), find_clips([compare], note) if compare else []
    outputs.check([*clips, *others], [as_json] if as_json and as_json != STDOUT else [])
    with score_view.progress([*clips, *others]) as context:
        scored = score_clips([*clips, *others], order, workers, context)
    results, old = scored[: len(clips)], scored[len(clips) :]
    comparison = _compared(results, old, videos, compare) if compare else None
    single = len(results) == 1 and not videos[0].is_dir()
    if as_json == STDOUT:
        typer.echo(_json(results, single))
    elif single:
        score_view.show_one(results[0], explain)
    else:
        score_view.show_many(results)
    if comparison and as_json != STDOUT:
        score_view.show_comparison(comparison)
    with watching() as context:
        written, notes = outputs.write(results, comparison, str(compare), workers, context)
    if as_json and as_json != STDOUT:
        written.append(_write_json(results, single, as_json))
    score_view.show_written(written)
    score_view.complain(results, notes)
    return exit_code(results)


def _compared(
    results: Sequence[ScoredClip], old: Sequence[ScoredClip], videos: Sequence[Path], compare: Path
) -> Comparison:
    root = videos[0] if len(videos) == 1 and videos[0].is_dir() else None
    return compare_clips(results, old, root, compare if root and compare.is_dir() else None)


def _faults_of(families: str) -> tuple[Spoilt, ...]:
    """All faults of the families that are named, where they are plain to see.

    Raises:
        InputError: there is no such family.
    """
    wanted = [name.strip() for name in families.split(",") if name.strip() not in ("", "none")]
    for name in wanted:
        if name not in FAMILIES:
            raise InputError(f"there is no family of faults {name!r}; choose of: {', '.join(FAMILIES)}.")
    return tuple(one for one in every_fault() if one.family in wanted)


def _self_test(
    clips: Sequence[Path],
    order: ScoringOrder,
    faults: tuple[Spoilt, ...],
    workers: int | None,
    as_json: Path | None,
) -> int:
    check_files([as_json] if as_json and as_json != STDOUT else [], clips)
    limits = order.gate_settings.limits_of(order.profile or DEFAULT)
    with watching(name=lambda _: "Degrading and judging") as context:
        tests = self_test_clips(clips, order.score_settings, limits, context, workers, faults=lambda _: faults)
    text = json.dumps([test.to_json() for test in tests], indent=2, ensure_ascii=False, allow_nan=False)
    if as_json == STDOUT:
        typer.echo(text)
    else:
        score_view.show_self_tests(tests)
    if as_json and as_json != STDOUT:
        _write(text, as_json)
    return DONE if all(test.passed for test in tests) else FAILED


def _checked(picture: Path | None) -> Path | None:
    """The picture, once it is known that it can be used; else every clip would say so.

    Raises:
        PictureError: it cannot.
    """
    if picture is not None:
        probe_picture(picture)
    return picture


def _json(results: Sequence[ScoredClip], single: bool) -> str:
    answers = [result.to_json() for result in results]
    return json.dumps(answers[0] if single else answers, indent=2, ensure_ascii=False, allow_nan=False)


def _write_json(results: Sequence[ScoredClip], single: bool, path: Path) -> Path:
    _write(_json(results, single), path)
    return path


def _write(text: str, path: Path) -> None:
    write_text_atomically(path, text + "\n")
