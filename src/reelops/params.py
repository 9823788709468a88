"""Reading one block of params.yaml, the file of what a user tunes, into a frozen and validated value; and its globs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from reelops.errors import SettingsError

Block = TypeVar("Block", bound=BaseModel)


def read_block(params_file: Path, name: str, kind: type[Block]) -> Block:
    """The block of that name.

    Raises:
        SettingsError: no such file or block, or a value in it cannot be used; names file, key, value and what is
            wanted.
    """
    content = _read(params_file)
    if name not in content:
        raise SettingsError(f"{params_file} has no block {name!r}. Add one, as in the params.yaml of ReelOps.")
    try:
        return kind.model_validate(content[name])
    except ValidationError as error:
        raise SettingsError(f"{params_file}: {_complaint(name, error)}") from error


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


def _complaint(name: str, error: ValidationError) -> str:
    """The first thing wrong as a sentence, and how many more there are."""
    first, *others = error.errors()
    key = ".".join([name, *(str(part) for part in first["loc"])])
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    given = "" if first["type"] == "missing" else f" is {first.get('input')!r}"
    more = f" {len(others)} more to mend after it." if others else ""
    return f"{key}{given}: {message[:1].lower()}{message[1:]}.{more}"
