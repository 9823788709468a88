"""Importing diffusers and transformers, which is most of what a start takes."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from reelops.cogvideox.late_names import names_come_later

# Fifteen schedulers import it for a kind of noise level that none of CogVideoX's has.
_SELDOM_USED = "scipy.stats"
_COMPILER = "torch._dynamo"
_MARKS = ("allow_in_graph", "assume_constant_result", "disable")
# Tensors in pieces on several machines, which bring sympy, matching for losses of detectors, layers of adapters: the
# libraries take names of these, and mostly only ask whether something is an instance of one.
_SELDOM_ASKED = (
    "torch.distributed.tensor",
    "torch.distributed.tensor._utils",
    "torch.distributed.tensor.placement_types",
    "torch.distributed._composable.fsdp",
    "torch.distributed.fsdp",
    "torch.distributed.checkpoint",
    "torch.distributed.checkpoint.hf_storage",
    "transformers.distributed.tensor_parallel",
    "transformers.distributed.expert_parallel",
    "scipy.optimize",
    "scipy.integrate",
    "peft",
    "peft.tuners",
    "peft.tuners.tuners_utils",
    "peft.helpers",
)
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
        with compiler_unused():
            yield
    finally:
        importlib.metadata.packages_distributions = read


@contextmanager
def compiler_unused() -> Iterator[None]:
    """Within it torch's compiler is not imported by what only marks functions for it: the first to compile does so.
    What is asked at most whether something is an instance of it is not imported either.

    Where there is a GPU, on which models are compiled, all is imported at once and reads the marks.
    """
    import torch

    compiler = None if torch.cuda.is_available() else _load_when_used(_COMPILER)
    if compiler is None:
        yield
        return
    # Transformers wants a module within it that needs nothing else of it.
    marks = dict.fromkeys(_MARKS, _unmarked) | {"__path__": _places(compiler)}
    # What diffusers asks of each part of a pipeline; until the compiler is loaded there is nothing that it compiled.
    nothing = SimpleNamespace(OptimizedModule=type("OptimizedModule", (), {}))
    compiler.stand_ins = {"eval_frame": nothing, **marks}
    try:
        with names_come_later(_SELDOM_ASKED):
            yield
    finally:
        with _loading:
            if isinstance(compiler, _LoadedWhenUsed):
                compiler.stand_ins = {"eval_frame": nothing}


@contextmanager
def nothing_drawn_without_memory() -> Iterator[None]:
    """Within it weights that have no memory yet are not drawn at random either: torch would only check whether it
    could, and imports sympy for that."""
    import torch.nn.init

    # Beneath `normal_`, in whose place transformers puts what it kept of it.
    draw = torch.nn.init._no_grad_normal_
    torch.nn.init._no_grad_normal_ = lambda tensor, *given: tensor if tensor.is_meta else draw(tensor, *given)
    try:
        yield
    finally:
        torch.nn.init._no_grad_normal_ = draw


def _unmarked(function: Any = None, *_options: Any, **_named: Any) -> Any:
    """A decorator, with or without options, that leaves its function as it is."""
    return _unmarked if function is None else function


class _LoadedWhenUsed(ModuleType):
    """A module whose code runs when an attribute of it is first asked for, or a module within it.

    Python's own LazyLoader runs it as soon as a second module imports it, as `import` looks at `__spec__`.

    Attributes:
        stand_ins: attributes that it has until then.
    """

    stand_ins: Mapping[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        with _loading:
            if type(self) is _LoadedWhenUsed:
                if name in self.stand_ins:
                    return self.stand_ins[name]
                self.__class__ = ModuleType  # type: ignore[assignment] # what it is from here on
                vars(self).pop("stand_ins", None)
                assert self.__spec__ is not None and self.__spec__.loader is not None
                self.__path__ = _places(self)
                self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def _places(module: ModuleType) -> list[str]:
    """Where the modules within it are."""
    assert module.__spec__ is not None
    return list(module.__spec__.submodule_search_locations or [])


def _load_when_used(name: str) -> _LoadedWhenUsed | None:
    """The module, if there is one and nothing has loaded it yet."""
    if name in sys.modules:
        there = sys.modules[name]
        return there if isinstance(there, _LoadedWhenUsed) else None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.loader is None:
        return None
    module = _LoadedWhenUsed(name)
    module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
    module.__package__ = spec.parent
    sys.modules[name] = module
    return module
