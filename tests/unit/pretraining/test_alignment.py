"""Where attention is told to look is where the camera's geometry says."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from reelops.camera.moves import CameraMove, CameraPath, path_of
from reelops.pretraining.alignment import Alignment, AttentionRecorder, between, source_tokens
from reelops.pretraining.transformer import TransformerConfig, build_transformer, forward_frames, rotary_embedding

CONFIG = TransformerConfig(
    heads=5, head_dim=16, layers=2, time_width=16, patch=2, latent_size=(12, 8), num_frames=9, text_length=8,
    text_width=16,
)  # fmt: skip


@pytest.mark.parametrize("move", list(CameraMove))
def test_sources_are_where_the_camera_saw_them(move: CameraMove) -> None:
    """A picture whose values are its own coordinates, filmed by the path's own map, shows every pixel's source."""
    width, height = 60, 40
    path = path_of(move)
    coordinates = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    moment = (4 * 7 - 1.5) / 48
    filmed = cv2.warpAffine(coordinates, path.at(moment, width, height), (width, height), flags=cv2.INTER_LINEAR)
    tokens = source_tokens(path, [7], (width, height), patch=2, last_frame=12)[:, 0]
    for pixel, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        ours = tokens[pixel].reshape(20, 30, 2) * 2 + 0.5
        middle = (slice(6, 14), slice(8, 22))
        np.testing.assert_allclose(ours[middle], filmed[row::2, column::2][middle], atol=0.06)


def test_the_first_frame_is_its_own_source() -> None:
    at, weight, inside = Alignment((12, 8), 2, 2).sources(path_of(CameraMove.ZOOM_IN), 0)
    own = np.take_along_axis(at, weight.argmax(-1)[..., None], -1)[..., 0]
    assert inside.all()
    assert (own == np.arange(24)).all()


def test_a_second_block_looks_farther_apart_around_the_same_place() -> None:
    alignment, path = Alignment((12, 8), 2, 2), path_of(CameraMove.PAN_RIGHT)
    near, far = (_middle_places(*alignment.sources(path, 2, spread)[:2]) for spread in (1.0, 2.0))
    np.testing.assert_allclose(near.mean(0), far.mean(0), atol=1e-6)
    np.testing.assert_allclose(far - far.mean(0), 2 * (near - near.mean(0)), atol=1e-6)


def _middle_places(at: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Where each head looks for a token in the middle of the frame: (S, 2)."""
    tokens = np.stack([at % 6, at // 6], -1)[:, 14]
    places: np.ndarray = (tokens * weight[:, 14, :, None]).sum(1)
    return places


def test_a_place_between_tokens_is_shared_by_distance() -> None:
    at, weight, inside = between(np.array([[1.25, 0.0], [-0.6, 0.0], [-0.4, 2.0]]), columns=4, rows=3)
    shares = {int(token): float(share) for token, share in zip(at[0], weight[0], strict=True) if share}
    assert shares == pytest.approx({1: 0.75, 2: 0.25})
    assert inside.tolist() == [True, False, True]
    assert np.allclose(weight.sum(-1), 1)


def test_the_loss_is_the_cross_entropy_of_what_attention_does() -> None:
    """Against softmax attention worked out anew from the queries and keys that a block's own attention uses."""
    model = build_transformer(CONFIG)
    frames = [0, 2]
    with AttentionRecorder(model, [1]) as watch, torch.no_grad():
        forward_frames(
            model, torch.randn(1, 2, 32, 8, 12), torch.randn(1, 8, 16), torch.tensor([999]), torch.tensor(frames),
            rotary_embedding(CONFIG),
        )  # fmt: skip
    path = CameraPath(shift_x=0.25)
    alignment = Alignment((12, 8), 2, 2)
    torch.manual_seed(0)
    loss = alignment.loss(watch, [path], frames, text_length=8, queries=5)
    torch.manual_seed(0)
    picks = torch.randint(48, (5,))
    attention = (watch.queries[0][0] @ watch.keys[0][0].transpose(-1, -2) / 4).softmax(-1)
    total, count = 0.0, 0.0
    for pixel in range(4):
        for pick in picks.tolist():
            at, weight, inside = (
                part[pixel, pick % 24] for part in alignment.sources(path, frames[pick // 24])
            )  # fmt: skip
            row = attention[1 + pixel, 8 + pick, 8:].log().numpy()
            total -= float((weight * row[at]).sum()) * bool(inside)
            count += float(weight.sum()) * bool(inside)
    assert loss.item() == pytest.approx(total / count, rel=1e-4)


def test_a_clip_whose_caption_tells_no_move_teaches_no_geometry() -> None:
    model = build_transformer(CONFIG)
    with AttentionRecorder(model, [0, 1]) as watch:
        forward_frames(
            model, torch.randn(1, 2, 32, 8, 12), torch.randn(1, 8, 16), torch.tensor([999]), torch.tensor([0, 1]),
            rotary_embedding(CONFIG),
        )  # fmt: skip
    assert Alignment((12, 8), 2, 2, (2.0, 1.0)).loss(watch, [None], [0, 1], text_length=8).item() == 0.0
    assert len(watch.queries) == 2


def test_training_on_the_loss_alone_teaches_attention_a_pan() -> None:
    model = build_transformer(CONFIG)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    alignment, path, rotary = Alignment((12, 8), 2, 2), path_of(CameraMove.PAN_LEFT), rotary_embedding(CONFIG)
    losses = []
    for _ in range(60):
        with AttentionRecorder(model, [1]) as watch:
            forward_frames(
                model, torch.randn(2, 2, 32, 8, 12), torch.zeros(2, 8, 16), torch.tensor([999, 999]),
                torch.tensor([0, 2]), rotary,
            )  # fmt: skip
        loss = alignment.loss(watch, [path, path], [0, 2], text_length=8)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
