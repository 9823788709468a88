"""params.yaml, the file of what a user tunes: read once, at the edge, and handed on as a frozen value.

What only those tune who work on ReelOps has files of its own beside it, a block each.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from reelops.errors import SettingsError, did_you_mean
from reelops.settings import PARAMS_NAME, Settings, load_settings, real_path, shipped_folder, with_home
from reelops.yaml_file import read_yaml

BLOCKS = (
    "profiles",
    "recipes",
    "detail",
    "score",
    "gate",
    "dataset",
    "metadata",
    "latents",
    "train",
    "validate",
    "service",
)
# What begins so is a project's own, such as an anchor that several blocks refer to.
OWN_PREFIX = "x-"
# Blocks that hold one thing a name, such as a profile: a project adds to them, or replaces what has the same name.
BY_NAME = ("profiles", "recipes", "gate")
# Blocks that are files of their own, benchmark.yaml and pretrain.yaml, and are read when they are asked for.
IN_OWN_FILE = ("benchmark", "pretrain")

# Every number that a user gives has a least and a greatest value; where none follows from what it is, these do.
MOST = 10**9
Count = Annotated[int, Field(ge=1, le=MOST)]
CountOrZero = Annotated[int, Field(ge=0, le=MOST)]
Amount = Annotated[float, Field(gt=0, le=MOST)]
AmountOrZero = Annotated[float, Field(ge=0, le=MOST)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""Of random numbers: what NumPy and torch both take."""
Block = TypeVar("Block", bound=BaseModel)
_LONGEST_VALUE = 80


class ParamsBlock(BaseModel):
    """A mapping in params.yaml as a frozen value, which refuses keys that it does not know, infinity, what is no
    number, and a yes or no where none is asked for.

    Attributes:
        renamed: keys that had another name in an earlier ReelOps, old to new, so that the refusal names the new one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    renamed: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _refuse_other_names(cls, given: Any) -> Any:
        for key in given if isinstance(given, Mapping) else ():
            if key in cls.renamed:
                raise PydanticCustomError("renamed", "{old} is now {new}", {"old": key, "new": cls.renamed[key]})
            if key not in cls.model_fields:
                guess = did_you_mean(str(key), cls.model_fields) or f" There are: {', '.join(cls.model_fields)}."
                facts = {"key": str(key), "value": _shown(given[key]), "guess": guess}
                raise PydanticCustomError("unknown", "{key} is {value}: there is no such key.{guess}", facts)
            if _has_truth(given[key]) and not _takes_truth(cls.model_fields[key].annotation):
                facts = {"key": str(key), "value": _shown(given[key])}
                raise PydanticCustomError("truth", "{key} is {value}: no yes, no, on or off is wanted here.", facts)
        return given


def _has_truth(value: Any) -> bool:
    """Whether it is, or lists, a yes or no, which Python and pydantic would take for 1 and 0."""
    return isinstance(value, bool) or (isinstance(value, list | tuple) and any(map(_has_truth, value)))


def _takes_truth(annotation: Any) -> bool:
    return annotation is bool or any(map(_takes_truth, get_args(annotation)))


@dataclass(frozen=True, eq=False)
class Config:
    """Where stores are, and what params.yaml said when it was read.

    It is read once, by whoever was called from outside, and travels from there: nothing below looks at the file again,
    so all parts of a run follow the same text.

    Attributes:
        settings: places and servers.
        content: params.yaml by block; a block that the project's own lacks is the shipped one.
    """

    settings: Settings
    content: Mapping[str, Any]
    _blocks: dict[tuple[tuple[str, ...], type[BaseModel]], BaseModel] = field(default_factory=dict, repr=False)

    def block(self, name: str, kind: type[Block]) -> Block:
        """The block of that name as a frozen value; validated once.

        Raises:
            SettingsError: there is no such block, or a value in it cannot be used; names file, key, value and what is
                wanted.
        """
        if name in IN_OWN_FILE:
            return self._in_own_file(name, kind)
        if name not in self.content:
            raise SettingsError(f"{self.params_file} has no block {name!r}. Add one, as in the params.yaml of ReelOps.")
        return self._validated(self.content[name], kind, name)

    def entry(self, block: str, name: str, kind: type[Block]) -> Block:
        """One entry of a block that holds several of a kind, such as a profile; validated once.

        Raises:
            SettingsError: there is no such entry, or a value in it cannot be used; names file, key, value and what is
                wanted.
        """
        there = self.names(block)
        if name not in there:
            guess = did_you_mean(name, there) or f" There are: {', '.join(there) or 'none'}."
            raise SettingsError(f"{self.params_file} has no {block}.{name}.{guess}")
        return self._validated(self.content[block][name], kind, block, name)

    def names(self, block: str) -> list[str]:
        """The entries of a block that holds several of a kind; none where it is missing or is none of that sort."""
        entries = self.content.get(block)
        return list(entries) if isinstance(entries, Mapping) else []

    def but(self, **blocks: Any) -> Config:
        """The same settings, with other content of these blocks of params.yaml."""
        return Config(self.settings, {**self.content, **blocks})

    def _validated(self, content: Any, kind: type[Block], *where: str) -> Block:
        known = self._blocks.get((where, kind))
        if isinstance(known, kind):
            return known
        try:
            block = kind.model_validate(content)
        except ValidationError as error:
            raise SettingsError(f"{self.params_file}: {describe(error, *where)}") from error
        self._blocks[where, kind] = block
        return block

    def _in_own_file(self, name: str, kind: type[Block]) -> Block:
        known = self._blocks.get(((name,), kind))
        if isinstance(known, kind):
            return known
        beside = self.root / f"{name}.yaml"
        file = beside if beside.is_file() else shipped_folder() / beside.name
        try:
            block = kind.model_validate(_read(file))
        except ValidationError as error:
            raise SettingsError(f"{file}: {describe(error)}") from error
        self._blocks[(name,), kind] = block
        return block

    @property
    def params_file(self) -> Path:
        return self.settings.params_file

    @property
    def root(self) -> Path:
        """The project's folder, which relative paths count from."""
        return self.settings.root

    @property
    def project(self) -> Path:
        """The folder of the params.yaml that counts; a dvc.lock that goes with it is here."""
        return self.params_file.parent

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def cache(self) -> Path:
        return self.settings.cache

    @property
    def outputs(self) -> Path:
        return self.settings.outputs

    @property
    def mlflow_tracking_uri(self) -> str:
        return self.settings.mlflow_tracking_uri

    @property
    def ledger_uri(self) -> str:
        return self.settings.ledger_uri


def load_config(**overrides: Any) -> Config:
    """Settings from the environment, and params.yaml.

    Args:
        overrides: any of the `Settings`.

    Raises:
        SettingsError: a setting cannot be used, nothing can be kept in the home folder, or params.yaml cannot be read.
    """
    settings = load_settings(**overrides)
    settings.require_home()
    return read_config(settings)


def read_config(settings: Settings) -> Config:
    """params.yaml as these settings place it.

    Raises:
        SettingsError: it cannot be read, or has a block that is in a file of its own, or that nobody knows.
    """
    content = _read(settings.params_file)
    if moved := [name for name in IN_OWN_FILE if name in content]:
        raise SettingsError(
            f"{settings.params_file} has the block {moved[0]!r}, which has a file of its own now. "
            f"Move what is in it to {settings.root / moved[0]}.yaml, or remove it."
        )
    for name in content:
        if name not in BLOCKS and not name.startswith(OWN_PREFIX):
            guess = did_you_mean(name, BLOCKS) or f" There are: {', '.join(BLOCKS)}."
            own = f"A block of your own begins with {OWN_PREFIX}."
            raise SettingsError(f"{settings.params_file}: there is no block {name!r}.{guess} {own}")
    shipped = shipped_folder() / PARAMS_NAME
    return Config(settings, content if shipped == settings.params_file else override(_read(shipped), content))


def override(shipped: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The blocks that ReelOps ships, with a project's own in their place; profiles and limits name by name."""
    merged = {**shipped, **own}
    for name in BY_NAME:
        if isinstance(shipped.get(name), Mapping) and isinstance(own.get(name), Mapping):
            merged[name] = {**shipped[name], **own[name]}
    return merged


def find_files(patterns: Sequence[str], root: Path, key: str) -> tuple[list[Path], list[str]]:
    """Files that match globs, by name within each glob, and the globs that match none.

    Args:
        root: what they are relative to; they may climb out of it. Stars stand in file names only.
        key: what the globs are called in params.yaml.

    Raises:
        SettingsError: a folder has a star, or a glob names no file.
    """
    found: list[Path] = []
    empty = []
    for pattern in patterns:
        path = with_home(Path(pattern))
        if "*" in str(path.parent):
            raise SettingsError(f"{key}: {pattern} has a star in a folder; use one in the file name only.")
        if not path.name:
            raise SettingsError(f"{key}: {pattern!r} names no file; name one, or several by a star.")
        folder = real_path((root / path).parent)  # pathlib's globs cannot climb
        files = sorted(file for file in folder.glob(path.name) if file.is_file()) if folder.is_dir() else []
        found += files
        if not files:
            empty.append(pattern)
    return found, empty


def exact_rate(value: Any) -> Any:
    """Frames per second as an exact fraction, for a field's validator: a YAML float such as 29.97 is none."""
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(f"write the exact rate as a fraction, such as 30000/1001, not {value}")
    try:
        return Fraction(value) if isinstance(value, str | int | float) else value
    except ZeroDivisionError as error:
        raise ValueError(f"{value} is no rate") from error


def describe(error: ValidationError, *where: str) -> str:
    """The first thing wrong as a sentence, and how many more there are.

    Args:
        where: the keys above the value that was validated.
    """
    first, *others = error.errors()
    key = ".".join([*where, *(str(part) for part in first["loc"])])
    more = f" {len(others)} more to mend after it." if others else ""
    if first["type"] in ("unknown", "truth"):
        return f"{key}{'.' if key else ''}{first['msg']}{more}"
    if first["type"] == "renamed":
        return f"{key}{'.' if key else ''}{first['msg']}. Rename it.{more}"
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    given = "" if first["type"] == "missing" else f" is {_shown(first.get('input'))}"
    return f"{key}{given}: {message[:1].lower()}{message[1:]}.{more}"


def _shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    brief = reprlib.Repr()
    brief.maxlevel, brief.maxstring, brief.maxother, brief.maxlong = 3, *[_LONGEST_VALUE] * 3
    text = brief.repr(value)
    return text if len(text) <= 2 * _LONGEST_VALUE else f"{text[: 2 * _LONGEST_VALUE]}..."


def _read(params_file: Path) -> dict[str, Any]:
    if not params_file.exists():
        raise SettingsError(
            f"There is no {params_file}. Correct or unset REELOPS_PARAMS_FILE; if it is not set, install ReelOps again."
        )
    return read_yaml(params_file)
