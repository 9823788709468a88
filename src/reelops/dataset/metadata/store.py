"""What has been measured once: found again by the bytes of the video and by how they were looked at.

.cache/metadata/measured/    a file for each result, see `reelops.tables.content_store`
.cache/metadata/known/       digests of files by place, size and time, see `reelops.dataset.fetch.known_files`

A killed run loses what it was just measuring, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reelops.dataset.entry import Segment
from reelops.dataset.metadata.measure import Measured
from reelops.dataset.metadata.params import MetadataParams
from reelops.system.making import making_of
from reelops.tables.content_store import ContentStore
from reelops.tables.json_codec import digest_of_plain

WORK = Path(".cache/metadata")
_LOOKING = "reelops.dataset.metadata.examine"


@dataclass(frozen=True)
class MeasureKey:
    """What a measurement depends on.

    Attributes:
        sha256: of the video's bytes.
        segment: what of it is the clip.
        settings: digest of what was asked for, and of the code and libraries that look.
    """

    sha256: str
    segment: Segment | None
    settings: str


MeasureStore = ContentStore[MeasureKey, Measured]


def measure_store(folder: Path) -> MeasureStore:
    """The measurements kept in a folder."""
    return ContentStore(folder, Measured, "measured")


def settings_digest(params: MetadataParams) -> str:
    """Of all parameters that a measurement depends on, and of what makes it, pictures included."""
    plain = params.model_dump(mode="json", include={"seed", "window", "limits"})
    return digest_of_plain({"making": making_of(_LOOKING).digest, **plain})
