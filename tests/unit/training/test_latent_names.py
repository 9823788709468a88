"""What the names of cached latents, and their noise, are made of."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from reelops.training.cache import LatentCache

OTHERWISE = {
    "vae_revision": "sha256:other",
    "noised_pictures": 9,
    "seed": 9,
    "dtype": "bfloat16",
    "vae_device": "cuda",
    "vae_tiling": True,
    "making": "other",
}


@pytest.mark.parametrize("name", [*OTHERWISE, "num_frames", "fps", "width", "height"])
def test_whatever_decides_a_clips_latents_is_in_their_name(encoded, name):
    encoding = LatentCache(encoded.latents).read_index().encoding
    if name in OTHERWISE:
        other = replace(encoding, **{name: OTHERWISE[name]})
    else:
        other = replace(encoding, format=replace(encoding.format, **{name: 2 * getattr(encoding.format, name)}))
    same = ("video", "picture", Fraction(0))
    assert other.clip_key(*same) != encoding.clip_key(*same) == replace(encoding).clip_key(*same)


def test_what_noises_a_clip_is_drawn_alike_whatever_encodes_it(encoded):
    """Or an adapter could be trained again only by the very code and libraries, on the same kind of device."""
    encoding = LatentCache(encoded.latents).read_index().encoding
    same = ("video", "picture", Fraction(0))
    elsewhere = replace(encoding, making="other", vae_device="cuda", vae_tiling=True)
    assert elsewhere.noise_seed(*same) == encoding.noise_seed(*same)
    others = [replace(encoding, seed=9).noise_seed(*same), encoding.noise_seed("video", "picture", Fraction(1))]
    assert len({encoding.noise_seed(*same), *others}) == 3


@pytest.mark.parametrize("name", ["text_revision", "prompt_length", "dtype", "text_device", "making"])
def test_whatever_decides_a_captions_vectors_is_in_their_name(encoded, name):
    encoding = LatentCache(encoded.latents).read_index().encoding
    otherwise = {"text_revision": "sha256:other", "prompt_length": 9, "text_device": "cuda", **OTHERWISE}
    other = replace(encoding, **{name: otherwise[name]})
    assert other.text_key("pan left") != encoding.text_key("pan left")
