"""A recipe put into effect for one sampling, and what each of its switches did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from reelops.cogvideox.recipes.catalogue import BENEATH, FAMILIES
from reelops.cogvideox.recipes.counting import counted
from reelops.cogvideox.recipes.finding import Finding, Found, Run, Switch
from reelops.cogvideox.recipes.recipe import NamedRecipe, RecipeRefused
from reelops.errors import Fault, fault_of
from reelops.foreign import reason_of


@dataclass
class Applied:
    """A recipe that is in effect."""

    named: NamedRecipe
    _found: list[Found] = field(default_factory=list)

    def findings(self) -> tuple[Finding, ...]:
        """What each switch did, in the order of the recipe; once the sampling is over."""
        return tuple(found() for found in self._found)


@contextmanager
def recipe_applied(run: Run) -> Iterator[Applied]:
    """The pipeline with a recipe; without its switches again afterwards, but for the weights of a loaded model.

    Raises:
        RecipeRefused: a switch cannot be used here, or what it does fails in the sampling.
    """
    applied, switches = Applied(run.named), run.named.recipe.switches
    if not switches:
        yield applied
        return
    entered: dict[str, Found] = {}
    with ExitStack() as stack:

        def enter(families: dict[str, Switch]) -> None:
            for name, switch in families.items():
                if name in switches:
                    entered[name] = _entered(stack, name, switch, run)

        enter(dict(BENEATH))
        stack.enter_context(counted(run.pipeline.transformer, run.work, within_blocks="compiled" not in switches))
        enter(dict(FAMILIES))
        applied._found[:] = [entered[name] for name in switches]
        try:
            yield applied
        except Exception as error:
            if fault_of(error) is not Fault.OURS:
                raise
            raise run.named.refuse(", ".join(switches), f"the sampling failed with it: {reason_of(error)}") from error


def _entered(stack: ExitStack, name: str, switch: Switch, run: Run) -> Found:
    try:
        return stack.enter_context(switch(getattr(run.named.recipe, name), run))
    except RecipeRefused:
        raise
    except Exception as error:
        if fault_of(error) is not Fault.OURS:
            raise
        raise run.named.refuse(name, f"it is refused by the model: {reason_of(error)}") from error
