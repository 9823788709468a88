"""What has been measured once: found again by the bytes of the video and by how they were looked at.

.cache/metadata/measured/    one small file a result, each whole or not at all; machines may share the folder
.cache/metadata/known/       digests of files by place, size and time, see `reelops.dataset.fetch.known_files`

A killed run loses what it was just measuring, and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from reelops.dataset.entry import Segment
from reelops.dataset.metadata.measure import MEASURE_VERSION, Measured
from reelops.dataset.metadata.params import MetadataParams
from reelops.system.files import write_text_atomically
from reelops.tables.json_codec import digest_of_plain, from_plain, to_plain

WORK = Path(".cache/metadata")


@dataclass(frozen=True)
class MeasureKey:
    """What a measurement depends on.

    Attributes:
        sha256: of the video's bytes.
        segment: what of it is the clip.
        settings: digest of what was asked for, and of the code's version.
    """

    sha256: str
    segment: Segment | None
    settings: str

    @property
    def digest(self) -> str:
        return digest_of_plain(to_plain(self))


def settings_digest(params: MetadataParams) -> str:
    """Of all parameters that a measurement depends on."""
    plain = params.model_dump(mode="json", include={"seed", "window", "limits"})
    return digest_of_plain({"version": MEASURE_VERSION, **plain})


@dataclass(frozen=True)
class MeasureStore:
    """A folder of measurements; it need not exist yet."""

    folder: Path

    def read(self, key: MeasureKey) -> Measured | None:
        """What is kept under a key; None where there is nothing that can be read."""
        try:
            kept = json.loads(self._place(key).read_text(encoding="utf-8"))
            return from_plain(Measured, kept["measured"]) if kept["key"] == to_plain(key) else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def write(self, key: MeasureKey, measured: Measured) -> None:
        """Keeps a measurement.

        Raises:
            MachineError: the folder cannot be written to, or the disk is full.
        """
        kept = {"key": to_plain(key), "measured": to_plain(measured)}
        write_text_atomically(self._place(key), json.dumps(kept, ensure_ascii=False, allow_nan=False) + "\n")

    def _place(self, key: MeasureKey) -> Path:
        return self.folder / key.digest[:2] / f"{key.digest}.json"
