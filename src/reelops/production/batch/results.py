"""What the ledger keeps of a clip, from its take or from what stands beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reelops.clip import ClipOrder
from reelops.foreign import NO_JSON
from reelops.production.output_names import sidecar_of
from reelops.production.take import Take
from reelops.system.digest import sha256_of


def told_of(take: Take) -> dict[str, Any]:
    """What the ledger keeps of a take."""
    return told_of_sidecar(take.to_json())


def told_of_sidecar(take: Mapping[str, Any]) -> dict[str, Any]:
    """The same from what stands beside its clip."""
    return {
        "clip": take["path"],
        "sha256": take["sha256"],
        "seed": take["order"]["seed"],
        "verdict": take["verdict"]["decision"],
        "reasons": [reason["text"] for reason in take["verdict"]["reasons"]],
        "scores": take["scores"],
        "seconds": take["seconds"],
        "mlflow_run": (take["tracking"] or {}).get("run_id"),
        "not_tracked": take["tracking_failure"],
    }


def finished(clip: Path, order: ClipOrder) -> dict[str, Any] | None:
    """What is known of the clip of an order that stands there whole; None where none does."""
    try:
        take = json.loads(sidecar_of(clip).read_bytes())
        if take["order"] == order.to_json() and take["sha256"] == sha256_of(clip):
            return {**told_of_sidecar(take), "clip": str(clip)}
    except (OSError, LookupError, TypeError, AttributeError, *NO_JSON):
        pass  # it is not there, or not ours: then its place cannot be taken, and that is said
    return None
