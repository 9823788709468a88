"""What figures must share so that they may be compared: the machine, the libraries, the model, what is ordered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from reelops.errors import SettingsError

Cohort = Mapping[str, Any]
"""Plain values by name; `fingerprint` among them is made of all the others."""

_NOT_COMPARED = ("fingerprint",)


def cohort_of(**facts: Any) -> dict[str, Any]:
    """The facts with their fingerprint, twelve hexadecimal digits."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return {**json.loads(text), "fingerprint": hashlib.sha256(text.encode()).hexdigest()[:12]}


def require_one_cohort(before: Cohort, now: Cohort, where: str) -> None:
    """Fails where two cohorts differ.

    Args:
        where: the earlier one comes from.

    Raises:
        SettingsError: names what differs, and both values.
    """
    if before.get("fingerprint") == now.get("fingerprint"):
        return
    there, here = _flat(before), _flat(now)
    told = [
        f"{name} {there.get(name, 'nothing')} there, {here.get(name, 'nothing')} here"
        for name in sorted({*there, *here} - set(_NOT_COMPARED))
        if there.get(name) != here.get(name)
    ]
    raise SettingsError(
        f"{where} was measured in another cohort ({'; '.join(told)}), so its figures say nothing about this code. "
        "Measure it here, or give the folder of the earlier checkout."
    )


def _flat(cohort: Mapping[str, Any]) -> dict[str, str]:
    """All facts by name, those of mappings as `versions torch`."""
    flat: dict[str, str] = {}
    for name, value in cohort.items():
        if isinstance(value, Mapping):
            flat |= {f"{name} {inner}": one for inner, one in _flat(value).items()}
        else:
            flat[name] = str(value)
    return flat
