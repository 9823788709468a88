"""Compares each frame that ReelOps shows with ffmpeg's: python -m scripts.media_report [--ffmpeg FFMPEG] [FILES...]

Makes the files of `odd_media.py`, takes FILES beside them, and writes reports/media.json and reports/media.md. Without
an ffmpeg on the path PyAV's own plain decoding loop stands in for it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from reelops.errors import ReelOpsError
from reelops.video.decode import read_frames
from reelops.video.frame_colours import SCALING
from reelops.video.probe import probe
from scripts.odd_media import Made, make_all

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "reports" / "media.json"
_FLAGS = "bicubic+accurate_rnd+bitexact+full_chroma_int+full_chroma_inp"
_TIME = re.compile(r"pts_time:\s*(-?[\d.]+|NOPTS)")
_FEW_LEVELS, _TICKS = 4, 0.002

Shown = tuple[float | None, np.ndarray]


def by_ffmpeg(ffmpeg: str, path: Path, size: tuple[int, int]) -> Iterator[Shown]:
    """Times and pictures as `ffmpeg` shows them, at a size."""
    chain = f"scale={size[0]}:{size[1]}:flags={_FLAGS},format=rgb24,showinfo"
    command = [ffmpeg, "-hide_banner", "-i", str(path), "-map", "0:V:0", "-vf", chain, "-fps_mode", "passthrough"]
    done = subprocess.run([*command, "-f", "rawvideo", "-"], capture_output=True, check=False)
    times = _TIME.findall(done.stderr.decode(errors="replace"))
    frames = np.frombuffer(done.stdout, np.uint8)
    frames = frames[: len(frames) // (size[0] * size[1] * 3) * size[0] * size[1] * 3]
    for time, frame in zip(times, frames.reshape(-1, size[1], size[0], 3), strict=False):
        yield None if time == "NOPTS" else float(time), frame


def by_plain_loop(path: Path, size: tuple[int, int]) -> Iterator[Shown]:
    """The same by nothing but PyAV."""
    with av.open(str(path), metadata_errors="replace") as container:
        for frame in container.decode(container.streams.video[0]):
            yield frame.time, frame.reformat(*size, format="rgb24", interpolation=SCALING).to_ndarray()


def compare(made: Made, ffmpeg: str | None) -> dict[str, Any]:
    """A row of the report."""
    row: dict[str, Any] = {"file": made.path.name, "encoder": made.encoder, "oddity": made.oddity}
    try:
        info = probe(made.path)
        size = info.width, info.height
        ours: list[Shown] = [(float(one.time), one.frame_HWC) for one in read_frames(made.path, size=size)]
    except ReelOpsError as error:
        reason = str(error).replace(str(made.path), "it")
        theirs = len(list(by_ffmpeg(ffmpeg, made.path, (64, 48)) if ffmpeg else ()))
        return row | {"refused": reason, "shown": theirs, "agrees": not theirs}
    reference = list(by_ffmpeg(ffmpeg, made.path, size) if ffmpeg else by_plain_loop(made.path, size))
    row |= {"container": info.container.split(",")[0], "codec": info.codec, "pixels": info.pixel_format}
    row |= {"fps": str(info.fps), "found": info.num_frames, "read": len(ours), "shown": len(reference)}
    row |= {"notes": list(info.notes), "furthest_time": _furthest_time(ours, reference)}
    row["largest_difference"], row["mean_difference"] = _differences(ours, reference)
    counts = info.num_frames == len(ours) == len(reference)
    times = row["furthest_time"] is None or row["furthest_time"] <= _TICKS
    row["counts_agree"], row["times_agree"] = counts, times
    row["tone_mapped"] = any(note.startswith("It is HDR") for note in info.notes)
    pictures = row["tone_mapped"] or (row["mean_difference"] or 0) <= _FEW_LEVELS
    row["agrees"] = bool(counts and times and pictures)
    return row


def _furthest_time(ours: Sequence[Shown], reference: Sequence[Shown]) -> float | None:
    """By how many seconds, after the first frame, the two differ at most; None where ffmpeg knows no times."""
    if not reference or any(time is None for time, _ in reference):
        return None
    first = reference[0][0] or 0.0
    pairs = zip(ours, reference, strict=False)
    return round(max((abs((mine or 0) - ((other or 0) - first)) for (mine, _), (other, _) in pairs), default=0), 4)


def _differences(ours: Sequence[Shown], reference: Sequence[Shown]) -> tuple[int | None, float | None]:
    gaps = [
        np.abs(mine.astype(np.int16) - other)
        for (_, mine), (_, other) in zip(ours, reference, strict=False)
        if mine.shape == other.shape
    ]
    if not gaps:
        return None, None
    return int(max(gap.max() for gap in gaps)), round(float(max(gap.mean() for gap in gaps)), 3)


def page(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [
        "# Videos as ffmpeg shows them",
        "",
        f"{report['files']} files of {report['encoders']} encoders in {report['containers']} containers, each frame "
        f"compared with {report['reference']}; {report['agree']} agree.",
        "",
        f"A file agrees where count, times (to {_TICKS} s) and pictures (to a mean of {_FEW_LEVELS} levels) do. Levels "
        "differ a little where ffmpeg takes chroma of 4:2:0 as placed on the left. MPEG-1 in AVI: FFmpeg's own times "
        "leave out the second place, the file itself keeps all, evenly. Of HDR, which is tone-mapped, only "
        "count and times are to agree.",
        "",
        "| file | oddity | frames: found, read, shown there | furthest time, s | largest, mean difference | agrees |",
        "|---|---|---|---|---|---|",
    ]
    for row in report["rows"]:
        counts = f"{row.get('found', '-')}, {row.get('read', '-')}, {row['shown']}"
        gaps = f"{row.get('largest_difference', '-')}, {row.get('mean_difference', '-')}"
        verdict = "yes" if row["agrees"] else "no"
        said = row.get("refused") or " ".join(row.get("notes", []))
        verdict += f": {said}" if said else ""
        time = row.get("furthest_time", "-")
        lines.append(f"| {row['file']} | {row['oddity']} | {counts} | {time} | {gaps} | {verdict} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--ffmpeg", default=shutil.which("ffmpeg"))
    parser.add_argument("--only-files", action="store_true", help="make none, write nothing but the table")
    arguments = parser.parse_args()
    version = "PyAV's plain loop"
    if arguments.ffmpeg:
        told = subprocess.run([arguments.ffmpeg, "-version"], capture_output=True, text=True, check=True).stdout
        version = " ".join(told.split()[:3])
    with tempfile.TemporaryDirectory() as scratch:
        made: Iterator[Made] = iter(()) if arguments.only_files else make_all(Path(scratch))
        rows = [compare(one, arguments.ffmpeg) for one in made]
    rows += [compare(Made(path, "", "given"), arguments.ffmpeg) for path in arguments.files]
    report = {
        "reference": version,
        "files": len(rows),
        "encoders": len({row["encoder"] for row in rows}),
        "containers": len({row["container"] for row in rows if "container" in row}),
        "agree": sum(row["agrees"] for row in rows),
        "rows": rows,
    }
    if arguments.only_files:
        print(page(report))
    else:
        REPORT.write_text(json.dumps(report, indent=1) + "\n")
        REPORT.with_suffix(".md").write_text(page(report))
    print(f"{report['agree']} of {report['files']} files are shown as by {version}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
