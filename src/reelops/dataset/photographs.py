"""The photographs that come with ReelOps: colour scenes inside scikit-image's wheel that nobody holds rights in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from reelops.errors import SettingsError


@dataclass(frozen=True)
class Photograph:
    """What a picture shows, in the words of a caption, and under which licence it is free."""

    shows: str
    licence: str


# Authors and licences as scikit-image 0.26 states them in the documentation of `skimage.data`.
PHOTOGRAPHS: Mapping[str, Photograph] = MappingProxyType(
    {
        "astronaut": Photograph("a smiling astronaut beside a model of a space shuttle", "public domain (NASA)"),
        "chelsea": Photograph("a tabby cat with green eyes", "CC0 1.0 (Stefan van der Walt)"),
        "coffee": Photograph("a cup of coffee on a wooden table", "CC0 1.0 (Rachel Michetti)"),
        "hubble_deep_field": Photograph("a deep field of distant galaxies", "public domain (NASA)"),
        "rocket": Photograph("a rocket on its launch pad at dusk", "public domain (SpaceX)"),
    }
)


def read_photograph(name: str) -> np.ndarray:
    """RGB uint8 (H, W, 3) of the photograph of that name in PHOTOGRAPHS.

    Raises:
        SettingsError: scikit-image is not installed.
    """
    try:
        from skimage import data
    except ImportError as error:
        raise SettingsError(
            'The bundled photographs come with scikit-image, which is not here; pip install "reelops[data]".'
        ) from error
    return np.ascontiguousarray(getattr(data, name)()[..., :3])
