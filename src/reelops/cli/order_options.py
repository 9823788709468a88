"""Command-line options for an order, made from the fields of `ClipOrder`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer
from pydantic.fields import FieldInfo

from reelops.cli.parameter_options import range_of
from reelops.clip import ClipOrder, order_of
from reelops.errors import ReelOpsError
from reelops.params import load_config

SHORT_NAMES = {"profile": "-p"}


def takes_order(kind: type[ClipOrder] = ClipOrder) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """For a command with a parameter `order`: it gets an argument for each required field of an order and an option for
    each other one, with the field's description as its help and the field's range as its own.

    Raises:
        InputError: when the command is called with a value that cannot be used.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, parameter in inspect.signature(command, eval_str=True).parameters.items()
            if name != "order"
        ]

        def run(**given: Any) -> Any:
            fields = {name: given.pop(name) for name in kind.model_fields}
            return command(order=order_of(kind, **fields), **given)

        parameters = [*_parameters(kind), *own]
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what typer reads
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def _parameters(kind: type[ClipOrder]) -> Iterator[inspect.Parameter]:
    """Required fields first: they are arguments."""
    fields = sorted(kind.model_fields.items(), key=lambda named: not named[1].is_required())
    for name, field in fields:
        default = inspect.Parameter.empty if field.is_required() else field.default
        annotation = Annotated[field.annotation, _describe(name, field)]  # type: ignore[name-defined] # made here
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _describe(name: str, field: FieldInfo) -> Any:
    if field.is_required():
        return typer.Argument(help=field.description)
    names = [f"--{name.replace('_', '-')}", *([SHORT_NAMES[name]] if name in SHORT_NAMES else [])]
    lowest, highest = range_of(field.metadata)
    shown: bool | str = "the profile's" if field.default is None and name != "adapter" else bool(field.default != "")
    completed = _profiles_beginning_with if name == "profile" else None
    return typer.Option(
        *names, help=field.description, min=lowest, max=highest, show_default=shown, autocompletion=completed
    )


def _profiles_beginning_with(incomplete: str) -> list[str]:
    """Names of profiles in params.yaml; none where it cannot be read, as a shell has no place for an error."""
    try:
        profiles = load_config().names("profiles")
    except ReelOpsError:
        return []
    return [name for name in profiles if name.startswith(incomplete)]
