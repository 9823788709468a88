"""How a clip was made, kept inside it: compact JSON in the container's comment tag.

The comment is the one free-text tag that MP4, MOV and Matroska all have, that players show, and that survives being
copied from one container into another. Keys of our own would be dropped by most tools.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reelops.errors import VideoError
from reelops.foreign import json_object
from reelops.system.plain_text import spelt_out
from reelops.video.source import open_source

_TAG = "comment"
_KEY = "reelops"


def comment_of(provenance: Mapping[str, Any]) -> str:
    """The comment that holds a provenance.

    Raises:
        VideoError: it holds something that JSON cannot say.
    """
    try:
        # A picture's name may be no Unicode, which a tag must be; spelt out within JSON it reads back as it was.
        return spelt_out(
            json.dumps({_KEY: dict(provenance)}, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        )
    except (TypeError, ValueError) as error:
        raise VideoError(f"provenance must be JSON values: {error}.") from error


def provenance_in(tags: Mapping[str, str]) -> dict[str, Any] | None:
    """The provenance among a container's tags; None where there is none of ours."""
    comment = next((value for key, value in tags.items() if key.lower() == _TAG), "")
    if not comment.startswith("{"):
        return None
    try:
        provenance = json_object(comment).get(_KEY)
    except ValueError:
        return None
    return provenance if isinstance(provenance, dict) else None


def read_provenance(path: Path) -> dict[str, Any] | None:
    """How ReelOps made this file; None for other people's files.

    Raises:
        VideoError: the file cannot be read as a video.
    """
    with open_source(Path(path)) as (container, _):
        return provenance_in(container.metadata)
