"""The production line: an order becomes footage, a clip, scores, a verdict, and with all of them a take.

Everything that makes clips calls the `Producer` here: the command line, the flow, validation, benchmarks. What a caller
may change is how a step is run (a flow gives each one retries and a time limit), never the order of steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from reelops.clip import ClipOrder
from reelops.errors import TrackingError
from reelops.generators.catalogue import Generators
from reelops.generators.contract import Generation
from reelops.params import Config
from reelops.production.finishing import finish, is_finished, last_frame
from reelops.production.mlflow_record import run_record
from reelops.production.output_names import contact_sheet_of, sidecar_of
from reelops.production.output_place import OutputPlace, place_at
from reelops.production.steps import (
    Encoder,
    Scorer,
    encode,
    encode_clip,
    mark_contact_sheet,
    save_footage,
    score,
    score_bare,
)
from reelops.production.take import Encoded, Footage, Judged, Scored, Take, UnjudgedClip, write_sidecar
from reelops.progress import QUIET, RunContext
from reelops.system.device_lock import hold_device
from reelops.system.removed_on_failure import removed_on_failure
from reelops.system.scratch import scratch_folder
from reelops.tracking.lineage import notes_on
from reelops.tracking.run_writer import RunWriter

if TYPE_CHECKING:
    from reelops.detail.settings import DetailSettings
    from reelops.gate.limits import GateSettings
    from reelops.gate.verdict import Verdict
    from reelops.metrics.scores import Scores

T = TypeVar("T")
Step = Literal["generate", "detail", "encode", "score", "judge", "log"]
Device = Callable[[RunContext], AbstractContextManager[object]]


class StepRunner(Protocol):
    """How a step is run."""

    def __call__(self, step: Step, work: Callable[[], T], /) -> T:
        """What `work` returns, which may be called again where the step failed in passing."""


def run_once(_step: Step, work: Callable[[], T]) -> T:
    """The step in this process, once."""
    return work()


@dataclass(frozen=True)
class Producer:
    """One production line, ready for any number of orders.

    Attributes:
        generators: by the kind of an order's profile.
        encoder: writes clip and contact sheet.
        scorer: measures the clip.
        gate: limits by profile.
        detail: how the picture's own detail is carried.
        tracker: where takes are logged.
        scratch: a folder for frames on their way.
        project: whose dvc.lock the lineage of clips names.
        device: held while frames are generated, so that one run at a time is on it.
        run_step: how each step is run.
    """

    generators: Generators
    encoder: Encoder
    scorer: Scorer
    gate: GateSettings
    detail: DetailSettings
    tracker: RunWriter
    scratch: Path
    project: Path
    device: Device
    run_step: StepRunner = run_once

    def check(self, order: ClipOrder) -> None:
        """Fails on what can be seen at once, before anybody waits for a device or loads a model.

        Raises:
            InputError, WeightsError: there is no such profile or picture, or the format cannot be made.
        """
        self.generators.of(order).check(order)

    def produce(
        self,
        order: ClipOrder,
        output: OutputPlace | Path,
        context: RunContext = QUIET,
        track: bool = True,
        start_seconds: float | None = None,
    ) -> Take:
        """The whole line.

        Args:
            output: a place that the caller holds, or an .mp4 that is not there yet, whose place is held by the run.
            track: log the take to MLflow. A server that does not answer loses no clip: the take says so.
            start_seconds: what went by before, which counts among the seconds of the take.

        Raises:
            ReelOpsError: no clip was made.
            BaseException: whatever else ended the run. In every case nothing of the clip stays under its final name,
                and what stood there before stands there still: there is no clip without a verdict.
        """
        started, began = time.time(), time.perf_counter()
        self.check(order)
        told = self.generators.of(order).notes(order)
        with place_at(output) if isinstance(output, Path) else nullcontext(output) as place:
            _tell(context, told)
            if track:
                _tell(context, self.tracker.open_ahead())
            with scratch_folder(self.scratch) as scratch, place.workbench() as workbench:
                footage = self._generate(order, place, scratch, context)
                _tell(context, (note for note in footage.facts.get("notes", ()) if note not in told))
                footage = self._detail(footage, order, scratch, context)
                encoded = self._encode(footage, order, workbench / place.clip.name, context)
                _tell(context, encoded.clip.notes)
                scored = self._score(encoded, footage, order, context)
                verdict = self._judge(scored.scores, order, bool(footage.facts.get("detail_carried")))
                mark_contact_sheet(self.encoder, footage, order, encoded.contact_sheet, verdict)
                take = _assemble(order, place.clip, footage, encoded, scored, verdict, started)
                if footage.bare is not None:
                    take = _with_bare(take, *self._judge_bare(footage.bare, order, scratch, context))
                if track:
                    take = self._logged(take, encoded, context)
                take = replace(take, seconds=_all_seconds(take.seconds, time.perf_counter() - began, start_seconds))
                write_sidecar(take, sidecar_of(encoded.clip.path))
                place.publish(workbench)
        return take

    def make(self, order: ClipOrder, output: Path, context: RunContext = QUIET) -> UnjudgedClip:
        """Generates and encodes alone, for clips that are scored together later; whoever calls holds the device.

        Raises:
            ReelOpsError: no clip was made; nothing is under its final name.
        """
        with removed_on_failure(output), scratch_folder(self.scratch) as scratch:
            footage = save_footage(self.frames(order, context), scratch, self.project)
            clip = encode_clip(self.encoder, footage, order, output)
        return UnjudgedClip(clip, footage.seconds, footage.facts)

    def frames(self, order: ClipOrder, context: RunContext = QUIET) -> Generation:
        """Frames alone, for what measures them as they were generated; whoever calls holds the device."""
        return self.generators.of(order).generate(order, context)

    def _generate(self, order: ClipOrder, place: OutputPlace, scratch: Path, context: RunContext) -> Footage:
        began = time.perf_counter()
        with self._held_device(order, context):
            waited = time.perf_counter() - began
            place.check()
            footage = self.run_step("generate", lambda: self._footage(order, scratch, context))
        waited += footage.seconds.get("device", 0.0)  # for other generations of this process
        return replace(
            footage, seconds={"device": waited} | {k: v for k, v in footage.seconds.items() if k != "device"}
        )

    def _footage(self, order: ClipOrder, scratch: Path, context: RunContext) -> Footage:
        """All generated frames: of one piece, or of several where the clip is longer than the model makes."""
        made = self.frames(order, context)
        if made.finish is None or made.finish.num_frames == made.format.num_frames:
            return save_footage(made, scratch, self.project)
        from reelops.production.continuing import at_length, with_seams_measured

        whole = at_length(
            made,
            order,
            lambda piece: self.frames(piece, context),
            scratch,
            lambda frames: last_frame(frames, order, made, self.detail),
        )
        return with_seams_measured(save_footage(whole, scratch, self.project))

    def _held_device(self, order: ClipOrder, context: RunContext) -> AbstractContextManager[object]:
        return self.device(context) if self.generators.of(order).needs_device else nullcontext()

    def _detail(self, footage: Footage, order: ClipOrder, scratch: Path, context: RunContext) -> Footage:
        """The finished footage; the generated one itself where nothing is to be done to it."""
        if is_finished(footage):
            return footage
        finished = self.run_step("detail", lambda: finish(footage, order, scratch, self.detail, context))
        _tell(context, (note for note in finished.facts["notes"] if note not in footage.facts["notes"]))
        return finished

    def _encode(self, footage: Footage, order: ClipOrder, output: Path, context: RunContext) -> Encoded:
        context.progress("write", 0, 1)
        return self.run_step("encode", lambda: encode(self.encoder, footage, order, output))

    def _score(self, encoded: Encoded, footage: Footage, order: ClipOrder, context: RunContext) -> Scored:
        context.progress("score", 0, encoded.clip.format.num_frames, "frames")
        return self.run_step("score", lambda: score(self.scorer, encoded.clip, footage, order, context))

    def _judge(self, scores: Scores, order: ClipOrder, finished: bool = False) -> Verdict:
        from reelops.gate.verdict import judge

        limits = self.gate.limits_of(order.profile, finished)
        return self.run_step("judge", lambda: judge(scores, limits))

    def _judge_bare(self, bare: Footage, order: ClipOrder, scratch: Path, context: RunContext) -> tuple[Judged, float]:
        """The clip as it was generated, judged for itself so that detail hides nothing; and the seconds that took."""
        scored = self.run_step("score", lambda: score_bare(self.encoder, self.scorer, bare, order, scratch, context))
        return Judged(scored.scores, self._judge(scored.scores, order)), scored.seconds

    def _logged(self, take: Take, encoded: Encoded, context: RunContext) -> Take:
        """The take with its MLflow run, or with the reason why it has none: a clip is not lost over a server."""
        context.progress("log", 0, 1)
        began = time.perf_counter()
        try:
            # One, by which a step that is run again knows what it has written.
            record = run_record(take, [encoded.clip.path, encoded.contact_sheet])
            take = replace(take, tracked=self.run_step("log", lambda: self.tracker.log(record)))
        except TrackingError as error:
            take = replace(take, tracking_failure=str(error))
        return replace(take, seconds={**take.seconds, "log": time.perf_counter() - began})


def build_producer(
    config: Config,
    generators: Generators | None = None,
    device: Device | None = None,
    run_step: StepRunner = run_once,
) -> Producer:
    """A production line as params.yaml describes it.

    Raises:
        SettingsError: the `score` or `gate` block is wrong, or the model of natural clips is damaged; no weights were
            loaded.
    """
    from reelops.detail.settings import DetailSettings
    from reelops.gate.limits import load_gate_settings
    from reelops.metrics.naturalness.model import shipped_model
    from reelops.metrics.settings import load_score_settings

    shipped_model()  # else it would be missed once a clip has been generated
    return Producer(
        generators=generators or Generators(config),
        encoder=Encoder(),
        scorer=Scorer(load_score_settings(config)),
        gate=load_gate_settings(config),
        detail=config.block("detail", DetailSettings),
        tracker=RunWriter(config.mlflow_tracking_uri),
        scratch=config.cache,
        project=config.project,
        device=device or (lambda context: wait_for_device(config, context)),
        run_step=run_step,
    )


def wait_for_device(config: Config, context: RunContext) -> AbstractContextManager[str]:
    """The device for this run alone; who has to wait reads why."""
    return hold_device(config.home, context)


def _tell(context: RunContext, notes: Iterable[object]) -> None:
    """Notes to whoever watches, as soon as they are known."""
    for note in notes:
        context.log(f"Note: {note}", "warning")


def _all_seconds(stages: Mapping[str, float], total: float, start: float | None) -> dict[str, float]:
    """Seconds that add up to what the clock says: start, stages, and as `other` what no stage of a run of `total` had,
    such as checks, digests and the work around tasks."""
    before = {} if start is None else {"start": start}
    return {**before, **stages, "other": max(0.0, total - sum(stages.values()))}


def _assemble(
    order: ClipOrder,
    output: Path,
    footage: Footage,
    encoded: Encoded,
    scored: Scored,
    verdict: Verdict,
    started: float,
) -> Take:
    """Everything that is known before the take is logged, of the clip as `output`; `started` is since the epoch."""
    return Take(
        order=order,
        clip=replace(encoded.clip, path=output),
        contact_sheet=contact_sheet_of(output),
        scores=scored.scores,
        verdict=verdict,
        lineage=footage.lineage,
        facts=footage.facts,
        seconds={**footage.seconds, "write": encoded.seconds, "score": scored.seconds},
        peak_memory_bytes=footage.peak_memory_bytes,
        notes=(
            *(str(note) for note in footage.facts.get("notes", ())),
            *encoded.clip.notes,
            *notes_on(footage.lineage),
        ),
        started=started,
    )


def _with_bare(take: Take, bare: Judged, seconds: float) -> Take:
    """The take with what was found of the clip as it was generated; the worse verdict is the take's."""
    worse = max(take.verdict, bare.verdict, key=lambda verdict: verdict.decision.severity)
    scoring = take.seconds["score"] + seconds
    return replace(
        take, verdict=worse, bare=bare, verdict_on_finished=take.verdict, seconds={**take.seconds, "score": scoring}
    )
