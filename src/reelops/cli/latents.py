"""`reelops latents`: encode the clips of the table once, for training."""

from __future__ import annotations

import json
import signal
from typing import Annotated

import typer
from rich.markup import escape

from reelops.params import load_config
from reelops.progress import signals_awaited
from reelops.training.latent_stage import LatentResult, Shard, plan_latents, report_latents, run_latents
from reelops.training.params import LatentParams
from reelops.views.console import err, note, out
from reelops.views.progress_bar import watching

_MAX_REASONS_SHOWN = 8


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

    It encodes only what is new or has changed, and resumes where it was stopped. Clips that cannot be encoded are
    named in data/latents/quarantine.json with the reason. Training then needs neither VAE nor text encoder.

    Examples: reelops latents    |    reelops latents --shard 2/4
    """
    config = load_config()
    part = Shard.parse(shard) if shard is not None else None
    plan = plan_latents(config.block("latents", LatentParams), config, part)
    with (
        signals_awaited(signal.SIGINT, signal.SIGTERM) as should_stop,
        watching("Encoding", should_stop) as context,
    ):
        result = run_latents(plan, context)
    if part is None:
        report_latents(result, config.root)
    if as_json:
        reasons = {one.clip_id: one.reason for one in result.quarantined}
        facts = {**result.figures, "quarantine": reasons, "notes": result.notes}
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    _show(result)


def _show(result: LatentResult) -> None:
    out.print(
        f"{result.encoded:,} clips and {result.captions:,} captions encoded in {result.seconds:.1f} s; "
        f"{result.kept:,} of {result.clips:,} clips were in the cache, {result.removed:,} old files removed, "
        f"{result.size_bytes / 1e6:,.1f} MB in all.",
    )
    for text in dict.fromkeys(result.notes):
        note(text)
    for one in result.quarantined[:_MAX_REASONS_SHOWN]:
        err.print(f"[red]Left out:[/] {escape(one.clip_id)}: {escape(one.reason)}", soft_wrap=True)
    if len(result.quarantined) > _MAX_REASONS_SHOWN:
        err.print(f"... and {len(result.quarantined) - _MAX_REASONS_SHOWN:,} more, in data/latents/quarantine.json")
