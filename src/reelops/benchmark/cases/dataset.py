"""How fast clips are looked at, beside a plain OpenCV loop that does the same; and what many of them take.

The loop is what one writes first: every frame is read in colour, made small, and compared with the one before by
optical flow; the window is chosen at the end. It finds the same numbers by the same functions, so what differs is the
way: ours decodes the light alone, makes small only what is looked at, and finds the flow only where it decides.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import psutil

from reelops.dataset.entry import Entry, Fetched
from reelops.dataset.metadata.fingerprint import fingerprint
from reelops.dataset.metadata.measure import Measured, measure
from reelops.dataset.metadata.params import MetadataParams, WindowParams
from reelops.dataset.metadata.stage import ExamineProgress, Preparing
from reelops.dataset.metadata.text_share import text_share
from reelops.dataset.metadata.window import Refused, Ticks, choose_window
from reelops.dataset.records import write_records
from reelops.metrics.continuity.scene_cut import discontinuity
from reelops.metrics.light.black_frames import dark_share
from reelops.metrics.light.brightness import brightness
from reelops.metrics.light.sharpness import sharpness
from reelops.metrics.motion.motion import change, motion
from reelops.metrics.view import Pulled
from reelops.optical_flow.engines import Dis, mean_magnitude
from reelops.optical_flow.threads import one_opencv_thread
from reelops.optical_flow.warp import pull_back
from reelops.optical_flow.working_size import WORKING_ROWS, at_rows
from reelops.system.hardware import cores, inspect_processor
from reelops.video.decode import read_frames
from reelops.video.encode import encode

OnStep = Callable[[str], None]

_ROUNDS = 3
_SOURCE = "many"
# Short and small, so that many clips are looked at in minutes: of two seconds nine pictures make a window.
_SMALL = WindowParams(frames=9, fps=8, search_seconds=2)
_SMALL_SIZE, _SMALL_FRAMES, _CUTS_A_CLIP = (96, 64), 16, 4
_NEW_CLIPS = 100
_SAMPLES = 60
_SAMPLE_SECONDS = 0.5


def benchmark_data(clips: Sequence[Path], params: MetadataParams, many: int, on_step: OnStep) -> dict[str, Any]:
    """All figures.

    Args:
        clips: real ones; those that are shorter than a window are left out.
        many: how many small clips to prepare; 0 leaves that part out.
    """
    return {
        "machine": f"{inspect_processor().name}, {cores()} cores, OpenCV {cv2.__version__}",
        "throughput": throughput(clips, params, on_step),
        **({"many": many_clips(clips, many, params, on_step)} if many else {}),
    }


def throughput(clips: Sequence[Path], params: MetadataParams, on_step: OnStep) -> dict[str, Any]:
    """Probe, window and statistics of each clip, ours and the loop's by turns: the least of the processor times."""
    rows = []
    for clip in clips:
        on_step(clip.name)
        ours = measure(clip, None, params.window, params.limits, "benchmark")
        if ours.reason or ours.duration_seconds is None or ours.duration_seconds > params.window.search_seconds:
            continue
        seconds: dict[str, list[float]] = {"ours": [], "opencv": []}
        for _ in range(_ROUNDS):
            began = time.process_time()
            ours = measure(clip, None, params.window, params.limits, "benchmark")
            seconds["ours"].append(time.process_time() - began)
            began = time.process_time()
            theirs = measure_plainly(clip, params)
            seconds["opencv"].append(time.process_time() - began)
        rows.append(_compared(clip, ours, theirs, min(seconds["ours"]), min(seconds["opencv"])))
    total = {name: sum(row[f"{name}_cpu_seconds"] for row in rows) for name in ("ours", "opencv")}
    return {
        "what": "probe, window and statistics of a clip; processor seconds of all threads, least of three rounds",
        "clips": rows,
        "clips_a_minute_a_core": {name: 60 * len(rows) / seconds for name, seconds in total.items()},
        "times_less_cpu": total["opencv"] / total["ours"],
    }


def _compared(clip: Path, ours: Measured, theirs: Measured, our_seconds: float, their_seconds: float) -> dict[str, Any]:
    return {
        "clip": clip.name,
        "seconds": ours.duration_seconds,
        "size": f"{ours.width}x{ours.height}",
        "ours_cpu_seconds": our_seconds,
        "opencv_cpu_seconds": their_seconds,
        "times_less_cpu": their_seconds / our_seconds,
        "start_seconds": [ours.start_seconds, theirs.start_seconds],
        "motion": [ours.motion, theirs.motion],
        "sharpness": [ours.sharpness, theirs.sharpness],
    }


def measure_plainly(path: Path, params: MetadataParams) -> Measured:
    """What `measure` finds, as a plain loop over OpenCV's frames finds it; reads the whole clip."""
    window = params.window
    with one_opencv_thread():
        video = cv2.VideoCapture(str(path))
        fps = video.get(cv2.CAP_PROP_FPS)
        width, height = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
        engine = Dis()
        pictures: list[np.ndarray] = []
        series: list[list[float]] = [[] for _ in range(6)]
        dark, sharp, light, changes, breaks, speeds = series
        before, number = None, 0
        while True:
            there, frame = video.read()
            if not there:
                break
            while len(pictures) / window.fps < (number + 1) / fps:
                picture = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
                gray = at_rows(picture, WORKING_ROWS)
                pictures.append(gray)
                dark.append(dark_share(gray))
                sharp.append(sharpness(picture))
                light.append(brightness(gray))
                if before is not None:
                    flow = engine.flow(before, gray)
                    changes.append(change(before, gray))
                    breaks.append(discontinuity(before, Pulled(*pull_back(gray, flow))))
                    speeds.append(mean_magnitude(flow))
                before = gray
            number += 1
        video.release()
        ticks = Ticks(*(np.array(one) for one in (dark, sharp, changes, breaks)))
        first = choose_window(ticks, window.frames, window.fps, params.limits, "benchmark")
        if isinstance(first, Refused):
            return Measured(width, height, reason=first.reason, evidence=first.evidence)
        last = first + window.frames
        return Measured(
            width=width,
            height=height,
            duration_seconds=number / fps,
            start_seconds=first / window.fps,
            motion=motion(speeds[first : last - 1]),
            sharpness=float(np.mean(sharp[first:last])),
            brightness=float(np.mean(light[first:last])),
            scene_cut=max(breaks[first : last - 1]),
            text_share=median(text_share(pictures[number]) for number in (first, (first + last) // 2, last - 1)),
            hashes=fingerprint(pictures),
        )


def many_clips(clips: Sequence[Path], count: int, params: MetadataParams, on_step: OnStep) -> dict[str, Any]:
    """Memory and time of preparing a tenth of so many small clips, all of them, again, and with a hundred new ones.

    The clips are short cuts of the real ones under many names, each with bytes of its own, so that every one is read,
    decoded, measured and given its picture by the stage as it is.
    """
    runs: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory(prefix="reelops-many-") as folder:
        root = Path(folder)
        cuts = small_cuts(clips, root / "cuts")
        for name, number in (("a_tenth", count // 10), ("all", count), ("again", count), ("more", count + _NEW_CLIPS)):
            on_step(f"{number:,} small clips")
            lay_out_many(root, cuts, number)
            runs[name] = _in_a_process(root, params)
    first, whole = runs["a_tenth"], runs["all"]
    width, height = _SMALL_SIZE
    return {
        "what": f"{len(cuts)} cuts of {len(clips)} real clips, two seconds at {width}x{height}, under many names, each "
        "with bytes of its own",
        "load_average": os.getloadavg()[0],
        "runs": runs,
        "processor_ms_a_clip": 1000 * whole["cpu_seconds"] / max(1, whole["examined"]),
        "main_process_kb_a_clip": (whole["main_peak_mb"] - first["main_peak_mb"]) * 1000 / (count - count // 10),
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


def _in_a_process(root: Path, params: MetadataParams) -> dict[str, Any]:
    """One run of the stage in a process of its own, which says what it took."""
    limits = params.limits.model_copy(update={"smallest_side": 32, "text_share": 1.0, "duplicate_bits": None})
    small = params.model_copy(update={"window": _SMALL, "limits": limits})
    command = [sys.executable, "-m", __name__, str(root), small.model_dump_json()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ourselves
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _run_once(root: Path, params: MetadataParams) -> dict[str, Any]:
    with MemoryOverTime() as memory:
        prepared = Preparing(params, [_SOURCE], root, on_progress=memory.heed).run()
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "clips": len(prepared.rows),
        "thrown_out": len(prepared.quarantined),
        "examined": prepared.examined,
        "seconds": prepared.seconds,
        "cpu_seconds": sum(one.ru_utime + one.ru_stime for one in (own, children)),
        "main_peak_mb": _own_peak_mb(),
        "worker_peak_mb": memory.worker_peak_mb,
        "memory": memory.samples(),
    }


class MemoryOverTime:
    """Memory of this process and of the largest of its children, every half second while the block runs.

    Of what other processes share too, libraries above all, each counts all (resident set).
    """

    def __init__(self) -> None:
        self._done = 0
        self._began = time.monotonic()
        self._seen: list[tuple[float, int, float, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-over-time", daemon=True)

    def heed(self, now: ExamineProgress) -> None:
        self._done = now.done

    @property
    def worker_peak_mb(self) -> float | None:
        """The most that one child had; None where there was none."""
        return max((worker for *_, worker in self._seen if worker), default=None)

    def samples(self) -> list[dict[str, float]]:
        """At most sixty, evenly spread."""
        names = ("seconds", "clips", "main_mb", "worker_mb")
        numbers = sorted({round(place) for place in np.linspace(0, len(self._seen) - 1, _SAMPLES).tolist()})
        return [dict(zip(names, self._seen[number], strict=True)) for number in numbers] if self._seen else []

    def __enter__(self) -> MemoryOverTime:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(_SAMPLE_SECONDS):
            workers = [_resident_mb(child) for child in process.children()]
            seconds = round(time.monotonic() - self._began, 1)
            self._seen.append((seconds, self._done, _resident_mb(process), max(workers, default=0.0)))


def _resident_mb(process: psutil.Process) -> float:
    try:
        return round(float(process.memory_info().rss) / 1e6, 1)
    except psutil.Error:  # it has just ended
        return 0.0


def _own_peak_mb() -> float:
    """Of this process alone: what `getrusage` says begins with the memory of whoever started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


if __name__ == "__main__":
    print(json.dumps(_run_once(Path(sys.argv[1]), MetadataParams.model_validate_json(sys.argv[2]))))
