"""The one door to YAML files that people write: params.yaml and the files beside it.

YAML allows much that a file of settings never means: a key given twice, of which the last one silently counts; a key
that is no text, because `on` and `5` are none; anchors that hold themselves; infinity. Such a file is refused in one
line that says where.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from reelops.errors import SettingsError
from reelops.foreign import reading_foreign

MAX_BYTES = 1_000_000
MAX_DEPTH = 30
MAX_VALUES = 100_000
"""Counted as they are read out: an anchor that is used a hundred times counts a hundred times."""
LARGEST_INTEGER = 2**63 - 1
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def read_yaml(path: Path) -> dict[str, Any]:
    """The blocks of a YAML file by name.

    Text in UTF-8 or UTF-16, with a byte order mark or (UTF-8) without. A date stays the text that it is.

    Raises:
        SettingsError: there is no such file, it cannot be read, is no YAML, or holds something that no setting can be;
            names the file, and where it is known the place in it.
        MachineError: this machine cannot read it now.
    """
    if not path.exists():
        raise SettingsError(f"There is no {path}. Name a file that is there.")
    if not path.is_file():
        raise SettingsError(f"{path} is no file. Give a file in YAML.")
    with reading_foreign(path, SettingsError, "cannot be read", "give a text file that you may read"):
        size = path.stat().st_size
        text = path.read_bytes() if size <= MAX_BYTES else b""
    if size > MAX_BYTES:
        raise SettingsError(f"{path} has {size:,} bytes, and settings have {MAX_BYTES:,} at most. Give another file.")
    with reading_foreign(path, SettingsError, "is not valid YAML", "correct it"):
        content = _parse(text)
    if not isinstance(content, dict):
        raise SettingsError(f"{path} holds no blocks; a mapping such as 'score:' and 'gate:' is wanted.")
    _Walk(path).check(content)
    return content


def _parse(text: bytes) -> Any:
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(f"{where}{error.problem or error.context}") from error


class _StrictLoader(yaml.SafeLoader):
    """Refuses keys that are given twice or are no text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        if isinstance(node, yaml.MappingNode):
            self._check_keys(node)
        return super().construct_mapping(node, deep)

    def _check_keys(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.tag != "tag:yaml.org,2002:str":
                shown = getattr(key, "value", "")
                shown = repr(shown) if isinstance(shown, str) else "a list or mapping"
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {shown} is no text; put it in quotes", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
            seen.add(key.value)


# Dates are texts: no setting is one, and a name such as 2024-05-01 is to stay what it is.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Walk:
    """Looks at every value once for each place where it counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0

    def check(self, value: Any, *where: str) -> None:
        self._seen += 1
        if self._seen > MAX_VALUES:
            raise SettingsError(f"{self._path} holds more than {MAX_VALUES:,} values. Correct its anchors.")
        if len(where) > MAX_DEPTH:
            key = ".".join(where[:3])
            raise SettingsError(f"{self._path}: {key} is nested more than {MAX_DEPTH} deep, or holds itself.")
        if isinstance(value, Mapping):
            for key, inner in value.items():
                self._check_text(str(key), *where)
                self.check(inner, *where, str(key))
        elif isinstance(value, list | tuple | set):
            for place, inner in enumerate(value):
                self.check(inner, *where, str(place))
        elif isinstance(value, int | float) and not _is_plain(value):
            key, what = ".".join(where), f"{value}" if isinstance(value, float) else "larger than 64 bits hold"
            raise SettingsError(f"{self._path}: {key} is {what}; give a plain number.")
        elif isinstance(value, str):
            self._check_text(value, *where)

    def _check_text(self, text: str, *where: str) -> None:
        """Escapes can say what no file's name and no text in UTF-8 holds."""
        if found := _NO_TEXT.search(text):
            key = ".".join(where) or "a key"
            raise SettingsError(f"{self._path}: {key} holds {found[0]!a}, which no text has; take it out.")


def _is_plain(value: int | float) -> bool:
    return math.isfinite(value) if isinstance(value, float) else abs(value) <= LARGEST_INTEGER
