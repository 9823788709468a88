"""Clips as `reelops fetch` brought them, with the captions that can be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reelops.dataset.entry import Fetched
from reelops.dataset.fetch.stage import RAW
from reelops.dataset.metadata.captions import clean_captions
from reelops.dataset.metadata.params import CaptionParams
from reelops.dataset.records import read_fetched, why_unlisted
from reelops.errors import DatasetError


@dataclass(frozen=True)
class FetchedClip:
    """A clip that was fetched.

    Attributes:
        captions: those that can be used, cleaned; may be empty.
    """

    fetched: Fetched
    captions: tuple[str, ...]

    @property
    def clip_id(self) -> str:
        return f"{self.fetched.entry.source}/{self.fetched.entry.clip_id}"

    @property
    def path(self) -> Path:
        return self.fetched.path


def read_fetched_clips(sources: Sequence[str], root: Path, captions: CaptionParams) -> dict[str, FetchedClip]:
    """All clips of these sources, by id and in the order of their ids.

    Raises:
        DatasetError: nothing was fetched.
    """
    clips = [
        FetchedClip(fetched, clean_captions(fetched.entry.captions, captions))
        for source in sources
        for fetched in read_fetched(root / RAW / source, root)
    ]
    if not clips:
        why = "".join(f" {source}: {reason}" for source, reason in unlisted_sources(sources, root).items())
        raise DatasetError(f"Nothing was fetched into {root / RAW}; run `reelops fetch` first.{why}")
    return {clip.clip_id: clip for clip in sorted(clips, key=lambda clip: clip.clip_id)}


def unlisted_sources(sources: Sequence[str], root: Path) -> Mapping[str, str]:
    """Sources that `reelops fetch` could not list, each with the reason."""
    reasons = ((source, why_unlisted(root / RAW / source)) for source in sources)
    return {source: reason for source, reason in reasons if reason}
