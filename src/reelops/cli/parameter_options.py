"""Command-line options made from the parameters of a function, which its docstring explains."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, get_args

import typer
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from reelops.errors import InputError
from reelops.params import describe

_ARGS = re.compile(r"^Args:\n((?:[ ]{4}.*\n?|\n)+)", re.MULTILINE)
_ARGUMENT = re.compile(r"^[ ]{4}(\w+): (.*(?:\n[ ]{5,}.*)*)", re.MULTILINE)


def takes_parameters_of(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """For a command that takes all parameters of `function` by name: it gets an argument for each one without a default
    and an option for each other one, with the docstring's words as its help, and the range that its type states.

    Raises:
        InputError: when the command is called with a value that the type of its parameter refuses.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        parameters = list(_parameters(function))

        def run(**given: Any) -> Any:
            _check(function, given)
            return command(**given)

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what typer reads
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def explained(function: Callable[..., Any]) -> Mapping[str, str]:
    """What a docstring in Google's form says of each parameter."""
    block = _ARGS.search(inspect.getdoc(function) or "")
    found = _ARGUMENT.findall(block[1]) if block else []
    return {name: re.sub(r"\s+", " ", words).strip() for name, words in found}


def range_of(rules: Iterable[Any]) -> tuple[Any, Any]:
    """The least and the greatest value that pydantic's rules for a field allow; None where a side is open."""
    lowest = highest = None
    for rule in rules:
        for inner in getattr(rule, "metadata", [rule]):
            lowest = getattr(inner, "ge", lowest)
            highest = getattr(inner, "le", getattr(inner, "lt", 0) - 1 if hasattr(inner, "lt") else highest)
    return lowest, highest


def _check(function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        try:
            TypeAdapter(parameter.annotation).validate_python(given[name])
        except ValidationError as error:
            required = parameter.default is inspect.Parameter.empty
            raise InputError(describe(error, name.upper() if required else f"--{name.replace('_', '-')}")) from error


def _parameters(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    words = explained(function)
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        required = parameter.default is inspect.Parameter.empty
        lowest, highest = range_of(rule for rule in get_args(parameter.annotation) if isinstance(rule, FieldInfo))
        described = (typer.Argument if required else typer.Option)(
            help=_sentence(words.get(name, "")),
            min=lowest,
            max=highest,
        )
        annotation = Annotated[parameter.annotation, described]  # type: ignore[name-defined] # made here
        yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=annotation)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"
