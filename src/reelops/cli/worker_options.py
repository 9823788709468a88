"""Options of commands whose workers make several clips side by side."""

from __future__ import annotations

from typing import Annotated, Any

import typer

_MOST_LANES = 64


def _at_once(meaning: str) -> Any:
    return typer.Option("--at-once", "-j", help=meaning, min=1, max=_MOST_LANES, show_default="one per core, 4 at most")


AtOnce = Annotated[int | None, _at_once("Clips in the making; while one is generated, others are encoded and scored.")]
AtOnceInEach = Annotated[int | None, _at_once("Clips in the making in each worker.")]
Track = Annotated[bool, typer.Option("--track/--no-track", help="Log each clip to MLflow.")]
