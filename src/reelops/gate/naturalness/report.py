"""What a model of natural clips is worth on families of faults and sources that it has not seen, with intervals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reelops.gate.naturalness.fit import GOOD, Judged

REPORT_NAME = "report.json"
"""Beside the model."""

_Z = 1.96


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson 1927): (0, 1) where nothing was counted."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, _Z**2 / of
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def figures(judged: Sequence[Judged], limit: float) -> dict[str, Any]:
    """Shares of faults that fall below a limit, by family, by fault and strength, and of good clips that do.

    Returns:
        Plain JSON values. `families`: stopped, of, and the 95% interval. `faults`: by family and fault the share
        stopped at each strength, None where none was tried. `good`: false alarms over sources, each counted once.
    """
    bad = [one for one in judged if one.sample.family != GOOD]
    by_family = _grouped((one.sample.family, one.p_value < limit) for one in bad)
    by_fault = _grouped(
        ((one.sample.family, one.sample.fault, one.sample.strength), one.p_value < limit) for one in bad
    )
    by_source = _grouped((one.sample.source, one.p_value < limit) for one in judged if one.sample.family == GOOD)
    sources = {source: sum(hits) / len(hits) for source, hits in by_source.items()}
    curves: dict[str, dict[str, list[float | None]]] = defaultdict(dict)
    for (family, fault, strength), hits in sorted(by_fault.items()):
        curves[family].setdefault(fault, [None, None, None])[strength] = sum(hits) / len(hits)
    alarms = round(sum(sources.values()))
    return {
        "limit": limit,
        "families": {family: _counted(hits) for family, hits in sorted(by_family.items())},
        "all": _counted([one.p_value < limit for one in bad]),
        "faults": curves,
        "good": {
            "sources": len(sources),
            "false_share": sum(sources.values()) / len(sources) if sources else None,
            "interval": wilson(alarms, len(sources)),
            "held_back": {source: share for source, share in sorted(sources.items()) if share > 0.5},
        },
    }


def _counted(hits: Sequence[bool]) -> Mapping[str, Any]:
    return {
        "stopped": sum(hits),
        "of": len(hits),
        "share": sum(hits) / len(hits),
        "interval": wilson(sum(hits), len(hits)),
    }


def _grouped(pairs: Iterable[tuple[Any, bool]]) -> dict[Any, list[bool]]:
    groups: dict[Any, list[bool]] = defaultdict(list)
    for key, hit in pairs:
        groups[key].append(hit)
    return groups
