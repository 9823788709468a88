"""Mutants of pictures, on everything that opens one."""

from __future__ import annotations

from pathlib import Path
from random import Random

from reelops.errors import PictureError
from reelops.video.picture import looks_like_picture, probe_picture, read_picture
from tests.fuzz.fuzzer import Fuzzer, Mutant
from tests.fuzz.mutation import chosen_mutation, spoilt
from tests.fuzz.picture_parts import respelt
from tests.fuzz.picture_samples import CARRIERS, carrying, exif, profile, samples


def mutant(random: Random) -> Mutant:
    """A picture of any format: its structure, its bytes, or the EXIF and colour profile in a sound one are damaged."""
    way = random.random()
    if way < 0.2:
        return Mutant(_with_odd_metadata(random), ".picture")
    name = random.choice(list(samples()))
    data = samples()[name]
    if way < 0.6:
        return Mutant(respelt(name.split("-")[0], data, random), ".picture")
    return Mutant(chosen_mutation(data, list(samples().values()), random), ".picture")


def try_one(path: Path) -> None:
    """Probes and reads a picture. Both are tried, whatever comes of the first."""
    refusal = None
    looks_like_picture(path)
    for read in (probe_picture, lambda path: read_picture(path, 48, 32)):
        try:
            read(path)
        except PictureError as error:
            refusal = error
    if refusal:
        raise refusal


def _with_odd_metadata(random: Random) -> bytes:
    carrier = random.choice(CARRIERS)
    tags, colours = exif(), profile(random.choice(("sRGB", "LAB", "XYZ")))
    if random.random() < 0.6:
        tags = tags[:6] + (respelt("tiff", tags[6:], random) if random.random() < 0.5 else spoilt(tags[6:], random))
    else:
        colours = spoilt(colours, random)
    try:
        return carrying(carrier, tags, colours)
    except Exception:  # Pillow writes no such thing
        return chosen_mutation(carrying("JPEG", exif(), profile("sRGB")), [tags, colours], random)


FUZZERS = (
    Fuzzer(
        "pictures",
        mutants=20_000,
        in_tests=300,
        mutant=mutant,
        try_one=try_one,
        allowed=(PictureError,),
        libraries=("pillow",),
        seconds=20,
        memory_mb=600,
    ),
)
