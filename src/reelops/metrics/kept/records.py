"""The metrics of what a clip keeps of its picture."""

from __future__ import annotations

import math

from reelops.metrics.kept.kept import Kept
from reelops.metrics.metric import Metric

_ALONG = "carried along the measured motion, at its worst for more than a frame"
_WITHOUT = "a picture is the conditioning picture; where none is given, the clip's first frame"

KEPT_LIGHT = Metric(
    name="kept_light",
    title="Light against the picture",
    unit="grey levels",
    direction="in between is better",
    section="Against the picture",
    description=f"how much lighter the picture's parts have become, {_ALONG}: the middle one of all; {_WITHOUT}",
    blind_to="parts that change against each other; a lamp that goes on counts",
    low=-255,
    high=255,
    below="It grows darker than its picture.",
    above="It grows lighter than its picture.",
    track=lambda setup: Kept(setup.fps, setup.pace, setup.picture_HWC),
)
KEPT_COLOUR = Metric(
    name="kept_colour",
    title="Colour against the picture",
    unit="grey levels",
    direction="lower is better",
    section="Against the picture",
    description=f"how far the colours of the picture's parts have moved (Cr and Cb), {_ALONG}",
    blind_to="parts that change against each other; coloured light counts",
    high=256 * math.sqrt(2),
    above="Its colours leave those of its picture.",
)
KEPT_SATURATION = Metric(
    name="kept_saturation",
    title="Saturation against the picture",
    unit="doublings",
    direction="in between is better",
    section="Against the picture",
    description=f"how often the colourfulness of the picture's parts has doubled or, below 0, halved, {_ALONG}",
    blind_to="hues; something colourful that comes near counts",
    low=-10,
    high=10,
    below="Its colours fade.",
    above="Its colours burn.",
)
KEPT_CONTRAST = Metric(
    name="kept_contrast",
    title="Contrast against the picture",
    unit="doublings",
    direction="in between is better",
    section="Against the picture",
    description=f"how often the contrast within the picture's parts has doubled or, below 0, halved, {_ALONG}",
    blind_to="contrast between parts; fog that a prompt asks for counts",
    low=-10,
    high=10,
    below="It fades, as if fog came up.",
    above="It burns out.",
)
KEPT_DETAIL = Metric(
    name="kept_detail",
    title="Detail against the picture",
    unit="doublings",
    direction="in between is better",
    section="Against the picture",
    description=f"how often the edges within the picture's parts have doubled or, below 0, halved, {_ALONG}; a "
    "tenth of a doubling is lost by following them",
    blind_to="detail finer than a 160th of the height; what comes near shows more of it",
    low=-10,
    high=10,
    below="It loses the detail of its picture.",
    above="It grows harsh, or noisy.",
)
KEPT_SHAPE = Metric(
    name="kept_shape",
    title="Bending of the picture",
    unit="px at 480 rows",
    direction="lower is better",
    section="Against the picture",
    description="how far the picture's parts have left one common affine motion since the beginning: three quarters of "
    "them by more",
    blind_to="parts alone; a scene that moves everywhere, or a camera that goes far into one, counts",
    above="Its shapes melt.",
)
KEPT_STRETCH = Metric(
    name="kept_stretch",
    title="Stretching of the picture",
    unit="doublings",
    direction="lower is better",
    section="Against the picture",
    description="how much more one direction has grown than the one across, by the affine motion of most parts",
    blind_to="a camera that walks around a flat thing counts",
    high=20,
    above="It is pulled wider or taller.",
)
