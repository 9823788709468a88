"""Which faults there are, by family."""

from __future__ import annotations

from collections.abc import Mapping

from reelops.gate.faults import collapse, colour, geometry, noise, parts, resolution, time, transport
from reelops.gate.faults.fault import Fault

FAMILIES: Mapping[str, tuple[Fault, ...]] = {
    "resolution": resolution.FAULTS,
    "transport": transport.FAULTS,
    "colour": colour.FAULTS,
    "geometry": geometry.FAULTS,
    "time": time.FAULTS,
    "parts": parts.FAULTS,
    "noise": noise.FAULTS,
    "collapse": collapse.FAULTS,
}
