"""`reelops benchmark`: how good and how fast our parts are, measured beside what they replace."""

from __future__ import annotations

from typing import Annotated

import typer

from reelops.cli.benchmark.cases import batch, data, detail, gpu, quality, regression, service, start, train
from reelops.cli.benchmark.reports import compare, golden, show_list, summary
from reelops.cli.benchmark.ways import generation, recipes
from reelops.errors import InputError


def register(app: typer.Typer) -> None:
    benchmark = typer.Typer(
        help="Measure our parts beside what they replace.", no_args_is_help=True, invoke_without_command=True
    )
    benchmark.callback()(against_alone)
    benchmark.command("list")(show_list)
    benchmark.command("quality")(quality)
    benchmark.command("data")(data)
    benchmark.command("train")(train)
    benchmark.command("start")(start)
    benchmark.command("detail")(detail)
    benchmark.command("batch")(batch)
    benchmark.command("service")(service)
    benchmark.command("generation")(generation)
    benchmark.command("regression")(regression)
    benchmark.command("recipes")(recipes)
    benchmark.command("gpu")(gpu)
    benchmark.command("summary")(summary)
    benchmark.command("golden")(golden)
    benchmark.command("compare")(compare)
    app.add_typer(benchmark, name="benchmark")


def against_alone(
    context: typer.Context,
    against: Annotated[
        str | None,
        typer.Option(
            help="Short for `reelops benchmark generation --against`.",
            metavar="champion|FOLDER|FILE",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Measure our parts beside what they replace."""
    if context.invoked_subcommand is None:
        if against is None:
            raise InputError("Name a benchmark; `reelops benchmark list` shows all of them.")
        generation(against=against)
    elif against is not None:
        raise InputError(f"Give --against after {context.invoked_subcommand}, if that knows it.")
