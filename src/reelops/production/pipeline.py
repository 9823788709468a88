"""An order becomes a take: generate, encode, score, judge, log.

The pieces are plain functions over files and digests, so that the command line runs them in a row and a flow runs them
as tasks, each with its own retries, on the same bytes. Between generating and encoding the frames rest in a scratch
folder as they are: an encoder that fails can be run again without another generation, and nothing large travels.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reelops.clip import Clip, ClipFormat, ClipOrder
from reelops.errors import InputError, PromptError, TrackingError
from reelops.params import Config
from reelops.progress import OnProgress, Progress, ShouldStop
from reelops.system.digest import sha256_of
from reelops.system.files import removed_if_stopped, write_atomically, write_text_atomically
from reelops.system.scratch import scratch_folder
from reelops.tracking.lineage import Lineage, provenance, trace_lineage
from reelops.tracking.runs import RunRecord, TrackedRun, log_run

if TYPE_CHECKING:
    from reelops.gate.verdict import Verdict
    from reelops.metrics.scores import Scores


@dataclass(frozen=True)
class Footage:
    """Generated frames at rest, and what made them.

    Attributes:
        frames: an .npy file, RGB uint8, T H W C.
        frames_sha256: digest of that file.
        picture: an .npy file, RGB uint8, H W C: the conditioning image as the model got it.
        lineage: of the code that ran and the weights it loaded.
        seconds, peak_memory_bytes, facts: as in GeneratedFrames.
    """

    frames: Path
    frames_sha256: str
    picture: Path
    format: ClipFormat
    lineage: Lineage
    seconds: Mapping[str, float]
    peak_memory_bytes: Mapping[str, int]
    facts: Mapping[str, Any]

    def read_frames(self) -> np.ndarray:
        """Mapped from disk, not loaded."""
        frames: np.ndarray = np.load(self.frames, mmap_mode="r", allow_pickle=False)
        return frames

    def read_picture(self) -> np.ndarray:
        picture: np.ndarray = np.load(self.picture, allow_pickle=False)
        return picture


@dataclass(frozen=True)
class Encoded:
    """The finished clip, its contact sheet (a picture of frames spread over it), and the seconds they took."""

    clip: Clip
    contact_sheet: Path
    seconds: float


@dataclass(frozen=True)
class Scored:
    """Scores of a clip, and the seconds they took."""

    scores: Scores
    seconds: float


@dataclass(frozen=True)
class Take:
    """What one order became.

    Attributes:
        seconds: wall time of each stage.
        notes: what the user should be told aloud: crops, fallbacks.
        tracked: where the run is in MLflow, None if it was not tracked.
        tracking_failure: why it was not, if it should have been.
    """

    order: ClipOrder
    clip: Clip
    contact_sheet: Path
    scores: Scores
    verdict: Verdict
    lineage: Lineage
    facts: Mapping[str, Any]
    seconds: Mapping[str, float]
    peak_memory_bytes: Mapping[str, int]
    notes: tuple[str, ...] = ()
    tracked: TrackedRun | None = None
    tracking_failure: str | None = None
    started: float = field(default_factory=time.time)

    @property
    def sidecar(self) -> Path:
        return sidecar_of(self.clip.path)

    def to_json(self) -> dict[str, Any]:
        """Everything about the take in plain JSON values: what `--json` prints and the sidecar holds."""
        return {
            "path": str(self.clip.path),
            "sha256": self.clip.sha256,
            "contact_sheet": str(self.contact_sheet),
            "sidecar": str(self.sidecar),
            "order": _order_json(self.order),
            **self.scores.to_json(),
            "verdict": self.verdict.to_json(),
            "lineage": str(self.lineage),
            "seconds": dict(self.seconds),
            "peak_memory_bytes": dict(self.peak_memory_bytes),
            "facts": {name: value for name, value in self.facts.items() if name != "notes"},
            "notes": list(self.notes),
            "tracking": asdict(self.tracked) if self.tracked else None,
            "tracking_failure": self.tracking_failure,
        }


def produce(
    order: ClipOrder,
    output: Path,
    config: Config,
    quality: str = "high",
    track: bool = True,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> Take:
    """The whole sequence in this process.

    Raises:
        ReelOpsError: no clip was made; nothing stands under its final name. A tracking server that does not answer is
            no such error: the take says so.
        KeyboardInterrupt: the run was stopped; nothing stands there either, as no clip is left without its verdict.
    """
    tell = on_progress or _ignore
    started = time.time()
    with unjudged_removed(output):
        with scratch_folder(config.cache) as scratch:
            footage = generate(order, scratch, config, on_progress, should_stop)
            tell(Progress("write", 0, 1))
            encoded = encode(footage, order, output, quality)
            scored = score(encoded.clip, footage, order, config, tell)
        verdict = judge(scored.scores, order, config)
        take = assemble(order, footage, encoded, scored, verdict, started)
        if track:
            tell(Progress("log", 0, 1))
            take = remember(take, config)
        write_sidecar(take)
    return take


def unjudged_removed(output: Path) -> AbstractContextManager[None]:
    """Within it a run that is stopped leaves nothing of its clip: no clip is left whose verdict nobody knows."""
    return removed_if_stopped(output, contact_sheet_of(output), sidecar_of(output))


def check_order(order: ClipOrder, config: Config) -> None:
    """Fails on what can be seen at once, before anybody waits for a device or loads a model.

    Raises:
        InputError, WeightsError: the prompt is empty, the picture is none, or there is no such profile.
    """
    from reelops.cogvideox.profiles import find_profile
    from reelops.video.picture import probe_picture

    if not order.prompt.strip():
        raise PromptError('the prompt is empty; say in a sentence what should happen, such as "slow zoom in".')
    find_profile(order.profile, config)
    probe_picture(order.picture)


def generate(
    order: ClipOrder,
    folder: Path,
    config: Config,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> Footage:
    """Frames of an order, left in `folder`."""
    from reelops.generators.cogvideox import CogVideoXGenerator

    made = CogVideoXGenerator(config).generate(order, on_progress, should_stop)
    frames, picture = folder / "frames.npy", folder / "picture.npy"
    np.save(frames, made.frames_THWC, allow_pickle=False)
    np.save(picture, made.picture_HWC, allow_pickle=False)
    return Footage(
        frames=frames,
        frames_sha256=sha256_of(frames),
        picture=picture,
        format=made.format,
        lineage=trace_lineage(made.facts),
        seconds=dict(made.seconds),
        peak_memory_bytes=dict(made.peak_memory_bytes),
        facts=dict(made.facts),
    )


def encode(footage: Footage, order: ClipOrder, output: Path, quality: str = "high") -> Encoded:
    """The clip and its contact sheet under their final names."""
    from reelops.video.contact_sheet import contact_sheet
    from reelops.video.encode import encode as encode_frames

    started = time.perf_counter()
    frames_THWC = footage.read_frames()
    metadata = provenance(order, footage.facts, footage.lineage)
    clip = encode_frames(frames_THWC, output, footage.format.fps, quality, metadata)
    sheet = contact_sheet_of(output)
    with write_atomically(sheet) as partial:
        picture = contact_sheet(frames_THWC, footage.format.fps, title=f"{order.prompt} (seed {order.seed})")
        picture.save(partial, format="JPEG", quality=90)
    return Encoded(clip, sheet, time.perf_counter() - started)


def score(
    clip: Clip, footage: Footage, order: ClipOrder, config: Config, on_progress: OnProgress | None = None
) -> Scored:
    """Scores of the clip as a viewer gets it, read back from its file."""
    from reelops.metrics.suite import load_score_settings, score_clip

    started = time.perf_counter()
    tell, total = on_progress or _ignore, clip.format.num_frames
    how = load_score_settings(config)
    scores = score_clip(
        clip.path, footage.read_picture(), order.prompt, how, lambda done: tell(Progress("score", done, total))
    )
    return Scored(scores, time.perf_counter() - started)


def judge(scores: Scores, order: ClipOrder, config: Config) -> Verdict:
    """The gate's verdict under the limits that params.yaml has for the profile."""
    from reelops.gate.limits import load_gate_settings
    from reelops.gate.verdict import judge as judge_scores

    return judge_scores(scores, load_gate_settings(config).limits_of(order.profile))


def assemble(
    order: ClipOrder, footage: Footage, encoded: Encoded, scored: Scored, verdict: Verdict, started: float
) -> Take:
    """Everything that is known before the take is logged; `started` in seconds since the epoch."""
    return Take(
        order=order,
        clip=encoded.clip,
        contact_sheet=encoded.contact_sheet,
        scores=scored.scores,
        verdict=verdict,
        lineage=footage.lineage,
        facts=footage.facts,
        seconds={**footage.seconds, "write": encoded.seconds, "score": scored.seconds},
        peak_memory_bytes=footage.peak_memory_bytes,
        notes=(*(str(note) for note in footage.facts.get("notes", ())), *encoded.clip.notes),
        started=started,
    )


def log(take: Take, config: Config) -> TrackedRun:
    """The take in MLflow, with its clip and contact sheet.

    Raises:
        TrackingError: MLflow did not take it; the files are untouched.
    """
    return log_run(run_record(take), config.mlflow_tracking_uri)


def remember(take: Take, config: Config) -> Take:
    """The take with its MLflow run, or with the reason why it has none: a clip is not lost over a server."""
    try:
        return replace(take, tracked=log(take, config))
    except TrackingError as error:
        return replace(take, tracking_failure=str(error))


def run_record(take: Take) -> RunRecord:
    """What MLflow is told about a take."""
    measured = {f"score.{name}": value for name, value in take.scores.items() if value is not None}
    seconds = {f"seconds.{stage}": value for stage, value in take.seconds.items()}
    memory = {f"peak_memory_bytes.{kind}": float(value) for kind, value in take.peak_memory_bytes.items()}
    reasons = [reason.text for reason in take.verdict.reasons]
    facts = {k: v for k, v in take.facts.items() if isinstance(v, str | int | float | bool | None)}
    return RunRecord(
        name=take.clip.path.stem,
        params={**_order_json(take.order), **facts, **_format_json(take.clip.format)},
        metrics={**measured, **seconds, **memory, "seconds.total": sum(take.seconds.values())},
        tags={
            "lineage": str(take.lineage),
            "verdict": take.verdict.decision.value,
            "verdict.reasons": "\n".join(reasons),
            "clip.sha256": take.clip.sha256,
            "prompt": take.order.prompt,
        },
        files=[take.clip.path, take.contact_sheet],
        note="\n- ".join([f"**{take.verdict.decision.value}**: {take.order.prompt}\n", *reasons]),
        started=take.started,
    )


def write_sidecar(take: Take) -> Path:
    """`clip.json` beside `clip.mp4`: the whole take, verdict included, so that a rejected clip is known as one."""
    write_text_atomically(take.sidecar, json.dumps(take.to_json(), indent=2, ensure_ascii=False) + "\n")
    return take.sidecar


def sidecar_of(clip: Path) -> Path:
    return clip.with_suffix(".json")


def contact_sheet_of(clip: Path) -> Path:
    return clip.with_suffix(".contact.jpg")


def default_output(order: ClipOrder, folder: Path) -> Path:
    """A file name that tells picture, prompt and seed, and that nothing has yet."""
    words = re.sub(r"\W+", "-", f"{order.picture.stem} {order.prompt}".lower()).strip("-")
    stem = f"{words[:60].rstrip('-')}-seed{order.seed}"
    taken = {path.stem for path in folder.glob(f"{stem}*.mp4")}
    number = next(n for n in range(1, len(taken) + 2) if (stem if n == 1 else f"{stem}-{n}") not in taken)
    return folder / f"{stem if number == 1 else f'{stem}-{number}'}.mp4"


def check_output(output: Path, overwrite: bool) -> Path:
    """The output as an absolute path, before any work is done for it.

    Raises:
        InputError: it is no .mp4, or exists and may not be overwritten.
    """
    if output.suffix.lower() != ".mp4":
        raise InputError(
            f"{output} does not end in .mp4; clips are MP4 files. Name it {output.with_suffix('.mp4').name}."
        )
    if output.exists() and not overwrite:
        raise InputError(f"{output} exists already; choose another name, or overwrite it with --force.")
    return output.absolute()


def _order_json(order: ClipOrder) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(order).items()}


def _format_json(clip_format: ClipFormat) -> dict[str, Any]:
    return {
        "num_frames": clip_format.num_frames,
        "fps": str(clip_format.fps),
        "width": clip_format.width,
        "height": clip_format.height,
    }


def _ignore(_: Progress) -> None:
    pass
