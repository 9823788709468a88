"""Modules that others take names from while they are imported, and seldom use: the first use loads them."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_changing = threading.RLock()
_blocks: list[object] = []


@contextmanager
def names_come_later(modules: Iterable[str]) -> Iterator[None]:
    """Within it `from module import name` gives a stand-in for the name, for those modules that nothing has loaded yet.

    A stand-in is called, asked for attributes, inherited from and compared against as what it stands for, and that
    loads it; nothing is an instance of a class that was never loaded. As soon as one is loaded, and from the end of the
    block on, modules are imported as ever.

    Args:
        modules: full names, packages before what is within them; those that are not installed are left out.
    """
    block = object()
    with _changing:
        for name in modules:
            _stand_in(name)
        _blocks.append(block)
    try:
        yield
    finally:
        with _changing:
            _blocks.remove(block)
            if not _blocks:
                _take_away()


class _LateModule(ModuleType):
    """Stands where a module will be."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} before it is loaded")
        return _LateName(self, name) if sys.modules.get(self.__name__) is self else _real(self.__name__, name)


class _LateName:
    """Stands for something of a module that is not loaded yet."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self.__dict__.update(_module=module.__name__, _name=name, __doc__=None)

    def __instancecheck__(self, instance: object) -> bool:
        return self._is_loaded() and isinstance(instance, self._real())

    def __subclasscheck__(self, subclass: type) -> bool:
        return self._is_loaded() and issubclass(subclass, self._real())

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self._real(),)

    def __or__(self, other: Any) -> Any:
        return self._real() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._real()

    def __call__(self, *values: Any, **named: Any) -> Any:
        return self._real()(*values, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def _is_loaded(self) -> bool:
        return not isinstance(sys.modules.get(self._module), _LateModule | None)

    def _real(self) -> Any:
        return _real(self._module, self._name)


def _real(module: str, name: str) -> Any:
    """A name of a module that is loaded as ever: what it imports finds no stand-ins."""
    with _changing:
        _take_away()
    return getattr(importlib.import_module(module), name)


def _take_away() -> None:
    for name, module in list(sys.modules.items()):
        if isinstance(module, _LateModule):
            del sys.modules[name]
            package, _, short = name.rpartition(".")
            if package in sys.modules and vars(sys.modules[package]).get(short) is module:
                delattr(sys.modules[package], short)


def _stand_in(name: str) -> None:
    if name in sys.modules:
        return
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return
    if spec is None:
        return
    module = _LateModule(name)
    module.__spec__, module.__file__, module.__package__ = spec, spec.origin, spec.parent
    if spec.submodule_search_locations is not None:
        module.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = module
    package, _, short = name.rpartition(".")
    if package:
        setattr(sys.modules[package], short, module)
