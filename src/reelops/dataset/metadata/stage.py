"""The stage `metadata`: from what was fetched to the table of clips, and the one of clips that were thrown out.

    entries -> captions -> examined clips -> split -> look-alikes across splits -> clips.parquet, quarantine.parquet

Looking at clips takes nearly all of the time. It is shared out among processes, or shards of it among machines, and may
be killed at any moment: what was measured is kept by the bytes of the video. The rest is done in one go at the end, in
the order of the clips' ids, so that the tables are the same whoever has measured what.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from reelops.dataset.entry import Fetched, Split
from reelops.dataset.fetch.known_files import KnownFiles
from reelops.dataset.fetch.stage import RAW
from reelops.dataset.metadata.captions import choose_prompt, clean_captions
from reelops.dataset.metadata.diagnosis import no_plain_file
from reelops.dataset.metadata.duplicates import Look, find_duplicates
from reelops.dataset.metadata.examine import Examined, Job, examine, known_already
from reelops.dataset.metadata.params import MetadataParams, load_metadata_params
from reelops.dataset.metadata.splits import split_origins
from reelops.dataset.metadata.store import WORK, measure_store, settings_digest
from reelops.dataset.params import DatasetParams
from reelops.dataset.records import count_lost, read_fetched, why_unlisted
from reelops.dataset.table import (
    CLIPS,
    CLIPS_JSONL,
    IMAGES,
    QUARANTINE,
    SPLITS,
    ClipRow,
    QuarantinedClip,
    Reason,
    write_clips,
    write_quarantine,
)
from reelops.errors import DatasetError
from reelops.params import Config
from reelops.system.exclusive_lock import exclusive_lock
from reelops.system.hardware import cores
from reelops.system.worker_pool import JobResult, run_jobs

# What is known of files is kept this often while they are read.
_KEEP_SECONDS = 30.0
_COME_BACK = Reason.MISSING, "it was not there when clips were looked at; run `reelops metadata` again"


@dataclass(frozen=True)
class Shard:
    """One of `of` parts of all clips, counted from 0; which clips are in it follows from their names."""

    number: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Of `2/8`, the second of eight.

        Raises:
            DatasetError: it is of another form.
        """
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise DatasetError(f"{text!r} is no part of the clips; give for example 2/8 for the second of eight.")
        return cls(int(number) - 1, int(of))

    def has(self, clip_id: str) -> bool:
        return int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:8]) % self.of == self.number


@dataclass(frozen=True)
class ExamineProgress:
    """How far it is: `done` of `total` clips, of which `known` took no work."""

    done: int
    total: int
    known: int


OnExamined = Callable[[ExamineProgress], None]


@dataclass(frozen=True)
class Prepared:
    """What became of all clips.

    Attributes:
        rows, quarantined: both by clip id.
        examined: clips that were looked at in this run; the others were known.
        lost: clips of each source whose videos could not be had, from `reelops fetch`.
        unlisted: sources that are not in the tables, as `reelops fetch` could not list them, each with the reason.
    """

    rows: tuple[ClipRow, ...]
    quarantined: tuple[QuarantinedClip, ...]
    examined: int
    lost: dict[str, int]
    unlisted: dict[str, str]
    seconds: float

    @property
    def total(self) -> int:
        return len(self.rows) + len(self.quarantined)

    @property
    def share_thrown_out(self) -> float:
        return len(self.quarantined) / max(1, self.total)

    @property
    def splits(self) -> dict[Split, int]:
        counts = Counter(row.split for row in self.rows)
        return {split: counts[split] for split in SPLITS}

    @property
    def reasons(self) -> dict[str, int]:
        """How many were thrown out for each reason, most first."""
        counts = Counter(clip.reason.value for clip in self.quarantined)
        return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


class Preparing:
    """One run of the stage.

    Args:
        params: the block `metadata` of params.yaml.
        sources: names of the sources, each of which `reelops fetch` has brought.
        root: the project's folder.
        workers: processes; None takes one a core.
        on_progress: told at every clip; what it raises ends the run.
    """

    def __init__(
        self,
        params: MetadataParams,
        sources: Sequence[str],
        root: Path,
        *,
        workers: int | None = None,
        on_progress: OnExamined | None = None,
    ) -> None:
        self.params = params
        self.root = root
        self._sources = sources
        self._workers = workers or cores()
        self._on_progress = on_progress or (lambda _: None)
        self._settings = settings_digest(params)
        self._store = measure_store(root / WORK / "measured")

    @classmethod
    def of(cls, config: Config, *, workers: int | None = None, on_progress: OnExamined | None = None) -> Preparing:
        """With params.yaml and the project's folder of these settings.

        Raises:
            SettingsError: params.yaml cannot be used.
        """
        params = load_metadata_params(config)
        sources = config.block("dataset", DatasetParams).names
        return cls(params, sources, config.root, workers=workers, on_progress=on_progress)

    def run(self) -> Prepared:
        """Looks at all clips and writes the tables.

        Raises:
            DatasetError: nothing was fetched.
            MachineError: a file cannot be written, or another run is under way.
        """
        began = time.monotonic()
        busy = f"another `reelops metadata` works in {self.root}; wait until it has ended."
        with exclusive_lock(self.root / WORK / "lock", busy):
            clips = self._clips()
            examined, known = self._examined([clip for clip in clips.values() if clip.captions], "all")
            rows, quarantined = self._sorted_out(clips, examined)
            write_quarantine(quarantined, self.root / QUARANTINE)
            write_clips(rows, self.root / CLIPS, self.root / CLIPS_JSONL)
            self._remove_other_images(rows)
        lost = {source: count_lost(self.root / RAW / source) for source in self._sources}
        looked_at, seconds = len(examined) - known, time.monotonic() - began
        return Prepared(tuple(rows), tuple(quarantined), looked_at, lost, self._unlisted(), seconds)

    def examine(self, shard: Shard) -> ExamineProgress:
        """Looks at the clips of a shard, so that whoever runs the stage in the same folder finds them known."""
        clips = [clip for clip in self._clips().values() if clip.captions and shard.has(clip.clip_id)]
        _, known = self._examined(clips, f"{shard.number + 1}-of-{shard.of}")
        return ExamineProgress(len(clips), len(clips), known)

    def _clips(self) -> dict[str, _Clip]:
        """All clips that were fetched, by id and in the order of their ids."""
        clips = [
            _Clip(fetched, clean_captions(fetched.entry.captions, self.params.captions))
            for source in self._sources
            for fetched in read_fetched(self.root / RAW / source, self.root)
        ]
        if not clips:
            why = "".join(f" {source}: {reason}" for source, reason in self._unlisted().items())
            raise DatasetError(f"Nothing was fetched into {self.root / RAW}; run `reelops fetch` first.{why}")
        return {clip.clip_id: clip for clip in sorted(clips, key=lambda clip: clip.clip_id)}

    def _unlisted(self) -> dict[str, str]:
        reasons = ((source, why_unlisted(self.root / RAW / source)) for source in self._sources)
        return {source: reason for source, reason in reasons if reason}

    def _examined(self, clips: Sequence[_Clip], name: str) -> tuple[dict[str, Examined | str], int]:
        """What was found, or in words why nothing was, by clip id; and how many were known before."""
        files = KnownFiles(self.root / WORK / "known")
        here = [clip for clip in clips if not no_plain_file(clip.path)]
        jobs = [self._job(clip, files.of(clip.path)) for clip in here]
        found: dict[str, Examined | str] = {}
        for clip, job in zip(here, jobs, strict=True):
            if (known := known_already(job)) is not None:
                found[clip.clip_id] = known
        known_before, kept = len(found), time.monotonic()
        waiting = [(clip, job) for clip, job in zip(here, jobs, strict=True) if clip.clip_id not in found]

        def tell() -> None:
            self._on_progress(ExamineProgress(len(found), len(here), known_before))

        def keep() -> None:
            files.write(name)

        tell()
        try:
            for clip, done in self._answers(waiting, tell):
                found[clip.clip_id] = done.result or done.error or ""
                if done.result and done.result.sha256:
                    files.add(clip.path, done.result.sha256)
                tell()
                if time.monotonic() - kept > _KEEP_SECONDS:
                    keep()
                    kept = time.monotonic()
        finally:
            keep()
        return found, known_before

    def _answers(
        self, waiting: Sequence[tuple[_Clip, Job]], on_poll: Callable[[], None]
    ) -> Iterator[tuple[_Clip, JobResult[Examined]]]:
        jobs = [job for _, job in waiting]
        with closing(run_jobs(examine, jobs, self._workers, on_poll)) as answers:
            for answer in answers:
                if isinstance(answer, JobResult):
                    yield waiting[answer.index][0], answer

    def _job(self, clip: _Clip, sha256: str | None) -> Job:
        return Job(clip.path, clip.fetched.segment, sha256, self.params, self._settings, self._store, self.root)

    def _sorted_out(
        self, clips: dict[str, _Clip], examined: dict[str, Examined | str]
    ) -> tuple[list[ClipRow], list[QuarantinedClip]]:
        """Both tables, by clip id."""
        splits = split_origins((clip.fetched.entry for clip in clips.values()), self.params.splits, self.params.seed)
        good: dict[str, Examined] = {}
        bad: dict[str, QuarantinedClip] = {}
        for clip_id, clip in clips.items():
            one = examined.get(clip_id)
            refusal = self._refusal(clip, one)
            if refusal:
                bad[clip_id] = refusal
            elif isinstance(one, Examined):
                good[clip_id] = one
        for clip_id, look_alike in self._look_alikes(clips, good, splits).items():
            bad[clip_id] = look_alike
            del good[clip_id]
        rows = [self._row(clips[clip_id], one, splits) for clip_id, one in good.items()]
        return rows, [bad[clip_id] for clip_id in sorted(bad)]

    def _refusal(self, clip: _Clip, one: Examined | str | None) -> QuarantinedClip | None:
        """Why a clip is thrown out by itself."""
        if not clip.captions:
            said = "; ".join(clip.fetched.entry.captions)[:80]
            words = (
                f"no caption of it has {self.params.captions.fewest_words} words: {said!r}" if said else "it has none"
            )
            return self._quarantined(clip, None, Reason.NO_CAPTION, words)
        if one is None:
            return self._quarantined(clip, None, *(no_plain_file(clip.path) or _COME_BACK))
        if isinstance(one, str):
            return self._quarantined(clip, None, Reason.CRASHED, one)
        if one.measured.reason:
            return self._quarantined(clip, one.sha256, one.measured.reason, one.measured.evidence)
        return None

    def _look_alikes(
        self, clips: dict[str, _Clip], good: dict[str, Examined], splits: dict[str, Split]
    ) -> dict[str, QuarantinedClip]:
        bits = self.params.limits.duplicate_bits
        if bits is None:
            return {}
        looks = [
            Look(name, splits[clips[name].fetched.entry.origin], one.measured.hashes) for name, one in good.items()
        ]
        split_of = {look.clip_id: look.split for look in looks}
        return {
            clip_id: self._quarantined(
                clips[clip_id],
                good[clip_id].sha256,
                Reason.NEAR_DUPLICATE,
                f"{alike} of {of} pictures look like those of {other}, which is in {split_of[other]}",
                other,
            )
            for clip_id, (other, alike, of) in find_duplicates(looks, bits).items()
        }

    def _quarantined(
        self, clip: _Clip, sha256: str | None, reason: Reason, evidence: str, other: str | None = None
    ) -> QuarantinedClip:
        source, path = clip.fetched.entry.source, _shown(clip.path, self.root)
        return QuarantinedClip(clip.clip_id, source, path, sha256, reason, evidence, other)

    def _row(self, clip: _Clip, one: Examined, splits: dict[str, Split]) -> ClipRow:
        entry, measured, window = clip.fetched.entry, one.measured, self.params.window
        assert one.sha256 and one.image_path and measured.fps and measured.width and measured.height
        assert measured.duration_seconds
        chance = f"{self.params.seed}/{clip.clip_id}"
        return ClipRow(
            clip_id=clip.clip_id,
            source=entry.source,
            origin=entry.origin,
            category=entry.category,
            licence=entry.licence,
            split=splits[entry.origin],
            sha256=one.sha256,
            size_bytes=one.size_bytes,
            video_path=_shown(clip.path, self.root),
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
            prompt=choose_prompt(clip.captions, entry.category, self.params.captions, chance),
            motion=measured.motion,
            sharpness=measured.sharpness,
            brightness=measured.brightness,
            scene_cut=measured.scene_cut,
            still_share=measured.still_share,
            text_share=measured.text_share,
            cuts=measured.cuts,
        )

    def _remove_other_images(self, rows: Iterable[ClipRow]) -> None:
        """Pictures that no clip of the table starts from, of earlier runs."""
        wanted = {self.root / row.image_path for row in rows}
        for path in (self.root / IMAGES).glob("*/*.png"):
            if path not in wanted:
                path.unlink()


@dataclass(frozen=True)
class _Clip:
    """A clip that was fetched, and its captions that can be used."""

    fetched: Fetched
    captions: tuple[str, ...]

    @property
    def clip_id(self) -> str:
        return f"{self.fetched.entry.source}/{self.fetched.entry.clip_id}"

    @property
    def path(self) -> Path:
        return self.fetched.path


def _shown(path: Path, root: Path) -> Path:
    """From the project's folder, so that the table holds on another machine."""
    return Path(os.path.relpath(path, root))
