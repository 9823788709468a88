"""Memory and time of the stage itself on many small clips.

The clips are short cuts of the real ones under many names, each with bytes of its own, so that every one is read,
decoded, measured and given its picture.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from reelops.benchmark.case import Bench, Part
from reelops.benchmark.cases.metadata.memory_over_time import MemoryOverTime, own_peak_mb
from reelops.benchmark.cases.metadata.memory_plot import memory_svg
from reelops.benchmark.own_process import call_in_own_process
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.dataset.entry import Entry, Fetched
from reelops.dataset.metadata.params import MetadataParams, WindowParams, load_metadata_params
from reelops.dataset.metadata.stage import MetadataPlan, run_metadata
from reelops.dataset.records import write_records
from reelops.progress import RunContext
from reelops.system.hardware import cores
from reelops.video.decode import read_frames
from reelops.video.encode import encode

NUM_CLIPS = 10_000
NEW_CLIPS = 100

_SOURCE = "many"
# Short and small, so that many clips are looked at in minutes: of two seconds nine pictures make a window.
_SMALL = WindowParams(frames=9, fps=8, search_seconds=2)
_SMALL_SIZE, _SMALL_FRAMES, _CUTS_A_CLIP = (96, 64), 16, 4
_RUNS = {"a_tenth": "a tenth of them", "all": "all, a tenth known", "again": "all again", "more": "with new ones"}


def measure_many(bench: Bench, context: RunContext, count: int = NUM_CLIPS) -> Figures:
    """Preparing a tenth of so many small clips, all of them, all again, and with a hundred new ones."""
    clips, params, root = bench.files("data_clips"), load_metadata_params(bench.config), bench.scratch
    cuts = small_cuts(clips, root / "cuts")
    runs: dict[str, dict[str, Any]] = {}
    for done, name, number in zip((0, 10, 90, 94), _RUNS, (count // 10, count, count, count + NEW_CLIPS), strict=True):
        context.raise_if_stopped()
        context.progress("many", done, 100, detail=f"{number:,} small clips")
        lay_out_many(root, cuts, number)
        runs[name] = call_in_own_process(_run_stage, "prepared small clips", root, params.model_dump_json())
    first, whole = runs["a_tenth"], runs["all"]
    return {
        "cuts": len(cuts),
        "real_clips": len(clips),
        "runs": runs,
        "processor_ms_per_clip": 1000 * whole["cpu_seconds"] / max(1, whole["examined"]),
        "main_process_kb_per_clip": (whole["main_peak_mb"] - first["main_peak_mb"]) * 1000 / (count - count // 10),
    }


def small_cuts(clips: Sequence[Path], folder: Path) -> list[bytes]:
    """Two seconds from up to four places of each clip, small; clips that are too short give fewer."""
    cuts = []
    folder.mkdir(parents=True)
    for number, clip in enumerate(clips):
        frames = (shown.frame_HWC for shown in read_frames(clip, size=_SMALL_SIZE, fps=Fraction(_SMALL.fps)))
        pictures = list(islice(frames, _CUTS_A_CLIP * _SMALL_FRAMES))
        for start in range(0, len(pictures) - _SMALL_FRAMES + 1, _SMALL_FRAMES):
            path = folder / f"{number}-{start}.mp4"
            encode(pictures[start : start + _SMALL_FRAMES], path, Fraction(_SMALL.fps), "fast")
            cuts.append(path.read_bytes())
    return cuts


def lay_out_many(root: Path, cuts: Sequence[bytes], count: int) -> None:
    """So many clips of a source of their own, fetched; those that are there stay as they are."""
    videos = root / "data/raw" / _SOURCE / "videos"
    videos.mkdir(parents=True, exist_ok=True)
    fetched = []
    for number in range(count):
        path = videos / f"clip{number:06d}.mp4"
        if not path.exists():
            # A box that players skip (ISO/IEC 14496-12 section 8.1.2) makes the bytes its own.
            path.write_bytes(cuts[number % len(cuts)] + (24).to_bytes(4) + b"free" + f"{number:016d}".encode())
        entry = Entry(_SOURCE, path.stem, (f"Something happens, number {number}.",), "none", f"cut:{number}")
        fetched.append(Fetched(entry, path))
    write_records(root / "data/raw" / _SOURCE, fetched, (), root)


def _run_stage(root: Path, params_json: str) -> dict[str, Any]:
    """The stage once, in a process of its own, which says what it took."""
    given = MetadataParams.model_validate_json(params_json)
    limits = given.limits.model_copy(update={"min_side": 32, "max_text_share": 1.0, "max_duplicate_bits": None})
    params = given.model_copy(update={"window": _SMALL, "limits": limits})
    with MemoryOverTime() as memory:
        prepared = run_metadata(MetadataPlan(params, (_SOURCE,), root, cores()), RunContext(memory.on_event))
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "clips": len(prepared.rows),
        "quarantined": len(prepared.quarantined),
        "examined": prepared.examined,
        "seconds": prepared.seconds,
        "cpu_seconds": sum(one.ru_utime + one.ru_stime for one in (own, children)),
        "main_peak_mb": own_peak_mb(),
        "worker_peak_mb": memory.worker_peak_mb,
        "memory": memory.samples(),
    }


def _tables(found: Figures) -> Iterator[Table]:
    width, height = _SMALL_SIZE
    rows = (
        {
            **run,
            "run": _RUNS[name],
            "clips": f"{run['clips'] + run['quarantined']:,}",
            "examined": f"{run['examined']:,}",
            "worker_peak_mb": "-" if run["worker_peak_mb"] is None else f"{run['worker_peak_mb']:.0f}",
        }
        for name, run in found["runs"].items()
    )
    columns = {
        "Run": "run",
        "Clips": "clips",
        "Looked at": "examined",
        "Seconds": "seconds",
        "Processor seconds": "cpu_seconds",
        "Leading process, MB": "main_peak_mb",
        "Largest that measures, MB": "worker_peak_mb",
    }
    title = (
        f"{found['cuts']} cuts of {found['real_clips']} real clips, two seconds at {width}x{height}, under many names"
    )
    yield Table.of(title, rows, columns)


def _picture(found: Figures) -> str:
    whole = found["runs"]["all"]
    count = whole["clips"] + whole["quarantined"]
    return memory_svg(whole["memory"], f"Memory while {count:,} clips are looked at")


def many_part(count: int = 0) -> Part:
    """The part on so many clips; 0, which nobody asked for, are 10,000."""
    number = count or NUM_CLIPS
    return Part(
        "many",
        "memory and time of the stage itself on many small clips: a tenth of them, all, all again, and 100 new ones",
        30 + 0.06 * number,
        partial(measure_many, count=number),
        _tables,
        files=("data_clips",),
        options=("--many", str(number)),
        beside={".svg": _picture},
        by_default=count > 0,
    )
