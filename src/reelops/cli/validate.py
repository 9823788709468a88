"""`reelops validate`: an adapter against its base, on pictures that nothing was trained on."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from reelops.errors import REJECTED
from reelops.params import load_config
from reelops.production.output_names import require_folder
from reelops.progress import signals_awaited
from reelops.tracking.runs import TrackedRun
from reelops.validation.params import ValidateParams
from reelops.validation.verdict import FOLDER
from reelops.views.console import err, note, out
from reelops.views.progress_bar import watching

if TYPE_CHECKING:
    from reelops.validation.plan import ValidationPlan
from reelops.validation.stage import ValidationResult


def register(app: typer.Typer) -> None:
    app.command("validate")(validate)


def validate(
    adapter: Annotated[
        Path | None, typer.Argument(help="A LoRA, file or folder.", show_default="the one that params.yaml trains")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for report and figures.", show_default="reports/validate"),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 3 if a check is not passed.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Make and score again what is kept of earlier runs.")] = False,
    other_base: Annotated[
        bool, typer.Option("--other-base", help="Apply the adapter though it was trained on another base.")
    ] = False,
    no_track: Annotated[bool, typer.Option("--no-track", help="Log nothing to MLflow.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print verdict and figures as JSON.")] = False,
) -> None:
    """Hold an adapter against its base: the same pictures, prompts and seeds, scored and compared in pairs.

    The block `validate` of params.yaml says on what, and which limits must hold. The report is written whatever comes
    out, index.html in it is to be looked at. Every clip is kept: stop it with Ctrl-C whenever you like and run it
    again, and the next adapter finds the base's clips made.

    Examples: reelops validate    |    reelops validate models/adapters/mine --strict    |    reelops validate --json
    """
    from reelops.validation.mlflow_run import log_validation
    from reelops.validation.outputs import metrics, report_validation, verdict
    from reelops.validation.plan import adapter_of, plan_validation
    from reelops.validation.stage import run_validation

    config = load_config()
    params = config.block("validate", ValidateParams)
    folder = output.absolute() if output else config.root / FOLDER
    require_folder(folder)
    plan = plan_validation(params, adapter_of(config, adapter), config, other_base)
    with signals_awaited(signal.SIGINT, signal.SIGTERM) as should_stop:
        _announce(plan, fresh)
        with watching("Starting", should_stop) as context:
            validated = run_validation(plan, config, context, fresh)
    written, warnings = report_validation(validated, folder)
    notes = [*validated.notes, *warnings]
    tracked, failure = (None, None) if no_track else log_validation(validated, metrics(validated), written, config)
    if failure:
        notes.append(f"the validation was not tracked: {failure}")
    if as_json:
        answer = verdict(validated) | {"metrics": metrics(validated), "report": str(folder / "index.html")}
        answer |= {"mlflow_run": tracked.run_id if tracked else None, "notes": notes}
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        _show(validated, folder / "index.html", tracked)
        for text in notes:
            if text not in plan.notes:
                note(text)
    if strict and not validated.findings.passed:
        raise typer.Exit(REJECTED)


def _announce(plan: ValidationPlan, fresh: bool) -> None:
    """What is going to be done, and about how long it takes."""
    kept = [] if fresh else [clip for one in plan.clips if (clip := plan.cached(*one)) is not None]
    groups = [trial.group for trial in plan.trials]
    words = {"style": "of the style", "moves": "of camera moves", "prompts": "of other prompts"}
    parts = ", ".join(f"{groups.count(name)} {words[name]}" for name in dict.fromkeys(groups))
    missing = len(plan.clips) - len(kept)
    line = (
        f"{plan.name} against {plan.weights.base}: {len(plan.trials)} pairs of clips ({parts}) on "
        f"{len(plan.pictures)} pictures; {missing} clips to make, {len(kept)} kept"
    )
    err.print(line + _outlook(kept, missing), soft_wrap=True)
    for text in plan.notes:
        note(text)


def _outlook(kept: Sequence[Any], missing: int) -> str:
    if not missing:
        return "."
    if not kept:
        return "; the time left is shown once the first are made."
    seconds = sorted(clip.seconds for clip in kept)[len(kept) // 2]
    return f"; about {timedelta(seconds=round(seconds * missing))} at the pace of those."


def _show(validated: ValidationResult, page: Path, tracked: TrackedRun | None) -> None:
    findings = validated.findings
    table = Table("", "Figure", "Found", "Wanted", box=SIMPLE_HEAD)
    for check in findings.checks:
        answer = "[green]passed[/]" if check.passed else "[red]not passed[/]"
        table.add_row(answer, escape(check.title), escape(check.found), escape(check.wanted))
    out.print(table)
    if findings.passed:
        out.print(f"[green]All {len(findings.checks)} checks passed.[/]")
    else:
        out.print(f"[bold red]{len(findings.failed)} of {len(findings.checks)} checks not passed.[/]")
    out.print(f"Report {escape(str(page))}, {validated.seconds:.0f} s", soft_wrap=True)
    if tracked:
        out.print(f"MLflow run {tracked.run_id}: {escape(tracked.look)}", soft_wrap=True)
