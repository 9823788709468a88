"""The stage `metadata`: from what was fetched to the table of clips, and the one of quarantined clips.

    plan -> clips with captions -> examined clips -> split and sorted -> clips.parquet, quarantine.parquet

Shards of the clips can be looked at beforehand, on other machines, too; the run then finds them known. It may be killed
at any moment and run again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reelops.dataset.entry import Split
from reelops.dataset.fetch.stage import RAW
from reelops.dataset.metadata.examination import ALL, Examination, Shard, examine_clips
from reelops.dataset.metadata.examine import Examined
from reelops.dataset.metadata.fetched_clips import read_fetched_clips, unlisted_sources
from reelops.dataset.metadata.params import MetadataParams, load_metadata_params
from reelops.dataset.metadata.sorting import sort_clips
from reelops.dataset.metadata.store import WORK
from reelops.dataset.params import DatasetParams
from reelops.dataset.records import count_lost
from reelops.dataset.table import (
    CLIPS,
    CLIPS_JSONL,
    IMAGES,
    QUARANTINE,
    SPLITS,
    ClipRow,
    QuarantinedClip,
    write_clips,
    write_quarantine,
)
from reelops.params import Config
from reelops.progress import QUIET, RunContext
from reelops.system.exclusive_lock import exclusive_lock
from reelops.system.hardware import cores


@dataclass(frozen=True)
class MetadataPlan:
    """A run of the stage that can begin.

    Attributes:
        params: the block `metadata` of params.yaml.
        sources: names of the sources, each of which `reelops fetch` has brought.
        root: the project's folder.
        workers: processes of one thread each.
    """

    params: MetadataParams
    sources: tuple[str, ...]
    root: Path
    workers: int


@dataclass(frozen=True)
class ShardResult:
    """What looking at a shard did: `total` clips, of which `known` took no work."""

    total: int
    known: int


@dataclass(frozen=True)
class MetadataResult:
    """What became of all clips.

    Attributes:
        rows, quarantined: both by clip id.
        examined: clips that were looked at in this run.
        known: clips that an earlier run had looked at. Clips without a caption are never looked at.
        lost: clips of each source whose videos could not be had, from `reelops fetch`.
        odd: by the clip ids of `rows`, what is odd about files that are read all the same; a sentence each.
        unlisted: sources that are not in the tables, as `reelops fetch` could not list them, each with the reason.
    """

    rows: tuple[ClipRow, ...]
    quarantined: tuple[QuarantinedClip, ...]
    examined: int
    known: int
    lost: Mapping[str, int]
    odd: Mapping[str, tuple[str, ...]]
    unlisted: Mapping[str, str]
    seconds: float

    @property
    def total(self) -> int:
        return len(self.rows) + len(self.quarantined)

    @property
    def share_quarantined(self) -> float:
        return len(self.quarantined) / max(1, self.total)

    @property
    def splits(self) -> dict[Split, int]:
        counts = Counter(row.split for row in self.rows)
        return {split: counts[split] for split in SPLITS}

    @property
    def reasons(self) -> dict[str, int]:
        """How many are quarantined for each reason, most first."""
        counts = Counter(clip.reason.value for clip in self.quarantined)
        return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def plan_metadata(config: Config, workers: int | None = None) -> MetadataPlan:
    """A run as params.yaml says.

    Args:
        workers: processes; None takes one per core.

    Raises:
        SettingsError: params.yaml cannot be used.
    """
    sources = config.block("dataset", DatasetParams).names
    return MetadataPlan(load_metadata_params(config), tuple(sources), config.root, workers or cores())


def run_metadata(plan: MetadataPlan, context: RunContext = QUIET) -> MetadataResult:
    """Looks at all clips and writes the tables.

    Raises:
        DatasetError: nothing was fetched.
        MachineError: a file cannot be written, or another run is under way.
        Cancelled: somebody asked to stop; what was looked at is kept.
    """
    began, root = time.monotonic(), plan.root
    busy = f"another `reelops metadata` works in {root}; wait until it has ended."
    with exclusive_lock(root / WORK / "lock", busy):
        clips = read_fetched_clips(plan.sources, root, plan.params.captions)
        examination = examine_clips(clips.values(), ALL, plan.params, root, plan.workers, context)
        tables = sort_clips(clips, examination.found, plan.params, root)
        write_quarantine(tables.quarantined, root / QUARANTINE)
        write_clips(tables.rows, root / CLIPS, root / CLIPS_JSONL)
        _remove_other_images(tables.rows, root)
    return MetadataResult(
        rows=tuple(tables.rows),
        quarantined=tuple(tables.quarantined),
        examined=len(examination.found) - examination.known,
        known=examination.known,
        lost={source: count_lost(root / RAW / source) for source in plan.sources},
        odd=_odd_files(tables.rows, examination),
        unlisted=unlisted_sources(plan.sources, root),
        seconds=time.monotonic() - began,
    )


def run_shard(plan: MetadataPlan, shard: Shard, context: RunContext = QUIET) -> ShardResult:
    """Looks at the clips of a shard, so that whoever runs the stage in the same folder finds them known.

    Raises:
        As `run_metadata`.
    """
    clips = read_fetched_clips(plan.sources, plan.root, plan.params.captions)
    examination = examine_clips(clips.values(), shard, plan.params, plan.root, plan.workers, context)
    return ShardResult(examination.total, examination.known)


def _odd_files(rows: Iterable[ClipRow], examination: Examination) -> dict[str, tuple[str, ...]]:
    found = {row.clip_id: examination.found[row.clip_id] for row in rows}
    return {name: one.measured.notes for name, one in found.items() if isinstance(one, Examined) and one.measured.notes}


def _remove_other_images(rows: Iterable[ClipRow], root: Path) -> None:
    """Pictures that no clip of the table starts from, of earlier runs."""
    wanted = {root / row.image_path for row in rows}
    for path in (root / IMAGES).glob("*/*.png"):
        if path not in wanted:
            path.unlink()
