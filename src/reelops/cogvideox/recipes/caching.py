"""Step caches put into effect: diffusers' hooks, set up in the way in which they act on CogVideoX."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reelops.cogvideox.library_logs import without_warnings
from reelops.cogvideox.recipes.caches import (
    Cache,
    Faster,
    FirstBlock,
    Magnitude,
    PyramidAttention,
    TaylorSeer,
    switch_name,
)
from reelops.cogvideox.recipes.finding import Finding, Found, Run, per_block

# diffusers' own patterns are matched whole, and `attn` is not all of `attn1`: by themselves they match no module.
_TAYLORSEER_MODULES = (r"transformer_blocks\.\d+\.(attn1|ff)",)
_WORDS = {"block": "blocks", "attention": "attention", "feed_forward": "feed-forward layers"}


@contextmanager
def cached(cache: Cache, run: Run) -> Iterator[Found]:
    """The transformer with a cache, which is empty when the block begins.

    Raises:
        RecipeRefused: the cache fits no part of this transformer.
    """
    transformer, name = run.pipeline.transformer, switch_name(cache)
    if isinstance(cache, FirstBlock | Magnitude) and len(transformer.transformer_blocks) < 2:
        raise run.named.refuse(name, "the transformer has one block, and nothing comes after it that could be skipped")
    before = _hooks(transformer)
    with without_warnings("diffusers.hooks"):  # of a cache being experimental: what it costs is measured here
        transformer.enable_cache(_config(cache, run))
    try:
        if _hooks(transformer) == before:
            raise run.named.refuse(name, "it takes hold of no module of this transformer")
        yield lambda: _found(name, run)
    finally:
        transformer.disable_cache()


def _found(name: str, run: Run) -> Finding:
    asked, work = run.pace, run.work
    counts = "; ".join(f"{_WORDS[part]} {per_block(calls)}" for part, calls in work.calls.items())
    share = work.share(asked.rows)
    return Finding(name, share < 1.0, f"{1 - share:.0%} skipped; computed in {asked.passes} passes: {counts}")


def _config(cache: Cache, run: Run) -> Any:
    import diffusers
    from torch import float32

    match cache:
        case FirstBlock():
            return diffusers.FirstBlockCacheConfig(threshold=cache.threshold)
        case PyramidAttention():
            return diffusers.PyramidAttentionBroadcastConfig(
                spatial_attention_block_skip_range=cache.every,
                spatial_attention_timestep_skip_range=cache.timesteps,
                current_timestep_callback=lambda: run.pace.timestep,
            )
        case Faster():
            return diffusers.FasterCacheConfig(
                spatial_attention_block_skip_range=cache.every,
                spatial_attention_timestep_skip_range=cache.timesteps,
                unconditional_batch_skip_range=cache.guidance_every,
                unconditional_batch_timestep_skip_range=cache.guidance_timesteps,
                attention_weight_callback=lambda _: cache.weight,
                current_timestep_callback=lambda: run.pace.timestep,
                tensor_format="BFCHW",  # CogVideoX's; diffusers takes it for BCFHW
            )
        case Magnitude():
            ratios = cache.ratios or run.ratios
            if ratios is None:
                raise run.named.refuse(
                    switch_name(cache),
                    f"its ratios are not known for this model and {run.config.steps} steps of {run.config.scheduler}",
                    f"Run `reelops recipes {run.named.name}` with the same profile and steps, which measures them.",
                )
            return diffusers.MagCacheConfig(
                threshold=cache.threshold,
                max_skip_steps=cache.most,
                retention_ratio=cache.retained,
                num_inference_steps=run.config.steps,
                mag_ratios=list(ratios),
            )
        case TaylorSeer():
            return diffusers.TaylorSeerCacheConfig(
                cache_interval=cache.every,
                disable_cache_before_step=cache.begin,
                max_order=cache.order,
                taylor_factors_dtype=float32 if run.pipeline.transformer.dtype == float32 else None,
                cache_identifiers=None if cache.lite else list(_TAYLORSEER_MODULES),
                use_lite_mode=cache.lite,
            )


def _hooks(transformer: Any) -> int:
    """How many hooks of diffusers' its modules have."""
    return sum(len(module._diffusers_hook.hooks) for module in transformer.modules() if _is_hooked(module))


def _is_hooked(module: Any) -> bool:
    return hasattr(module, "_diffusers_hook")
