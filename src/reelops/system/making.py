"""What makes a result that is kept: the code that computes it, and the libraries under that code.

A result in a cache is right as long as whatever decided it is as it was. Its inputs are in its key by value; that the
code and the libraries are, too, is seen to here, by reading imports: so no module and no library can be forgotten.
A comment, a docstring or another layout of the source changes nothing.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

SOURCE = Path(__file__).resolve().parents[2]
PACKAGE = "reelops"
# They say where things lie, how they are written and what is told of them. What they hand to a computation (settings, a
# device) is in its key by value. A change of a message must not cost the latents of a whole data set.
NEVER_DECIDE = (
    *("addresses", "errors", "foreign", "params", "progress", "settings", "shown_address", "system", "tracking"),
    "yaml_file",
)
# It brings bytes that are in the keys by their digests.
_NEVER_DECIDING_LIBRARIES = frozenset({"huggingface_hub"})
# What is imported under another name than it is installed by. Any other such name is looked up, which takes longer.
_INSTALLED_AS = {"PIL": "pillow", "cv2": "opencv-contrib-python", "skimage": "scikit-image", "yaml": "pyyaml"}
_DATA = (".json", ".yaml")


@dataclass(frozen=True)
class Making:
    """What computes a kind of result.

    Attributes:
        code: digest of the source of all modules that take part.
        libraries: `numpy 2.4.1`, by the names that they are installed by.
    """

    code: str
    libraries: tuple[str, ...]

    @property
    def digest(self) -> str:
        """One digest over all of it."""
        return _digest((self.code, *self.libraries))


@dataclass(frozen=True)
class _Module:
    """A module as it was read: digest of what it says, and the names that it imports."""

    digest: str
    imports: frozenset[str]


def making_of(*modules: str, apart_from: Sequence[str] = (), source: Path = SOURCE) -> Making:
    """What takes part when these modules compute: they themselves and whatever they import, however far.

    Imports within functions count, those for type checkers alone do not. It is worked out once a process.

    Args:
        modules: by their names: `reelops.metrics.suite`.
        apart_from: modules or packages of ReelOps that are imported and do not decide the result, beside
            `NEVER_DECIDE`; what only they import is left out with them.
        source: the folder that holds the package.

    Raises:
        LookupError: there is no such module.
    """
    return _making_of(modules, tuple(apart_from), source)


def modules_of(*modules: str, apart_from: Sequence[str] = (), source: Path = SOURCE) -> Mapping[str, Path]:
    """The modules that take part, by name, with their files; arguments as for `making_of`."""
    return MappingProxyType(dict(_found(modules, tuple(apart_from), source)))


@cache
def _making_of(modules: tuple[str, ...], apart_from: tuple[str, ...], source: Path) -> Making:
    files = dict(_found(modules, apart_from, source))
    parts = [f"{name} {_read(path).digest}" for name, path in sorted(files.items())]
    parts += [f"{path.relative_to(source)} {_digest_of(path.read_bytes())}" for path in _data_beside(files.values())]
    others = {name.partition(".")[0] for path in files.values() for name in _read(path).imports}
    installed = sorted({one for name in others - {PACKAGE, *_NEVER_DECIDING_LIBRARIES} for one in _installed_as(name)})
    return Making(_digest(parts), tuple(f"{one} {metadata.version(one)}" for one in installed))


def _found(modules: Sequence[str], apart_from: Sequence[str], source: Path) -> Iterator[tuple[str, Path]]:
    """Every module once, with its file."""
    for name in modules:
        if _file_of(name, source) is None:
            raise LookupError(f"there is no module {name} in {source}")
    left_out = (*(f"{PACKAGE}.{name}" for name in NEVER_DECIDE), *apart_from)
    seen: set[str] = {PACKAGE}  # it holds the version, and names that are loaded when they are first used
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in seen or any(name == one or name.startswith(f"{one}.") for one in left_out):
            continue
        seen.add(name)
        path = _file_of(name, source)
        if path is None:  # a name within a module
            continue
        yield name, path
        parents = name.split(".")[:-1]
        waiting += [".".join(parents[:count]) for count in range(2, len(parents) + 1)]
        waiting += [one for one in _read(path).imports if one.partition(".")[0] == PACKAGE]


def _file_of(name: str, source: Path) -> Path | None:
    place = source.joinpath(*name.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


@cache
def _read(path: Path) -> _Module:
    tree = ast.parse(path.read_bytes())
    imports: set[str] = set()
    _look_through(tree, imports)
    return _Module(_digest_of(ast.dump(tree).encode()), frozenset(imports))


def _look_through(node: Any, imports: set[str]) -> None:
    """Takes docstrings out of a node that holds statements, and adds what these import.

    Only statements import, so expressions, which most of a tree is, are not looked into.
    """
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        statements = getattr(node, block, None)
        if not isinstance(statements, list) or (block == "body" and _is_for_type_checkers(node)):
            continue
        statements[:] = [one for one in statements if not _is_text_alone(one)]
        for one in statements:
            imports.update(_imported_by(one))
            _look_through(one, imports)


def _is_for_type_checkers(node: Any) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _is_text_alone(statement: ast.AST) -> bool:
    """A docstring, of a function or of the name above it."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _imported_by(statement: ast.AST) -> Iterator[str]:
    """Names of modules, and of what is taken out of them, which may be modules."""
    if isinstance(statement, ast.Import):
        yield from (one.name for one in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        assert statement.module and not statement.level, "imports of ReelOps are absolute"
        yield statement.module
        yield from (f"{statement.module}.{one.name}" for one in statement.names)


def _data_beside(files: Iterable[Path]) -> list[Path]:
    """Files that modules read from their own folders, and from folders in these that are no packages."""
    rooms = {path.parent for path in files}
    inner = {one for room in rooms for one in room.iterdir() if one.is_dir() and not (one / "__init__.py").exists()}
    return sorted(path for folder in rooms | inner for path in folder.iterdir() if path.suffix in _DATA)


@cache
def _installed_as(name: str) -> tuple[str, ...]:
    """What a module was installed by; nothing for the standard library, and for what is not here."""
    if name in sys.stdlib_module_names:
        return ()
    installed = _INSTALLED_AS.get(name, name)
    try:
        metadata.version(installed)
        return (installed,)
    except metadata.PackageNotFoundError:
        return tuple(sorted(set(_all_installed().get(name, ()))))


@cache
def _all_installed() -> Mapping[str, Sequence[str]]:
    return metadata.packages_distributions()


def _digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest(lines: Iterable[str]) -> str:
    return _digest_of("\n".join(lines).encode())
