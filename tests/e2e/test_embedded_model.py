"""The model in the repository, as a user meets it: it shows the picture, and does what the prompt says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from reelops.clip import ClipOrder
from reelops.generators.cogvideox import CogVideoXGenerator
from reelops.metrics.camera_move import measure_camera
from reelops.metrics.content_kept import content_kept
from reelops.metrics.psnr import psnr
from reelops.pretraining.evaluate import AT_LEAST, AT_MOST
from reelops.video.camera import CameraMove

# One clip each of three moves on the two sample pictures, which the model never saw. The limits are below those of the
# evaluation over 56 clips: a single clip may be worse than the mean, but not this much.
ORDERS = {
    ("coffee.jpg", "slow zoom in"): CameraMove.ZOOM_IN,
    ("coffee.jpg", "pan left"): CameraMove.PAN_LEFT,
    ("rocket.jpg", "pan left"): CameraMove.PAN_LEFT,
}


@pytest.fixture(scope="module")
def clips(repository: Path) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Frames and conditioning picture of each order, all with the same seed."""
    if not (repository / "models/tiny-i2v/model_index.json").exists():
        pytest.fail("models/tiny-i2v is not in this checkout")
    made = {}
    for name, prompt in ORDERS:
        order = ClipOrder(picture=repository / "data/samples" / name, prompt=prompt, seed=5)
        generated = CogVideoXGenerator().generate(order)
        made[name, prompt] = generated.frames_THWC, generated.picture_HWC
    return made


Clips = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]


def test_clips_have_the_promised_format(clips: Clips) -> None:
    assert {frames.shape for frames, _ in clips.values()} == {(49, 160, 240, 3)}


@pytest.mark.parametrize("order", list(ORDERS), ids=lambda order: " ".join(order))
def test_the_camera_does_what_the_prompt_says(clips: Clips, order: tuple[str, str]) -> None:
    assert measure_camera(clips[order][0]).move is ORDERS[order]


def test_the_first_frame_is_the_picture(clips: Clips) -> None:
    """A model that ignores its condition shows another picture: about 10 dB."""
    for frames, picture in clips.values():
        assert psnr(frames[0], picture) > 18


def test_what_the_picture_shows_is_still_there_at_the_end(clips: Clips) -> None:
    for frames, picture in clips.values():
        assert content_kept(frames, picture) > 14


def test_another_picture_makes_another_clip(clips: Clips) -> None:
    coffee, rocket = clips["coffee.jpg", "pan left"][0], clips["rocket.jpg", "pan left"][0]
    assert psnr(coffee[-1], rocket[-1]) < 14


def test_another_prompt_makes_another_clip(clips: Clips) -> None:
    zoom, pan = clips["coffee.jpg", "slow zoom in"][0], clips["coffee.jpg", "pan left"][0]
    assert psnr(zoom[0], pan[0]) > 20
    assert psnr(zoom[-1], pan[-1]) < 20


def test_plain_diffusers_runs_it_without_code_of_ours(repository: Path) -> None:
    from diffusers import CogVideoXImageToVideoPipeline
    from PIL import Image

    pipeline = CogVideoXImageToVideoPipeline.from_pretrained(repository / "models/tiny-i2v")
    picture = Image.open(repository / "data/samples/coffee.jpg").resize((240, 160))
    frames = pipeline(picture, "pan left", num_inference_steps=2, guidance_scale=1.0, output_type="np").frames
    assert frames.shape == (1, 49, 160, 240, 3)


def test_the_published_figures_reach_what_was_promised(repository: Path) -> None:
    figures = json.loads((repository / "reports/pretrain/metrics.json").read_text())
    assert figures["clips"] == 56
    for key, limit in AT_LEAST.items():
        assert figures[key] >= limit, key
    for key, limit in AT_MOST.items():
        assert figures[key] <= limit, key


def test_the_card_states_the_figures_of_the_report(repository: Path) -> None:
    figures = json.loads((repository / "reports/pretrain/metrics.json").read_text())
    card = (repository / "models/tiny-i2v/card.md").read_text()
    for key in (*AT_LEAST, *AT_MOST):
        assert f" {figures[key]} " in card, key


def test_weights_are_safetensors_and_small(repository: Path) -> None:
    folder = repository / "models/tiny-i2v"
    assert not [path for path in folder.rglob("*") if path.suffix in {".bin", ".ckpt", ".pt", ".pth", ".pkl"}]
    assert sum(path.stat().st_size for path in folder.rglob("*.safetensors")) <= 25e6
