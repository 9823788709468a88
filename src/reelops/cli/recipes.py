"""`reelops recipes`: which ways there are to make a clip in less time or memory, and whether they act here."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from reelops.clip import DEFAULT_PROFILE, MAX_STEPS, ClipOrder, order_of
from reelops.errors import InputError
from reelops.params import Config, load_config
from reelops.system.device_lock import hold_device
from reelops.views.console import terminal
from reelops.views.progress_bar import watching


def register(app: typer.Typer) -> None:
    app.command("recipes")(recipes)


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="A recipe of params.yaml, to try out.", show_default="lists all")
    ] = None,
    profile: Annotated[str, typer.Option("--profile", "-p", help="Of params.yaml, or a folder.")] = DEFAULT_PROFILE,
    steps: Annotated[
        int | None, typer.Option(min=1, max=MAX_STEPS, help="Sampling steps.", show_default="the profile's")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(min=1.0, max=100.0, help="As of an order.", show_default="the profile's")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="A picture to try it on.", show_default="a drawn one")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the recipes, or try one: a clip with it and one without, and what each switch did, by count.

    A switch that is refused here, or that changed nothing, fails the recipe. What magnitude caches go by is measured
    and kept.

    Examples: reelops recipes --profile cogvideox-5b-i2v

    reelops recipes optimized --steps 20 --guidance 3
    """
    from reelops.generators.recipe_trial import any_picture

    config = load_config()
    if picture is not None and not picture.is_file():
        raise InputError(f"There is no picture {picture}. Name another one, or leave it out.")
    with nullcontext(picture) if picture else any_picture(config) as chosen:
        order = order_of(picture=chosen, prompt="slow zoom in", profile=profile, steps=steps, guidance=guidance)
        if name is None:
            _list(order, config, as_json)
        else:
            _try(order.but(recipe=name), config, as_json)


def _list(order: ClipOrder, config: Config, as_json: bool) -> None:
    from reelops.generators.recipe_trial import list_recipes

    found = list(list_recipes(order, config))
    if as_json:
        typer.echo(json.dumps([vars(one) for one in found], indent=2, ensure_ascii=False))
        return
    table = Table("Recipe", "Switches", f"With {order.profile}", title="Recipes", title_justify="left")
    for one in found:
        table.add_row(one.name, ", ".join(one.switches) or "none", one.refusal or "can be tried")
    terminal().print(table)


def _try(order: ClipOrder, config: Config, as_json: bool) -> None:
    from reelops.cogvideox.recipes.recipe import require_acting
    from reelops.generators.recipe_trial import try_recipe

    with watching(f"Trying {order.recipe}") as context, hold_device(config.home, context):
        trial = try_recipe(order, config, context)
    if as_json:
        typer.echo(json.dumps(trial.to_json(), indent=2, ensure_ascii=False))
    else:
        table = Table("Switch", "Acts", "What it did", title=f"Recipe {trial.name} on {trial.profile}")
        for one in trial.findings:
            table.add_row(one.switch, "yes" if one.acts else "no", one.found)
        terminal().print(table)
        took = f"{trial.seconds:.1f} s with it, {trial.baseline_seconds:.1f} s without (one clip each)"
        typer.echo(f"{took}; frames differ by {trial.difference:.2f} grey levels on average.")
    require_acting(trial.name, trial.findings)
