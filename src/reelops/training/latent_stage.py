"""The stage `latents`: a table of clips becomes the cache that training reads.

    plan -> encode what is missing -> index

It resumes where it stopped, encodes only what is new, and can be shared among machines: `--shard 2/4` encodes every
fourth clip, and a last run without it writes the index.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from reelops.cogvideox.encoding_memory import EncodersPlan
from reelops.cogvideox.memory import GB
from reelops.cogvideox.profiles import find_profile
from reelops.cogvideox.weights import Weights, locate_weights
from reelops.errors import Cancelled, DatasetError, ReelOpsError, SettingsError
from reelops.foreign import refuse_machine_fault
from reelops.params import Config
from reelops.progress import QUIET, RunContext
from reelops.system.device_lock import hold_accelerator
from reelops.system.digest import sha256_of
from reelops.system.exclusive_lock import exclusive_lock
from reelops.system.files import write_text_atomically
from reelops.system.out_of_memory import explaining_out_of_memory, release_unused_memory
from reelops.training.cache import FOLDER, QUARANTINE, EncodedClip, Encoding, Index, LatentCache
from reelops.training.clips import TrainingClip, read_training_clips
from reelops.training.encode import (
    TextEncoder,
    encode_caption,
    encode_sample,
    load_text_encoder,
    load_vae,
    plan_encoding,
    read_samples,
)
from reelops.training.params import LatentParams

One = TypeVar("One")
METRICS = Path("reports/latents/metrics.json")
WORK = Path(".cache/latents")
_WHAT_TO_DO = "Free it of other work and run it again, or set latents.dtype to bfloat16."


@dataclass(frozen=True)
class Shard:
    """The `number`th of `count` parts of all clips, counted from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Of `2/4`, the second of four.

        Raises:
            SettingsError: it is of another form, or there is no such part.
        """
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        shard = cls(int(found[1]), int(found[2])) if found else None
        if shard is None or not 1 <= shard.number <= shard.count:
            raise SettingsError(f"--shard {text!r} is no part of a whole; give for example 2/4 for the second of four.")
        return shard

    def has(self, place: int) -> bool:
        """Whether the clip at this place of the table, counted from 0, is in it."""
        return place % self.count == self.number - 1


@dataclass(frozen=True)
class Quarantined:
    """A clip that could not be encoded, and why."""

    clip_id: str
    reason: str


@dataclass(frozen=True)
class LatentPlan:
    """A run of the stage that can begin.

    Attributes:
        clips: of the table, all that can be read, each with its names in the cache.
        unreadable: the others.
        how: the encoders are held, which `encoding` tells.
        shard: the part that is encoded here; None encodes all and writes the index.
        lock: what a run of all is known by to others on this machine.
    """

    params: LatentParams
    cache: LatentCache
    weights: Weights
    encoding: Encoding
    how: EncodersPlan
    table_sha256: str
    clips: tuple[tuple[TrainingClip, EncodedClip], ...]
    unreadable: tuple[Quarantined, ...]
    shard: Shard | None
    lock: Path

    @property
    def total(self) -> int:
        """Clips of the table."""
        return len(self.clips) + len(self.unreadable)

    @property
    def own_clips(self) -> list[tuple[TrainingClip, EncodedClip]]:
        """Those of the shard."""
        return [one for place, one in enumerate(self.clips) if self.shard is None or self.shard.has(place)]


@dataclass(frozen=True)
class LatentResult:
    """What a run of the stage did.

    Attributes:
        clips: of the table.
        encoded, captions: clips and captions that were encoded now.
        kept: clips that were in the cache already.
        removed: files that the index no longer names.
        size_bytes: of all latents; 0 for a shard.
    """

    clips: int
    encoded: int
    kept: int
    captions: int
    removed: int
    size_bytes: int
    seconds: float
    quarantined: tuple[Quarantined, ...]
    notes: tuple[str, ...]

    @property
    def figures(self) -> dict[str, float]:
        """What reports/latents/metrics.json holds."""
        counts = {name: value for name, value in asdict(self).items() if name not in ("quarantined", "notes")}
        return counts | {"quarantined": len(self.quarantined)}


def plan_latents(params: LatentParams, config: Config, shard: Shard | None = None) -> LatentPlan:
    """What there is to encode; every file is compared with the table, nothing heavy is loaded.

    Raises:
        DatasetError: there is no table, or it has no clips.
        WeightsError: the base's weights cannot be had, or it is none for image-to-video.
        ClipFormatError: the base does not make the profile's clips.
        MachineError: an encoder does not fit this machine.
    """
    table = config.root / params.table
    clips = read_training_clips(table, config.root)
    if not clips:
        raise DatasetError(f"{table} has no clips. See why with `reelops metadata`, then make it again.")
    weights = locate_weights(find_profile(params.profile, config), config.cache)
    encoding, how = plan_encoding(params, config, weights)
    named, unreadable = _named(clips, encoding)
    return LatentPlan(
        params=params,
        cache=LatentCache(config.root / FOLDER),
        weights=weights,
        encoding=encoding,
        how=how,
        table_sha256=sha256_of(table),
        clips=tuple(named),
        unreadable=tuple(unreadable),
        shard=shard,
        lock=config.root / WORK / "lock",
    )


def run_latents(plan: LatentPlan, context: RunContext = QUIET) -> LatentResult:
    """Encodes what is not in the cache yet, and writes the index.

    Raises:
        DatasetError: more clips failed than `latents.max_failed_share` allows; the old index stays.
        MachineError: the encoders do not fit this machine, the disk is full, or a clip cannot be read on this machine
            now; what was encoded stays, and the old index. Or another process encodes the same table.
        Cancelled: somebody asked to stop; what was encoded stays.
    """
    with _alone(plan):
        return _run(plan, context)


def _alone(plan: LatentPlan) -> AbstractContextManager[None]:
    """Of runs of the whole table one at a time: each removes what its own table does not name."""
    if plan.shard is not None:
        return nullcontext()
    return exclusive_lock(plan.lock, f"Another process is encoding into {plan.cache.folder}. Wait for it.")


def _run(plan: LatentPlan, context: RunContext) -> LatentResult:
    began = time.monotonic()
    clips = [one for one in plan.own_clips if not plan.cache.has("clips", one[1].key)]
    captions = _missing_captions(plan)
    failed, notes = _encode(plan, clips, captions, context) if clips or captions else ([], [])
    quarantined = (*plan.unreadable, *failed)
    removed, size_bytes = _finish(plan, quarantined) if plan.shard is None else (0, 0)
    return LatentResult(
        clips=plan.total,
        encoded=len(clips) - len(failed),
        kept=len(plan.own_clips) - len(clips),
        captions=len(captions),
        removed=removed,
        size_bytes=size_bytes,
        seconds=time.monotonic() - began,
        quarantined=quarantined,
        notes=tuple(notes),
    )


def report_latents(result: LatentResult, root: Path) -> None:
    """Writes the figures for `dvc metrics`."""
    write_text_atomically(root / METRICS, json.dumps(result.figures, indent=2) + "\n")


def _named(
    clips: Sequence[TrainingClip], encoding: Encoding
) -> tuple[list[tuple[TrainingClip, EncodedClip]], list[Quarantined]]:
    named, unreadable = [], []
    for clip in clips:
        try:
            named.append((clip, _name(clip, encoding)))
        except (ReelOpsError, OSError) as error:
            refuse_machine_fault(clip.video, error)
            unreadable.append(Quarantined(clip.clip_id, str(error)))
    return named, unreadable


def _name(clip: TrainingClip, encoding: Encoding) -> EncodedClip:
    found = sha256_of(clip.video)
    if found != clip.sha256:
        raise DatasetError(
            f"{clip.video} is not the file that the table was made of (sha256 {found[:12]}, not {clip.sha256[:12]}). "
            "Make the table again with `dvc repro metadata`."
        )
    content = (found, sha256_of(clip.picture), clip.start)
    return EncodedClip(
        clip_id=clip.clip_id,
        split=clip.split,
        key=encoding.clip_key(*content),
        noise_seed=encoding.noise_seed(*content),
        captions=clip.captions,
        texts=tuple(encoding.text_key(caption) for caption in clip.captions),
    )


def _missing_captions(plan: LatentPlan) -> list[str]:
    """Captions of the shard's clips that are not in the cache; the empty one is what dropout and sampling need."""
    wanted = dict.fromkeys(["", *(text for clip, _ in plan.own_clips for text in clip.captions)])
    return [text for text in wanted if not plan.cache.has("texts", plan.encoding.text_key(text))]


def _encode(
    plan: LatentPlan, clips: Sequence[tuple[TrainingClip, EncodedClip]], captions: Sequence[str], context: RunContext
) -> tuple[list[Quarantined], list[str]]:
    """Stores what is missing; the clips that cannot be encoded, and notes.

    One encoder at a time is in memory: the text encoder of the 5B is twenty times as large as its VAE.
    """
    how = plan.how
    doing = f"encoding in {plan.params.dtype} (planned: {how.peak_bytes / GB:.1f} GB); what was encoded stays"
    with hold_accelerator(context), explaining_out_of_memory(doing, _WHAT_TO_DO):
        notes = _encode_captions(plan, captions, how, context)
        release_unused_memory()
        failed = _encode_clips(plan, clips, how, context)
    return failed, [*how.notes, *notes]


def _encode_captions(plan: LatentPlan, captions: Sequence[str], how: EncodersPlan, context: RunContext) -> list[str]:
    """Stores them; notes on those that are cut short."""
    if not captions:
        return []
    encoder = load_text_encoder(plan.weights.folder, plan.params.dtype, how.text_device)
    return [
        note
        for text in _counted(captions, len(captions), "captions", context)
        for note in _encode_text(plan, text, encoder)
    ]


def _encode_clips(
    plan: LatentPlan, clips: Sequence[tuple[TrainingClip, EncodedClip]], how: EncodersPlan, context: RunContext
) -> list[Quarantined]:
    """Stores them; those that cannot be encoded."""
    if not clips:
        return []
    failed: dict[int, Quarantined] = {}
    vae = load_vae(plan.weights.folder, plan.params.dtype, how.vae_device, how.vae_tiling)
    with closing(read_samples([clip for clip, _ in clips], plan.encoding)) as samples:
        for index, sample in _counted(samples, len(clips), "clips", context):
            clip, entry = clips[index]
            try:
                _encode_clip(plan, entry, sample, vae)
            except Cancelled:
                raise
            except (ReelOpsError, OSError) as error:
                refuse_machine_fault(clip.video, error)
                failed[index] = Quarantined(clip.clip_id, str(error))
    context.progress("clips", len(clips), len(clips), "clips")
    return [reason for _, reason in sorted(failed.items())]


def _counted(items: Iterable[One], count: int, stage: str, context: RunContext) -> Iterator[One]:
    """The items one by one, each reported before its turn.

    Raises:
        Cancelled: somebody asked to stop.
    """
    for number, item in enumerate(items):
        context.progress(stage, number, count, stage)
        context.raise_if_stopped(
            f"Stopped as asked, {number} of {count} {stage} encoded; the next run resumes from there."
        )
        yield item


def _encode_text(plan: LatentPlan, caption: str, encoder: TextEncoder) -> list[str]:
    tensors, notes = encode_caption(caption, plan.encoding, encoder)
    plan.cache.write("texts", plan.encoding.text_key(caption), tensors, plan.encoding.stored_dtype)
    return notes


def _encode_clip(plan: LatentPlan, entry: EncodedClip, sample: tuple[np.ndarray, np.ndarray] | str, vae: Any) -> None:
    """Stores it.

    Raises:
        DatasetError: its sample could not be read, which is told instead of it.
    """
    if isinstance(sample, str):
        raise DatasetError(sample)
    tensors = encode_sample(*sample, entry, plan.encoding, vae)
    plan.cache.write("clips", entry.key, tensors, plan.encoding.stored_dtype)


def _finish(plan: LatentPlan, quarantined: Sequence[Quarantined]) -> tuple[int, int]:
    """Writes quarantine and index; files removed, and bytes of all that stay."""
    folder = plan.cache.folder
    reasons = {one.clip_id: one.reason for one in quarantined}
    write_text_atomically(folder / QUARANTINE, json.dumps(reasons, indent=1, sort_keys=True) + "\n")
    _check_failed(plan, quarantined)
    index = Index(
        encoding=plan.encoding,
        table_sha256=plan.table_sha256,
        empty_text=plan.encoding.text_key(""),
        clips=tuple(_without((entry for _, entry in plan.clips), reasons)),
    )
    plan.cache.write_index(index)
    removed = plan.cache.prune(index)
    return removed, sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


def _without(entries: Iterable[EncodedClip], quarantined: Iterable[str]) -> list[EncodedClip]:
    names = set(quarantined)
    return [entry for entry in entries if entry.clip_id not in names]


def _check_failed(plan: LatentPlan, quarantined: Sequence[Quarantined]) -> None:
    allowed = plan.params.max_failed_share
    if len(quarantined) <= allowed * plan.total:
        return
    first = quarantined[0]
    raise DatasetError(
        f"{len(quarantined)} of {plan.total} clips could not be encoded, more than latents.max_failed_share "
        f"({allowed:g}) allows; the first is {first.clip_id}: {first.reason} All reasons are in "
        f"{plan.cache.folder / QUARANTINE}."
    )
