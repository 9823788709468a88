"""Which clips can be made, and that what is refused would indeed have gone wrong in diffusers."""

from __future__ import annotations

import pytest
import torch
from small_model import FRAMES, HEIGHT, WIDTH, write_small_model

from reelops.cogvideox.architecture import named_architecture, read_architecture
from reelops.cogvideox.clip_format import (
    check_frames,
    check_size,
    choose_format,
    nearest_frames,
    nearest_multiple,
    nearest_shape,
)
from reelops.cogvideox.profiles import profile_of_folder
from reelops.errors import ClipFormatError


@pytest.fixture(scope="module")
def free_model(tmp_path_factory):
    """Without learned positions: sizes and frame counts are free within the VAE's steps."""
    return write_small_model(tmp_path_factory.mktemp("weights") / "free", learned_positions=False)


def test_the_profiles_own_format_is_the_default(small_model):
    profile = profile_of_folder(small_model)
    assert choose_format(profile, read_architecture(small_model)) == profile.clip_format


@pytest.mark.parametrize("frames", [1, 48, 50, 57, 97, 0, -7])
def test_learned_positions_pin_the_frame_count_of_the_5b(frames):
    with pytest.raises(ClipFormatError, match=rf"^{frames} frames.*Ask for 49\."):
        check_frames(frames, named_architecture("cogvideox-5b-i2v"))


def test_learned_positions_pin_the_size_of_the_5b():
    with pytest.raises(ClipFormatError, match=r"736x480.*Ask for 720x480"):
        check_size(736, 480, named_architecture("cogvideox-5b-i2v"))


def test_diffusers_would_have_taken_other_frame_counts_with_other_position_embeddings(small_pipeline):
    """Why they are refused: it raises nothing, and its positions are not the learned ones."""
    embed = small_pipeline.transformer.patch_embed
    with torch.no_grad():
        text, latents = torch.zeros(1, 24, 16), torch.zeros(1, 5, 32, HEIGHT // 4, WIDTH // 4)
        assert embed(text, latents).shape[1] != embed.pos_embedding.shape[1]


@pytest.mark.parametrize(("frames", "nearest"), [(5, 9), (13, 9), (14, 17), (48, 49), (50, 49), (2, 9), (0, 9)])
def test_a_wrong_frame_count_names_the_nearest_right_one(free_model, frames, nearest):
    architecture = read_architecture(free_model)
    assert nearest_frames(frames, architecture) == nearest
    with pytest.raises(ClipFormatError, match=rf"8k \+ 1 frames\. Ask for {nearest}\."):
        check_frames(frames, architecture)
    check_frames(nearest, architecture)


@pytest.mark.parametrize(("latents", "frames"), [(1, 1), (3, 9), (5, 17), (13, 49)])
def test_an_odd_number_of_latents_decodes_to_4k_plus_1_frames(small_pipeline, latents, frames):
    with torch.no_grad():
        assert small_pipeline.vae.decode(torch.zeros(1, 16, latents, 4, 4)).sample.shape[2] == frames


def test_an_even_number_of_latents_does_not_which_is_why_5_frames_are_refused(small_pipeline):
    with torch.no_grad():
        assert small_pipeline.vae.decode(torch.zeros(1, 16, 2, 4, 4)).sample.shape[2] != 5


@pytest.mark.parametrize(("size", "nearest"), [((50, 32), "48x32"), ((48, 30), "48x32"), ((3, 3), "16x16")])
def test_a_wrong_size_names_the_nearest_right_one(free_model, size, nearest):
    with pytest.raises(ClipFormatError, match=f"multiples of 16.*Ask for {nearest}"):
        check_size(*size, read_architecture(free_model))


def test_free_models_take_other_formats(free_model):
    clip = choose_format(profile_of_folder(free_model), read_architecture(free_model), 17, 64, 48)
    assert (clip.num_frames, clip.width, clip.height) == (17, 64, 48)


def test_nearest_multiple_never_is_zero():
    assert [nearest_multiple(value, 16) for value in (-5, 0, 7, 24, 25)] == [16, 16, 16, 16, 32]
    assert FRAMES == 9


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (3 / 2, (240, 160)),
        (640 / 427, (240, 160)),
        (2 / 3, (160, 240)),
        (16 / 9, (256, 144)),
        (9 / 16, (144, 256)),
        (4 / 3, (224, 168)),
        (3 / 4, (168, 224)),
        (1.0, (192, 192)),
        (20.0, (272, 136)),
        (1 / 20, (136, 272)),
    ],
)
def test_the_nearest_shape_has_about_as_many_pixels_as_the_profiles_own_and_never_more(aspect, size, repository):
    architecture = read_architecture(repository / "models/tiny-i2v")
    assert nearest_shape(aspect, architecture, 240, 160) == size
    check_size(*size, architecture, any_shape=True)


@pytest.mark.parametrize(
    ("size", "nearest"),
    [((480, 320), "240x160"), ((160, 160), "192x192"), ((320, 112), "272x136"), ((0, 8), "136x272")],
)
def test_positions_are_stretched_over_shapes_that_were_measured_and_no_others(size, nearest, repository):
    with pytest.raises(ClipFormatError, match=rf"of about as many pixels, up to 2:1\. Ask for {nearest}\."):
        check_size(*size, read_architecture(repository / "models/tiny-i2v"), any_shape=True)


def test_of_a_shape_within_two_to_one_hardly_anything_is_cropped(repository):
    architecture = read_architecture(repository / "models/tiny-i2v")
    for hundredths in range(50, 201):
        width, height = nearest_shape(hundredths / 100, architecture, 240, 160)
        assert width / height == pytest.approx(hundredths / 100, rel=0.03)
        assert 0.9 * 240 * 160 <= width * height <= 240 * 160
