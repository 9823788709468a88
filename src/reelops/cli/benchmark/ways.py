"""Ways to make clips beside each other: orders, checkouts, adapters, recipes."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from reelops.cli.benchmark.measuring import AsJson, Out, measure
from reelops.clip import DEFAULT_PROFILE, MAX_STEPS
from reelops.params import load_config
from reelops.views.console import terminal


def generation(
    candidate: Annotated[
        list[str] | None,
        typer.Option(
            help="A way to make clips: fields of an order, with a name if you like. May be given several times.",
            metavar="NAME: FIELD=VALUE,...",
            show_default="--detail off",
        ),
    ] = None,
    baseline: Annotated[
        str,
        typer.Option(
            help="What candidates are compared with.", metavar="FIELD=VALUE,...", show_default="the profile as it is"
        ),
    ] = "",
    against: Annotated[
        str | None,
        typer.Option(
            help="Compare with something else: `champion`, the adapter that the registry calls so; the folder of an "
            "earlier checkout; or the report of an earlier run.",
            metavar="champion|FOLDER|FILE",
            show_default=False,
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="Of all clips.", show_default="that of an order")
    ] = None,
    first_look: Annotated[
        int | None,
        typer.Option(
            min=6, max=10_000, help="Pairs of clips before anything is said.", show_default="that of benchmark.yaml"
        ),
    ] = None,
    looks: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=8,
            help="How often it is looked at, each time with twice as many pairs.",
            show_default="that of benchmark.yaml",
        ),
    ] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Measure what a clip takes, stage by stage, and whether a candidate is slower or worse than the baseline.

    Clips of all ways take turns. A candidate passes, fails, or needs more runs, which are made up to the budget of
    benchmark.yaml. It ends with 3 where one fails, and with 1 where the budget did not suffice to tell.

    Examples: reelops benchmark generation --candidate "fast: quality=fast" --candidate steps=2

    reelops benchmark generation --against ../reelops-main
    """
    from reelops.benchmark.cases.generation.case import Asked, generation_case, sentences_of, worst_answer
    from reelops.benchmark.regression.limits import EXIT_CODE_OF
    from reelops.benchmark.summary import write_summary

    config = load_config()
    asked = Asked(candidate or (), baseline, against, profile, first_look, looks)
    report = measure(generation_case(asked.plan(config), asked.options), None, None, out, as_json)
    for sentence in sentences_of(report):
        terminal(stderr=True).print(escape(sentence), soft_wrap=True)
    if out is None:
        terminal(stderr=True).print(f"In short in {write_summary(config)}.")
    if code := EXIT_CODE_OF[worst_answer(report)]:
        raise typer.Exit(code)


def recipes(
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            help="A recipe of params.yaml. May be given several times.",
            show_default="all that can be used",
            metavar="NAME",
        ),
    ] = None,
    profile: Annotated[str, typer.Option("--profile", "-p", help="Of params.yaml, or a folder.")] = DEFAULT_PROFILE,
    steps: Annotated[
        int | None, typer.Option(min=1, max=MAX_STEPS, help="In place of the profile's.", show_default="the profile's")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(min=1.0, max=100.0, help="The same.", show_default="the profile's")
    ] = None,
    clips: Annotated[int, typer.Option(min=1, max=10_000, help="Of each way; there are no intervals below 6.")] = 6,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Measure what recipes gain and lose: PSNR, SSIM, scores and verdicts beside the baseline's clips, and beside a
    baseline of as few steps as take as long.

    A recipe that is refused here is told of with its reason, and so is a switch that changed nothing.

    Examples: reelops benchmark recipes --recipe optimized --steps 8 --guidance 3

    reelops benchmark recipes --profile cogvideox-5b-i2v --clips 12
    """
    from reelops.benchmark.cases.recipes.case import recipes_case
    from reelops.benchmark.cases.recipes.measure import Plan

    measure(recipes_case(Plan(tuple(recipe or ()), profile, steps, guidance, clips)), None, None, out, as_json)
