"""The transformer's attention by a kernel of one's choice, for this model alone.

diffusers' own attention of CogVideoX calls PyTorch directly, so that its `set_attention_backend` changes nothing here
but what all other models of the process use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.attention_dispatch import AttentionBackendName, attention_backend, dispatch_attention_fn
from diffusers.models.attention_processor import CogVideoXAttnProcessor2_0
from diffusers.models.embeddings import apply_rotary_emb
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from reelops.cogvideox.recipes.finding import Finding, Found, Run
from reelops.cogvideox.recipes.recipe import Attention
from reelops.foreign import reason_of

SWITCH = "attention"
_NATIVE = "native"
# What a kernel may differ from exact attention, as a share of its size: bfloat16 differs by 0.003, eight bits by 0.03.
_MOST_DIFFERENCE = 0.08
_TRIAL_TOKENS = 256


class DispatchedAttention(CogVideoXAttnProcessor2_0):  # type: ignore[misc] # diffusers comes without types
    """CogVideoX's attention over text and video, by a backend of diffusers' dispatcher.

    Attributes:
        calls: how often it was called, not counting what runs within compiled code.
    """

    def __init__(self, backend: str) -> None:
        super().__init__()
        self.backend = AttentionBackendName(backend)
        self.calls = 0

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        image_rotary_emb: Any = None,
    ) -> tuple[Tensor, Tensor]:
        """Video tokens (B, N, D) and text tokens (B, L, D), each after attention to both."""
        text = encoder_hidden_states.shape[1]
        both = torch.cat([encoder_hidden_states, hidden_states], dim=1)
        query, key, value = (layer(both).unflatten(2, (attn.heads, -1)) for layer in (attn.to_q, attn.to_k, attn.to_v))
        query = query if attn.norm_q is None else attn.norm_q(query)
        key = key if attn.norm_k is None else attn.norm_k(key)
        if image_rotary_emb is not None:
            query, key = (_turned(tokens, text, image_rotary_emb) for tokens in (query, key))
        mixed = dispatch_attention_fn(query, key, value, attn_mask=attention_mask, backend=self.backend)
        if not torch.compiler.is_compiling():
            self.calls += 1
        mixed = attn.to_out[1](attn.to_out[0](mixed.flatten(2)))
        text_mixed, video_mixed = mixed.split([text, mixed.shape[1] - text], dim=1)
        return video_mixed, text_mixed


def _turned(tokens_BLHD: Tensor, text: int, rotary: Any) -> Tensor:
    """Video tokens turned by their positions; those of the text stay."""
    turned = apply_rotary_emb(tokens_BLHD[:, text:].transpose(1, 2), rotary).transpose(1, 2)
    return torch.cat([tokens_BLHD[:, :text], turned], dim=1)


@contextmanager
def dispatched(setting: Attention, run: Run) -> Iterator[Found]:
    """The transformer with the first of the kernels that works here, is exact enough, and is another than its own.

    Raises:
        RecipeRefused: none of them is; says why of each.
    """
    blocks = run.pipeline.transformer.transformer_blocks
    tried = []
    for backend in setting.backends:
        trial = try_backend(backend, run.pipeline.transformer)
        if trial.refusal is None:
            break
        tried.append(f"{backend}: {trial.refusal}")
    else:
        raise run.named.refuse(SWITCH, f"no backend can be used here ({'; '.join(tried)})")
    own = [block.attn1.processor for block in blocks]
    processors = [DispatchedAttention(trial.backend) for _ in blocks]
    try:
        for block, processor in zip(blocks, processors, strict=True):
            block.attn1.set_processor(processor)
        yield lambda: _found(trial, processors, run)
    finally:
        for block, processor in zip(blocks, own, strict=True):
            block.attn1.set_processor(processor)


def _found(trial: Trial, processors: list[DispatchedAttention], run: Run) -> Finding:
    calls = sum(processor.calls for processor in processors)
    if "attention" in run.work.calls:
        return Finding(SWITCH, calls > 0, f"{trial.backend} in {calls} calls, by {trial.kernel}")
    blocks = sum(run.work.calls["block"])
    return Finding(SWITCH, blocks > 0, f"{trial.backend} within {blocks} compiled calls, by {trial.kernel}")


@dataclass(frozen=True)
class Trial:
    """What a backend did with a few random tokens.

    Attributes:
        kernel: what really ran, as PyTorch names it.
        difference: from exact attention, relative; None where it did not run.
        refusal: why it is not used; None where it can be.
    """

    backend: str
    kernel: str = ""
    difference: float | None = None
    refusal: str | None = None


@torch.no_grad()
def try_backend(backend: str, transformer: Any) -> Trial:
    """Whether a backend computes attention of this transformer's kind: on its device, in its format."""
    heads, width = transformer.config.num_attention_heads, transformer.config.attention_head_dim
    shape = (1, _TRIAL_TOKENS, heads, width)
    tokens = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    given = [one.to(_device_of(transformer), transformer.dtype) for one in tokens]
    try:
        with attention_backend(backend):  # which brings its kernel here, and changes nothing for other models
            pass
        own, (kernel, made) = _ran(_NATIVE, given), _ran(backend, given)
    except Exception as error:  # whatever a kernel says against this machine
        return Trial(backend, refusal=reason_of(error))
    query, key, value = (one.float().transpose(1, 2) for one in given)
    exact = torch.softmax(query @ key.transpose(-1, -2) / width**0.5, -1) @ value
    difference = float((made.float().transpose(1, 2) - exact).norm() / exact.norm())
    refusal = None
    if kernel == own[0]:
        refusal = f"it runs {kernel}, as attention does anyway"
    elif not difference <= _MOST_DIFFERENCE:
        refusal = f"it differs from exact attention by {difference:.1%}"
    return Trial(backend, kernel, difference, refusal)


def _ran(backend: str, given: list[Tensor]) -> tuple[str, Tensor]:
    """The kernel that ran, and what it made."""
    with _Kernels() as seen:
        made: Tensor | None = None
        with suppress(NotImplementedError):  # flex attention cannot be watched
            made = dispatch_attention_fn(*given, backend=AttentionBackendName(backend))
    if made is None:
        return backend, dispatch_attention_fn(*given, backend=AttentionBackendName(backend))
    return seen.kernel or backend, made


class _Kernels(TorchDispatchMode):
    """Sees what PyTorch runs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch's
        self.names: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(function._schema.name.removeprefix("aten::").removeprefix("_"))
        return function(*args, **(kwargs or {}))

    @property
    def kernel(self) -> str | None:
        """The attention among it; plain matrix products where there is none; None where it is none of PyTorch's."""
        known = [name for name in self.names if "attention" in name or "attn" in name]
        return known[-1] if known else "bmm and softmax" if "bmm" in self.names else None


def _device_of(transformer: Any) -> torch.device:
    """Where it computes; under offload its weights lie elsewhere."""
    hook = getattr(transformer, "_hf_hook", None)
    device = getattr(hook, "execution_device", None)
    return torch.device(device) if device is not None else transformer.device
