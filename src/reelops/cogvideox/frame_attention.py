"""Attention in which some latent frames of a clip count for all of them.

Where a step sees few frames, fewer tokens vie for attention than in a whole clip, and text weighs more than it ever
will when a clip is sampled. So each seen frame but the first counts as often as there are frames in its place:
log(others / seen others) is added to the scores of its keys, which is what copies of it would do. The first frame
carries the picture, is always seen, and counts once.
"""

from __future__ import annotations

import math
from typing import Any

from diffusers.models.attention_processor import CogVideoXAttnProcessor2_0
from torch import Tensor


class SparseFrameAttention(CogVideoXAttnProcessor2_0):  # type: ignore[misc] # diffusers comes without types
    """diffusers' own attention, with weighted frames where not all are there.

    Args:
        tokens_per_frame: of a latent frame.
        latent_frames: of a whole clip.
    """

    def __init__(self, tokens_per_frame: int, latent_frames: int) -> None:
        super().__init__()
        self.tokens_per_frame, self.latent_frames = tokens_per_frame, latent_frames

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        image_rotary_emb: Any = None,
    ) -> Any:
        """Video tokens (B, frames x tokens per frame, D), the first frame's first, and text tokens (B, L, D)."""
        seen = hidden_states.shape[1] // self.tokens_per_frame
        if attention_mask is None and 1 < seen < self.latent_frames:
            batch, text = encoder_hidden_states.shape[:2]
            attention_mask = hidden_states.new_zeros(batch, 1, text + hidden_states.shape[1])
            attention_mask[..., text + self.tokens_per_frame :] = math.log((self.latent_frames - 1) / (seen - 1))
        return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, image_rotary_emb)


def enable_sparse_frame_attention(transformer: Any, tokens_per_frame: int, latent_frames: int) -> None:
    """Sets it for all of a CogVideoX transformer's blocks; whole clips are attended to as before."""
    processor = SparseFrameAttention(tokens_per_frame, latent_frames)
    for block in transformer.transformer_blocks:
        block.attn1.set_processor(processor)
