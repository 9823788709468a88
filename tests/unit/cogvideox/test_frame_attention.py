"""Attention in which some frames stand for all."""

from __future__ import annotations

import torch
from diffusers.models.attention_processor import Attention, CogVideoXAttnProcessor2_0

from reelops.cogvideox.denoiser import load_transformer
from reelops.cogvideox.frame_attention import SparseFrameAttention, enable_sparse_frame_attention

TOKENS, FRAMES, TEXT = 6, 13, 4


def attention() -> Attention:
    torch.manual_seed(0)
    made = Attention(query_dim=32, dim_head=8, heads=4, qk_norm="layer_norm", bias=True, eps=1e-6)
    return made.requires_grad_(False)


def attended(attention: Attention, processor: CogVideoXAttnProcessor2_0, frames: list[torch.Tensor]) -> torch.Tensor:
    """The video's tokens (tokens, D) after attention among these frames and a text."""
    attention.set_processor(processor)
    text = torch.randn(1, TEXT, 32, generator=torch.Generator().manual_seed(3))
    video, _ = attention(torch.cat(frames, dim=1), encoder_hidden_states=text)
    return video[0]


def test_one_frame_weighs_as_much_as_the_twelve_that_are_like_it() -> None:
    draw = torch.Generator().manual_seed(1)
    first, other = (torch.randn(1, TOKENS, 32, generator=draw) for _ in range(2))
    module, plain, standing = attention(), CogVideoXAttnProcessor2_0(), SparseFrameAttention(TOKENS, FRAMES)
    whole = attended(module, plain, [first, *[other] * 12])[: 2 * TOKENS]
    assert torch.allclose(attended(module, standing, [first, other]), whole, atol=1e-6)
    assert torch.allclose(attended(module, standing, [first, other, other, other])[: 2 * TOKENS], whole, atol=1e-6)
    assert not torch.allclose(attended(module, plain, [first, other]), whole, atol=1e-2)


def test_whole_clips_and_pictures_alone_are_attended_to_as_ever() -> None:
    draw = torch.Generator().manual_seed(1)
    module, frames = attention(), [torch.randn(1, TOKENS, 32, generator=draw) for _ in range(FRAMES)]
    for seen in (frames, frames[:1]):
        plain = attended(module, CogVideoXAttnProcessor2_0(), seen)
        assert torch.equal(attended(module, SparseFrameAttention(TOKENS, FRAMES), seen), plain)


def test_every_block_of_a_transformer_is_set(small_model) -> None:
    transformer = load_transformer(small_model, "float32")
    enable_sparse_frame_attention(transformer, TOKENS, FRAMES)
    found = list(transformer.attn_processors.values())
    assert found and all(isinstance(processor, SparseFrameAttention) for processor in found)
