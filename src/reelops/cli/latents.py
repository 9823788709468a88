"""`reelops latents`: encode the clips of the table once, for training."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from reelops.errors import SettingsError
from reelops.params import load_config
from reelops.progress import signals_awaited
from reelops.system.files import write_text_atomically
from reelops.training.encode import METRICS, EncodingReport, LatentStage
from reelops.training.params import LatentParams
from reelops.views.take import err, out, progress_bar

_MOST_LOST_SHOWN = 8


def register(app: typer.Typer) -> None:
    app.command("latents")(latents)


def latents(
    shard: Annotated[
        str | None,
        typer.Option(help="Encode only a part of the clips, such as 2/4, beside other machines that do the rest."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Encode the clips of the table, their pictures and captions, into data/latents/.

    It encodes only what is new or has changed, and goes on where it was stopped. Clips that cannot be encoded are
    named in data/latents/quarantine.json with the reason. Training then needs neither VAE nor text encoder.

    Examples: reelops latents    |    reelops latents --shard 2/4
    """
    config = load_config()
    params = config.block("latents", LatentParams)
    with signals_awaited(signal.SIGINT, signal.SIGTERM) as should_stop, progress_bar("Encoding") as on_progress:
        stage = LatentStage(params, config, shard=_shard(shard), on_progress=on_progress, should_stop=should_stop)
        report = stage.run()
    figures = {key: value for key, value in asdict(report).items() if key not in ("quarantined", "notes")}
    figures["quarantined"] = len(report.quarantined)
    if shard is None:
        write_text_atomically(config.root / METRICS, json.dumps(figures, indent=2) + "\n")
    if as_json:
        lost = {one.clip_id: one.reason for one in report.quarantined}
        typer.echo(json.dumps({**figures, "quarantine": lost, "notes": report.notes}, indent=2, ensure_ascii=False))
        return
    _show(report)


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found:
        raise SettingsError(f"--shard {text!r} is no part of a whole; give for example 2/4.")
    return int(found[1]), int(found[2])


def _show(report: EncodingReport) -> None:
    out.print(
        f"{report.encoded:,} clips and {report.captions:,} captions encoded in {report.seconds:.1f} s; "
        f"{report.kept:,} of {report.clips:,} clips were there, {report.removed:,} old files removed, "
        f"{report.size_bytes / 1e6:,.1f} MB in all.",
        highlight=False,
    )
    for note in dict.fromkeys(report.notes):
        err.print(f"[yellow]Note:[/] {escape(note)}", soft_wrap=True, highlight=False)
    for one in report.quarantined[:_MOST_LOST_SHOWN]:
        err.print(f"[red]Left out:[/] {escape(one.clip_id)}: {escape(one.reason)}", soft_wrap=True, highlight=False)
    if len(report.quarantined) > _MOST_LOST_SHOWN:
        err.print(f"... and {len(report.quarantined) - _MOST_LOST_SHOWN:,} more, in data/latents/quarantine.json")
