"""Importing diffusers and transformers, which is most of what a start takes."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

# Fifteen schedulers import it for a kind of noise level that none of CogVideoX's has.
_SELDOM_USED = "scipy.stats"
_loading = threading.RLock()


@contextmanager
def importing_models() -> Iterator[None]:
    """Within it diffusers and transformers are imported in less time; they are the same afterwards.

    Both read the records of all installed packages to know which there are: within the block these are read once. What
    is seldom used is loaded when somebody first asks it for something.
    """
    _load_when_used(_SELDOM_USED)
    read = importlib.metadata.packages_distributions
    importlib.metadata.packages_distributions = cache(read)
    try:
        yield
    finally:
        importlib.metadata.packages_distributions = read


class _LoadedWhenUsed(ModuleType):
    """A module whose code runs when an attribute of it is first asked for.

    Python's own LazyLoader runs it as soon as a second module imports it, as `import` looks at `__spec__`.
    """

    def __getattr__(self, name: str) -> Any:
        with _loading:
            if type(self) is _LoadedWhenUsed:
                self.__class__ = ModuleType  # type: ignore[assignment] # what it is from here on
                assert self.__spec__ is not None and self.__spec__.loader is not None
                self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def _load_when_used(name: str) -> None:
    if name in sys.modules:
        return
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return
    if spec is None or spec.loader is None:
        return
    module = _LoadedWhenUsed(name)
    module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
    module.__path__ = list(spec.submodule_search_locations or [])
    module.__package__ = spec.parent
    sys.modules[name] = module
