"""What benchmarks order clips of: the photographs of benchmark.yaml, moved in many ways."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from reelops.benchmark.case import Bench

PROMPTS = ("slow zoom in", "zoom out", "pan left", "pan right", "tilt up", "tilt down")


def varied(bench: Bench) -> Iterator[tuple[int, str, Path]]:
    """Seeds, prompts and pictures without end: every prompt with every picture, then again with the next seed."""
    pictures = bench.files("pictures")
    for seed in count():
        for prompt in PROMPTS:
            for picture in pictures:
                yield seed, prompt, picture
