"""Which faults there are, by family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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

PLAIN = 1
"""Which of a fault's strengths is plain to see."""


@dataclass(frozen=True)
class Spoilt:
    """A fault at one of its strengths.

    Attributes:
        family: of the fault.
        strength: which of its strengths, from 0.
    """

    family: str
    fault: Fault
    strength: int

    @property
    def name(self) -> str:
        """In words, as in `mosaic, 12 px`."""
        return f"{self.fault.name}, {self.fault.strengths[self.strength]:g} {self.fault.unit}"


def every_fault(strength: int = PLAIN) -> tuple[Spoilt, ...]:
    """All faults at one strength."""
    return tuple(Spoilt(family, fault, strength) for family, faults in FAMILIES.items() for fault in faults)


def a_third_of_faults(number: int) -> tuple[Spoilt, ...]:
    """Every third fault, at strengths that take turns: nine numbers in a row have every fault at every strength."""
    faults = [(family, fault) for family, some in FAMILIES.items() for fault in some]
    return tuple(
        Spoilt(family, fault, (place + number // 3) % len(fault.strengths))
        for place, (family, fault) in enumerate(faults)
        if (place + number) % 3 == 0
    )
