"""Which clips are in the table, and which are quarantined: in one go, in the order of the clips' ids, so that the
tables are the same whoever has measured what."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from reelops.dataset.entry import Split
from reelops.dataset.metadata.captions import choose_prompt
from reelops.dataset.metadata.diagnosis import no_plain_file, without_bytes
from reelops.dataset.metadata.duplicates import Look, find_duplicates
from reelops.dataset.metadata.examine import Examined
from reelops.dataset.metadata.fetched_clips import FetchedClip
from reelops.dataset.metadata.params import MetadataParams
from reelops.dataset.metadata.splits import split_origins
from reelops.dataset.table import ClipRow, QuarantinedClip, Reason

_COME_BACK = Reason.MISSING, "it was not there when clips were looked at; run `reelops metadata` again"


@dataclass(frozen=True)
class SortedClips:
    """Both tables, by clip id."""

    rows: list[ClipRow]
    quarantined: list[QuarantinedClip]


def sort_clips(
    clips: Mapping[str, FetchedClip], found: Mapping[str, Examined | str], params: MetadataParams, root: Path
) -> SortedClips:
    """Sorts all clips into the two tables.

    Args:
        clips: by id, in the order of their ids.
        found: what looking at them found, or in words why nothing was found; see `Examination`.
    """
    sorter = _Sorter(clips, params, root)
    good: dict[str, Examined] = {}
    bad: dict[str, QuarantinedClip] = {}
    for clip_id, clip in clips.items():
        one = found.get(clip_id)
        refusal = sorter.refusal(clip, one)
        if refusal:
            bad[clip_id] = refusal
        elif isinstance(one, Examined):
            good[clip_id] = one
    for clip_id, look_alike in sorter.look_alikes(good).items():
        bad[clip_id] = look_alike
        del good[clip_id]
    rows = [sorter.row(clips[clip_id], one) for clip_id, one in good.items()]
    return SortedClips(rows, [bad[clip_id] for clip_id in sorted(bad)])


class _Sorter:
    """What decides on clips, and makes their rows."""

    def __init__(self, clips: Mapping[str, FetchedClip], params: MetadataParams, root: Path) -> None:
        self._clips = clips
        self._params = params
        self._root = root
        self._splits = split_origins((clip.fetched.entry for clip in clips.values()), params.splits, params.seed)

    def _split_of(self, clip: FetchedClip) -> Split:
        return self._splits[clip.fetched.entry.origin]

    def refusal(self, clip: FetchedClip, one: Examined | str | None) -> QuarantinedClip | None:
        """Why a clip is quarantined by itself."""
        if not clip.captions:
            if fault := without_bytes(clip.path):
                return self._quarantined(clip, None, *fault)
            said = "; ".join(clip.fetched.entry.captions)[:80]
            words = f"no caption of it has {self._params.captions.min_words} words: {said!r}" if said else "it has none"
            return self._quarantined(clip, None, Reason.NO_CAPTION, words)
        if one is None:
            return self._quarantined(clip, None, *(no_plain_file(clip.path) or _COME_BACK))
        if isinstance(one, str):
            return self._quarantined(clip, None, Reason.CRASHED, one)
        if one.measured.reason:
            return self._quarantined(clip, one.sha256, one.measured.reason, one.measured.evidence)
        return None

    def look_alikes(self, good: Mapping[str, Examined]) -> dict[str, QuarantinedClip]:
        """Of clips that are good by themselves, those that look like one that is held back."""
        bits = self._params.limits.max_duplicate_bits
        if bits is None:
            return {}
        looks = [Look(name, self._split_of(self._clips[name]), one.measured.hashes) for name, one in good.items()]
        split_of = {look.clip_id: look.split for look in looks}
        return {
            clip_id: self._quarantined(
                self._clips[clip_id],
                good[clip_id].sha256,
                Reason.NEAR_DUPLICATE,
                f"{alike} of {of} pictures look like those of {other}, which is in {split_of[other]}",
                other,
            )
            for clip_id, (other, alike, of) in find_duplicates(looks, bits).items()
        }

    def _quarantined(
        self, clip: FetchedClip, sha256: str | None, reason: Reason, evidence: str, other: str | None = None
    ) -> QuarantinedClip:
        source, path = clip.fetched.entry.source, _shown(clip.path, self._root)
        return QuarantinedClip(clip.clip_id, source, path, sha256, reason, evidence, other)

    def row(self, clip: FetchedClip, one: Examined) -> ClipRow:
        entry, measured, window = clip.fetched.entry, one.measured, self._params.window
        assert one.sha256 and one.image_path and measured.fps and measured.width and measured.height
        assert measured.duration_seconds
        chance = f"{self._params.seed}/{clip.clip_id}"
        return ClipRow(
            clip_id=clip.clip_id,
            source=entry.source,
            origin=entry.origin,
            category=entry.category,
            licence=entry.licence,
            split=self._split_of(clip),
            sha256=one.sha256,
            size_bytes=one.size_bytes,
            video_path=_shown(clip.path, self._root),
            image_path=one.image_path,
            fps=measured.fps,
            width=measured.width,
            height=measured.height,
            duration_seconds=measured.duration_seconds,
            start_seconds=measured.start_seconds,
            end_seconds=round(measured.start_seconds + float(window.seconds), 6),
            window_frames=window.frames,
            window_fps=Fraction(window.fps),
            captions=clip.captions,
            prompt=choose_prompt(clip.captions, entry.category, self._params.captions, chance),
            motion=measured.motion,
            sharpness=measured.sharpness,
            brightness=measured.brightness,
            scene_cut=measured.scene_cut,
            still_share=measured.still_share,
            text_share=measured.text_share,
            cuts=measured.cuts,
        )


def _shown(path: Path, root: Path) -> Path:
    """From the project's folder, so that the table holds on another machine."""
    return Path(os.path.relpath(path, root))
