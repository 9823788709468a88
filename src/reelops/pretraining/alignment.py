"""Where attention should look: the camera's geometry as a teacher of the transformer's attention.

In a clip of a camera move every latent pixel of a later frame shows a place of the first frame that is known exactly.
The diffusion loss alone takes long to teach attention to look there: while it looks everywhere, what it brings back is
mud, and mud says little about where to look instead. So some heads of some blocks are also taught. The last p*p heads
of a block (p the patch size) each stand for one of the p*p latent pixels of a token, and are drawn to the tokens of the
first frame between which that pixel's source lies. What one head brings back is a mixture of up to four tokens, so a
second block looks farther apart around the same place: from both the tokens themselves can be worked out. This loss
fades out during training; the diffusion loss has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reelops.camera.moves import CameraPath

# B batch, F latent frames, S latent pixels of a token, M queries, N keys, L text tokens, D head width


def source_tokens(
    path: CameraPath, frames: Sequence[int], latent_size: tuple[int, int], patch: int, last_frame: int
) -> np.ndarray:
    """Where in the first frame each latent pixel comes from, in tokens: (S, F, tokens per frame, 2) as x, y.

    Args:
        path: the camera's way over the whole clip.
        frames: latent frames, 0 the first.
        latent_size: width and height in latent pixels, both multiples of `patch`.
        last_frame: the clip's last latent frame, 12 for 49 frames.

    A latent frame stands for four frames (the first for one); it is taken to show the moment in their middle.
    """
    width, height = latent_size
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2)
    moments = [max(0.0, (4 * frame - 1.5) / (4 * last_frame)) for frame in frames]
    out = np.empty((len(moments), height, width, 2))
    for index, moment in enumerate(moments):
        # Latent pixels' centres sit on the latent grid as pixels' centres do on theirs, so the same map holds.
        there = path.at(moment, width, height)
        out[index] = ((pixels - there[:, 2]) / np.diagonal(there)).reshape(height, width, 2)
    tokens = (out - (patch - 1) / 2) / patch
    rows, columns = height // patch, width // patch
    split = tokens.reshape(len(moments), rows, patch, columns, patch, 2)
    return split.transpose(2, 4, 0, 1, 3, 5).reshape(patch * patch, len(moments), rows * columns, 2)


def between(tokens: np.ndarray, columns: int, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The four tokens around each place and their bilinear weights (..., 4), and whether it lies in the frame (...).

    Args:
        tokens: places (..., 2) as x, y in tokens; a token's centre is at whole numbers.
    """
    limits = np.array([columns, rows])
    inside = np.asarray(((tokens > -0.5) & (tokens < limits - 0.5)).all(-1))
    place = tokens.clip(0, limits - 1)
    low = np.minimum(np.floor(place), limits - 2).astype(int).clip(0)
    high = np.minimum(low + 1, limits - 1)
    part = place - low
    at, weight = [], []
    for y, share_y in ((low[..., 1], 1 - part[..., 1]), (high[..., 1], part[..., 1])):
        for x, share_x in ((low[..., 0], 1 - part[..., 0]), (high[..., 0], part[..., 0])):
            at.append(y * columns + x)
            weight.append(share_x * share_y)
    return np.stack(at, -1), np.stack(weight, -1), inside


class AttentionRecorder:
    """Keeps queries and keys of some blocks' attention during a forward pass. Use as a context manager.

    diffusers rotates queries and keys in place after their norms, so what the norms returned is, once the pass is
    done, what the dot products were taken of.
    """

    def __init__(self, model: Any, blocks: Sequence[int]) -> None:
        self._attentions = [model.transformer_blocks[block].attn1 for block in blocks]
        self._handles: list[Any] = []
        self.queries: list[Tensor] = []
        self.keys: list[Tensor] = []

    def __enter__(self) -> AttentionRecorder:
        for attention in self._attentions:
            for norm, kept in ((attention.norm_q, self.queries), (attention.norm_k, self.keys)):
                self._handles.append(norm.register_forward_hook(lambda _m, _i, out, kept=kept: kept.append(out)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()


class Alignment:
    """The alignment loss for one shape of transformer; sources are worked out once a path and frame.

    Args:
        spreads: for each watched block, how far its heads look apart: 1 at the sources of a token's latent pixels, 2
            twice as far from their middle.
    """

    def __init__(
        self, latent_size: tuple[int, int], patch: int, last_frame: int, spreads: Sequence[float] = (1.0,)
    ) -> None:
        self.latent_size, self.patch, self.last_frame, self.spreads = latent_size, patch, last_frame, tuple(spreads)
        self._known: dict[tuple[CameraPath, int, float], tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def sources(self, path: CameraPath, frame: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`between` for all of a frame: (S, tokens per frame, 4) twice and (S, tokens per frame)."""
        key = (path, frame, spread)
        if key not in self._known:
            columns, rows = (side // self.patch for side in self.latent_size)
            places = source_tokens(path, [frame], self.latent_size, self.patch, self.last_frame)[:, 0]
            middle = places.mean(0, keepdims=True)
            self._known[key] = between(middle + spread * (places - middle), columns, rows)
        return self._known[key]

    def loss(
        self,
        recorder: AttentionRecorder,
        paths: Sequence[CameraPath | None],
        frames: Sequence[int],
        text_length: int,
        queries: int = 96,
    ) -> Tensor:
        """Mean cross-entropy in nats of attention against the true sources, over `queries` random tokens per clip.

        Args:
            paths: each clip's path; None where the caption does not say it, and attention cannot know.
            frames: the latent frames in the pass, the first of them 0.
            text_length: text tokens before the frames' tokens.
        """
        pixels = self.patch**2
        tokens_per_frame = self.latent_size[0] * self.latent_size[1] // pixels
        picks = torch.randint(tokens_per_frame * len(frames), (queries,))
        orders, within = (picks // tokens_per_frame).tolist(), (picks % tokens_per_frame).tolist()
        total = torch.zeros(())
        for query, key, spread in zip(recorder.queries, recorder.keys, self.spreads, strict=True):
            at = np.zeros((len(paths), pixels, queries, 4), dtype=int)
            weight = np.zeros((len(paths), pixels, queries, 4), dtype=np.float32)
            for clip, path in enumerate(paths):
                if path is None:
                    continue
                for number, (order, token) in enumerate(zip(orders, within, strict=True)):
                    places, shares, inside = self.sources(path, frames[order], spread)
                    at[clip, :, number] = places[:, token]
                    weight[clip, :, number] = shares[:, token] * inside[:, token, None]
            index, share = torch.from_numpy(at) + text_length, torch.from_numpy(weight)
            chosen = query[:, -pixels:, text_length + picks]
            scores = (chosen @ key[:, -pixels:].transpose(-1, -2)).float() * query.shape[-1] ** -0.5
            logs = scores.gather(-1, index) - scores.logsumexp(-1, keepdim=True)
            total = total - (share * logs).sum() / share.sum().clamp(min=1.0)
        return total / max(1, len(recorder.queries))
