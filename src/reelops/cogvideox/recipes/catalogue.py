"""All families of switches by name, in the order in which they are put into effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from reelops.cogvideox.recipes.attention import dispatched
from reelops.cogvideox.recipes.caching import cached
from reelops.cogvideox.recipes.compiling import compiled
from reelops.cogvideox.recipes.finding import Finding, Found, Run, Switch
from reelops.cogvideox.recipes.recipe import KeptEncodings
from reelops.cogvideox.recipes.schedule import guidance_set, sampling_set
from reelops.cogvideox.recipes.vae import vae_set
from reelops.cogvideox.recipes.weights import weights_held


@contextmanager
def _encodings_kept(setting: KeptEncodings, run: Run) -> Iterator[Found]:
    kept = run.encodings
    kept.most = setting.kept
    made, reused = kept.made, kept.reused
    try:
        yield lambda: Finding(
            "encodings", True, f"{kept.reused - reused} of {kept.made - made + kept.reused - reused} were known"
        )
    finally:
        kept.most = 0


@contextmanager
def _offloaded(offload: str, run: Run) -> Iterator[Found]:
    """What the memory plan has."""
    plan = run.plan
    if plan is None or plan.offload != offload:
        raise run.named.refuse("offload", f"the model is held with {plan.described if plan else 'no plan'}")
    yield lambda: Finding("offload", True, f"{plan.described}: about {plan.peak_bytes / 1e9:.1f} GB at the peak")


FAMILIES: Mapping[str, Switch] = {
    "sampling": sampling_set,
    "guidance": guidance_set,
    "attention": dispatched,
    "cache": cached,
    "vae": vae_set,
    "encodings": _encodings_kept,
    "weights": weights_held,
    "offload": _offloaded,
}
"""By the fields of `Recipe`, but for `compiled`, which lies beneath the counters."""

BENEATH: Mapping[str, Switch] = {"compiled": compiled}
