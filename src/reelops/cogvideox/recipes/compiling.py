"""The transformer's blocks compiled: one block's code serves all of them, as their weights are its input.

Only a block's innermost forward pass is compiled. What caches put around it stays Python, so that they decide as ever
and the code in between is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from reelops.cogvideox.recipes.counting import forward_replaced
from reelops.cogvideox.recipes.finding import Finding, Found, Run
from reelops.cogvideox.recipes.recipe import Compiled
from reelops.foreign import reason_of

SWITCH = "compiled"


@dataclass
class Tally:
    """What a compiler made.

    Attributes:
        graphs: pieces of code that were compiled.
        runs: how often these were run.
    """

    graphs: int = 0
    runs: int = 0


_TALLIES: dict[Compiled, tuple[Callable[..., Any], Tally]] = {}
_COMPILED: WeakKeyDictionary[Any, dict[Compiled, Callable[..., Any]]] = WeakKeyDictionary()


@contextmanager
def compiled(setting: Compiled, run: Run) -> Iterator[Found]:
    """The transformer with compiled blocks; the code is kept for the next sampling.

    Raises:
        RecipeRefused: there is no such backend, or no compiler that it needs.
    """
    backend, tally = _counting_backend(setting, run)
    blocks = run.pipeline.transformer.transformer_blocks
    runs = tally.runs
    with ExitStack() as stack:
        for block in blocks:
            stack.enter_context(forward_replaced(block, _compiled_forward(block, setting, backend)))
        yield lambda: _found(tally, tally.runs - runs, len(blocks), run)


def _found(tally: Tally, runs: int, blocks: int, run: Run) -> Finding:
    calls = sum(run.work.calls["block"])
    found = f"{blocks} blocks in {tally.graphs} pieces of code, which ran {runs} times in {calls} calls of blocks"
    return Finding(SWITCH, tally.graphs > 0 and runs >= calls > 0, found)


def _compiled_forward(block: Any, setting: Compiled, backend: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    known = _COMPILED.setdefault(block, {})
    if setting not in known:
        forward = type(block).forward
        known[setting] = torch.compile(forward, backend=backend)
    forward = known[setting]

    def call(*args: Any, **kwargs: Any) -> Any:
        return forward(block, *args, **kwargs)

    return call


def _counting_backend(setting: Compiled, run: Run) -> tuple[Callable[..., Any], Tally]:
    """The backend, which counts what it compiles and how often that is run; tried out when it is first asked for."""
    import torch

    if setting in _TALLIES:
        return _TALLIES[setting]
    tally = Tally()
    try:
        make = _maker(setting)
        backend = _counting(make, tally)
        torch.compile(lambda x: (x + 1).sum(), backend=backend)(torch.ones(4))
    except Exception as error:  # no such backend, no C++ compiler, no Triton, ...
        why = reason_of(getattr(error, "inner_exception", error))
        raise run.named.refuse(SWITCH, f"{setting.backend} cannot compile here: {why}") from error
    tally.graphs = tally.runs = 0
    _TALLIES[setting] = (backend, tally)
    return _TALLIES[setting]


def _counting(make: Callable[[Any, Any], Callable[..., Any]], tally: Tally) -> Callable[..., Any]:
    def backend(graph: Any, inputs: Any) -> Callable[..., Any]:
        code = make(graph, inputs)
        tally.graphs += 1

        def run(*args: Any) -> Any:
            tally.runs += 1
            return code(*args)

        return run

    return backend


def _maker(setting: Compiled) -> Callable[[Any, Any], Callable[..., Any]]:
    import torch

    if setting.backend != "inductor":
        found: Callable[[Any, Any], Callable[..., Any]] = torch._dynamo.lookup_backend(setting.backend)
        return found
    from torch._inductor import list_mode_options
    from torch._inductor.compile_fx import compile_fx

    options = list_mode_options(setting.mode)

    def make(graph: Any, inputs: Any) -> Callable[..., Any]:
        code: Any = compile_fx(graph, inputs, config_patches=options)
        return code  # type: ignore[no-any-return] # callable where no other form is asked for

    return make
