"""`reelops naturalness`: learn what natural clips look like, and say what that is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from reelops.errors import InputError
from reelops.gate.naturalness.fit import FEWEST_SOURCES, TOO_LITTLE, fit, leave_one_family_out
from reelops.gate.naturalness.report import REPORT_NAME, figures
from reelops.gate.naturalness.samples import Plan, measure_samples, read_samples, write_samples
from reelops.metrics.naturalness.model import MODEL_FILE
from reelops.scoring.batch import find_clips
from reelops.scoring.outputs import check_files
from reelops.system.files import write_text_atomically
from reelops.views.console import note
from reelops.views.progress_bar import watching


def register(app: typer.Typer) -> None:
    app.command("naturalness")(naturalness)


def naturalness(
    places: Annotated[
        list[Path],
        typer.Argument(help="Good clips and folders of such; or samples of an earlier run.", metavar="CLIP..."),
    ],
    out: Annotated[Path, typer.Option(help="Where model and report are written.")] = MODEL_FILE.parent,
    samples: Annotated[
        Path | None, typer.Option(help="Keep what was measured here, as a .jsonl.", show_default=False)
    ] = None,
    faults: Annotated[int, typer.Option(help="Spoilt versions of each clip.", min=1, max=1000)] = 40,
    limit: Annotated[float, typer.Option(help="Below this share of good clips one is held back.", min=0, max=1)] = 0.15,
    seed: Annotated[int, typer.Option(help="Of everything random.", min=0, max=2**32 - 1)] = 0,
    workers: Annotated[
        int | None, typer.Option("--workers", "-j", help="Processes.", min=1, max=1024, show_default="one a core")
    ] = None,
) -> None:
    """Learn from good clips what clips look like, and from faults what counts against them.

    The report says what the model is worth on sources and on families of faults that it has not seen.

    Example: reelops naturalness data/media/video --out models/naturalness
    """
    written = [out / REPORT_NAME, out / MODEL_FILE.name, *([samples] if samples else [])]
    if len(places) == 1 and places[0].suffix == ".jsonl":
        check_files(written)
        found = read_samples(places[0])
    else:
        clips = find_clips(places, note)
        check_files(written, clips)
        if len({clip.stem for clip in clips}) < FEWEST_SOURCES:
            raise InputError(TOO_LITTLE)
        with watching(name=lambda _: "Spoiling and measuring") as context:
            found, failed = measure_samples(clips, Plan(faults, seed), context, workers)
        for clip, why in failed.items():
            note(f"{clip} was left out: {why.rstrip('.')}.")
    if samples:
        write_samples(found, samples)
    report, model = figures(leave_one_family_out(found, seed), limit), fit(found, seed)
    write_text_atomically(out / MODEL_FILE.name, model.to_json())
    write_text_atomically(out / REPORT_NAME, json.dumps(report, indent=1) + "\n")
    stopped, alarms = report["all"], report["good"]
    typer.echo(
        f"{out / MODEL_FILE.name}: of faults of families it had not seen {stopped['share']:.0%} are held back "
        f"({stopped['stopped']} of {stopped['of']}), and {alarms['false_share']:.0%} of good clips."
    )
