"""params.yaml, the file of what a user tunes: read once, at the edge, and handed on as a frozen value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from reelops.errors import SettingsError
from reelops.settings import Settings, load_settings

Block = TypeVar("Block", bound=BaseModel)


class ParamsBlock(BaseModel):
    """A mapping in params.yaml as a frozen value, which refuses keys that it does not know.

    Attributes:
        renamed: keys that had another name in an earlier ReelOps, old to new, so that the refusal names the new one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    renamed: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _refuse_old_names(cls, given: Any) -> Any:
        for old in given if isinstance(given, Mapping) else ():
            if old in cls.renamed:
                raise PydanticCustomError("renamed", "{old} is now {new}", {"old": old, "new": cls.renamed[old]})
        return given


@dataclass(frozen=True, eq=False)
class Config:
    """Where stores are, and what params.yaml said when it was read.

    It is read once, by whoever was called from outside, and travels from there: nothing below looks at the file again,
    so all parts of a run follow the same text.

    Attributes:
        settings: places and servers.
        content: params.yaml by block.
    """

    settings: Settings
    content: Mapping[str, Any]
    _blocks: dict[tuple[str, type[BaseModel]], BaseModel] = field(default_factory=dict, repr=False)

    def block(self, name: str, kind: type[Block]) -> Block:
        """The block of that name as a frozen value; validated once.

        Raises:
            SettingsError: there is no such block, or a value in it cannot be used; names file, key, value and what is
                wanted.
        """
        known = self._blocks.get((name, kind))
        if isinstance(known, kind):
            return known
        if name not in self.content:
            raise SettingsError(f"{self.params_file} has no block {name!r}. Add one, as in the params.yaml of ReelOps.")
        try:
            block = kind.model_validate(self.content[name])
        except ValidationError as error:
            raise SettingsError(f"{self.params_file}: {describe(error, name)}") from error
        self._blocks[name, kind] = block
        return block

    @property
    def params_file(self) -> Path:
        return self.settings.params_file

    @property
    def root(self) -> Path:
        """The project's folder, which relative paths count from."""
        return self.settings.root

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


def load_config(**overrides: Any) -> Config:
    """Settings from the environment, and params.yaml.

    Args:
        overrides: any of the `Settings`.

    Raises:
        SettingsError: a setting cannot be used, or params.yaml cannot be read.
    """
    return read_config(load_settings(**overrides))


def read_config(settings: Settings) -> Config:
    """params.yaml as these settings place it.

    Raises:
        SettingsError: it cannot be read.
    """
    return Config(settings, _read(settings.params_file))


def find_files(patterns: Sequence[str], root: Path, key: str) -> tuple[list[Path], list[str]]:
    """Files that match globs, by name within each glob, and the globs that match none.

    Args:
        root: what they are relative to; they may climb out of it. Stars stand in file names only.
        key: what the globs are called in params.yaml.

    Raises:
        SettingsError: a folder has a star.
    """
    found: list[Path] = []
    empty = []
    for pattern in patterns:
        path = root / Path(pattern).expanduser()
        if "*" in str(path.parent):
            raise SettingsError(f"{key}: {pattern} has a star in a folder; use one in the file name only.")
        folder = path.parent.resolve()  # pathlib's globs cannot climb
        files = sorted(file for file in folder.glob(path.name) if file.is_file()) if folder.is_dir() else []
        found += files
        if not files:
            empty.append(pattern)
    return found, empty


def describe(error: ValidationError, *where: str) -> str:
    """The first thing wrong as a sentence, and how many more there are.

    Args:
        where: the keys above the value that was validated.
    """
    first, *others = error.errors()
    key = ".".join([*where, *(str(part) for part in first["loc"])])
    more = f" {len(others)} more to mend after it." if others else ""
    if first["type"] == "renamed":
        return f"{key}.{first['msg']}. Rename it.{more}"
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    given = "" if first["type"] == "missing" else f" is {first.get('input')!r}"
    return f"{key}{given}: {message[:1].lower()}{message[1:]}.{more}"


def _read(params_file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(params_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"There is no {params_file}. Work in a checkout of ReelOps, or set REELOPS_PARAMS_FILE to a params.yaml."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{params_file} cannot be read as a text file: {error}. Give a params.yaml.") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{params_file} is not valid YAML: {' '.join(str(error).split())}. Correct it.") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{params_file} holds no blocks; a mapping such as 'score:' and 'gate:' is wanted.")
    return content
