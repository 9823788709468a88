"""What scores were measured with: so that two that differ can be told apart by it."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import av
import cv2
import numpy as np

from reelops.metrics.catalogue import METRICS_VERSION
from reelops.metrics.naturalness.model import shipped_digest


@cache
def environment() -> Mapping[str, str]:
    """Names and versions of everything that a score can depend on beside the clip and the settings.

    Its `fingerprint` is a digest of all the others: equal fingerprints, settings and bytes give equal scores.
    """
    facts = {
        "metrics": METRICS_VERSION,
        "naturalness": shipped_digest()[:12],
        "python": ".".join(map(str, sys.version_info[:3])),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "av": av.__version__,
        "ffmpeg": av.ffmpeg_version_info,
        "machine": f"{platform.system()} {platform.machine()}, {cv2.getCPUFeaturesLine()}",
    }
    digest = hashlib.sha256("\n".join(f"{name} {value}" for name, value in facts.items()).encode()).hexdigest()
    return MappingProxyType({"fingerprint": digest[:12], **facts})
