"""An order's fields are declared once: a field that is added is an option, and a field of Prefect's form."""

from __future__ import annotations

import json

import pytest
import typer
from pydantic import Field
from typer.testing import CliRunner

from reelops.cli import build_app
from reelops.cli.order_options import takes_order
from reelops.clip import ClipOrder


class OrderWithSpeed(ClipOrder):
    speed: int | None = Field(default=None, ge=1, le=9, description="How fast things move.")


def app_for(kind: type[ClipOrder]) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @takes_order(kind)
    def make(order: ClipOrder, loud: bool = False) -> None:
        """Makes it."""
        typer.echo(json.dumps(order.to_json() | {"loud": loud}))

    return app


def test_an_added_field_is_an_option_with_its_help_and_range() -> None:
    app, runner = app_for(OrderWithSpeed), CliRunner()
    shown = runner.invoke(app, ["--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    assert "--speed" in shown and "How fast things move." in shown and "1<=x<=9" in shown and "--loud" in shown
    made = runner.invoke(app, ["a.png", "zoom in", "--speed", "4", "--loud"])
    assert json.loads(made.output)["speed"] == 4 and json.loads(made.output)["loud"] is True
    assert runner.invoke(app, ["a.png", "zoom in", "--speed", "12"]).exit_code == 2


def test_an_added_field_is_in_the_form_on_prefects_page() -> None:
    prefect = pytest.importorskip("prefect", reason='Prefect comes with pip install "reelops[orchestration]"')
    from prefect.utilities.callables import parameter_schema

    @prefect.flow
    def make(order: OrderWithSpeed) -> None:
        """Makes it."""

    schema = parameter_schema(make.fn).model_dump()
    speed = schema["definitions"]["OrderWithSpeed"]["properties"]["speed"]
    assert speed["description"] == "How fast things move."


def test_generate_offers_every_field_of_an_order() -> None:
    shown = CliRunner().invoke(build_app(), ["generate", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    for name, field in ClipOrder.model_fields.items():
        assert (name if field.is_required() else f"--{name.replace('_', '-')}") in shown
        assert field.description is not None and field.description[:30] in shown
