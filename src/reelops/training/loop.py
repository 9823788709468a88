"""The training loop, whole.

A step: its samples' loss on v, averaged over the batch however that is split into passes and devices; gradients
clipped; AdamW on float32 adapter matrices while the frozen base computes in its own number format. What a step does
depends on the seed, the step and the weights alone (`reelops.training.samples`), so a run can be stopped anywhere and
resumed elsewhere.

Shapes: B batch, F latent frames, C channels, H W latent height and width.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from accelerate.utils import gather_object
from torch import Tensor

from reelops.cogvideox.denoiser import frame_subset, place_base, predict_velocity, rotary_positions
from reelops.cogvideox.lora import lora_parameters
from reelops.cogvideox.loss import add_noise, velocity_loss, velocity_target
from reelops.errors import Cancelled, DatasetError, MachineError
from reelops.progress import QUIET, Progress, RunContext
from reelops.training.checkpoint import (
    Checkpoint,
    CheckpointFolder,
    RunState,
    optimizer_values,
    restore_optimizer,
)
from reelops.training.components import TrainingComponents
from reelops.training.launch import Launch, average_gradients, share_base
from reelops.training.optimizers import build_optimizer
from reelops.training.random_states import random_states, restore_random_states
from reelops.training.readers import read_batches
from reelops.training.samples import (
    HeldOutSamples,
    MicroBatches,
    Sample,
)

Ended = Literal["finished", "early", "budget"]
STAGE = "train"
"""The stage of the progress that a loop reports."""
TIMED_STEPS = 3
# What the first steps take is no exact measure of all.
BUDGET_SLACK = 1.25


@dataclass
class TimeSpent:
    """Steps that this run of the loop did, and the seconds that its parts took.

    Attributes:
        step_seconds: of steps, with what they waited for samples.
    """

    steps_done: int = 0
    step_seconds: float = 0.0
    waited_seconds: float = 0.0
    evaluation_seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What a run of the loop did: why it ended, the state it reached, and see `TimeSpent`."""

    ended: Ended
    state: RunState
    steps_done: int
    step_seconds: float
    waited_seconds: float
    evaluation_seconds: float


class Loop:
    """One process's part of a run.

    Args:
        accelerator: accelerate's, which knows the devices of this run.
        launch: how they share the work; None is one process.
    """

    def __init__(
        self,
        components: TrainingComponents,
        accelerator: Any,
        checkpoints: CheckpointFolder,
        launch: Launch | None = None,
    ) -> None:
        self.components = components
        self.params = components.params
        self.accelerator = accelerator
        self.checkpoints = checkpoints
        self.launch = launch or Launch()
        self.state = RunState()
        self.spent = TimeSpent()
        self.adapter = lora_parameters(components.transformer)
        self.average: dict[str, Tensor] = {}
        self.best: dict[str, Tensor] = {}
        self.model = self._prepared()
        self.optimizer = build_optimizer(components.optimizer, list(self.adapter.values()), self.params)
        self.rotary: Any = None
        self._context = QUIET
        self._run_id: Callable[[], str | None] = lambda: None
        self._saved_step: int | None = None

    def _prepared(self) -> Any:
        transformer, dtype = self.components.transformer, self.components.dtype
        if self.params.gradient_checkpointing:
            transformer.enable_gradient_checkpointing()
        if self.launch.shared:
            return share_base(transformer.train(), self.adapter.values(), self.launch, self.accelerator, dtype)
        place_base(transformer, dtype, self.accelerator.device, self.adapter.values())
        return self.accelerator.prepare(transformer.train())

    def run(self, context: RunContext = QUIET, run_id: Callable[[], str | None] = lambda: None) -> Outcome:
        """Trains from the current state to the end, and saves.

        Args:
            context: gets a `Progress` of `STAGE` for each step and evaluation, with its figures, on the first process.
            run_id: tells MLflow's, as soon as there is one; checkpoints keep it for whoever resumes them.

        Raises:
            DatasetError: a sample cannot be used, or its loss is not finite; the state before that step is saved.
            MachineError: the budget is too small, or the disk too full for a checkpoint.
            Cancelled: somebody asked to stop; the state after the last step is saved.
        """
        self._context, self.spent, self._run_id = context, TimeSpent(), run_id
        if self.state.step == 0 and self.components.held_out is not None:
            self._evaluate(self.components.held_out)
        ended = self._train()
        self.save()
        if ended == "stopped":
            raise Cancelled(
                f"Stopped as asked after step {self.state.step} of {self.params.steps}; the checkpoint is saved, and "
                "the same command resumes from there."
            )
        return Outcome(ended, self.state, **vars(self.spent))

    def _train(self) -> Ended | Literal["stopped"]:
        with closing(self._batches()) as batches:
            while self.state.step < self.params.steps:
                if (reason := self._why_end()) is not None:
                    return reason
                self._advance(batches)
        return "finished"

    # ---- a step ----

    def _advance(self, batches: Iterator[Sample]) -> None:
        """One step, its time and figures, and what is due after it."""
        began = time.monotonic()
        passes = self._next_passes(batches)
        waited = time.monotonic() - began
        row = self._step(passes)
        seconds = time.monotonic() - began
        self.state.step += 1
        self.state.seconds += seconds
        self.spent.steps_done += 1
        self.spent.step_seconds += seconds
        self.spent.waited_seconds += waited
        self._log_row(row, {"seconds_per_step": seconds})
        self._check_budget()
        if self._is_due(self.params.held_out.every) and self.components.held_out is not None:
            self._evaluate(self.components.held_out)
        if self._is_due(self.params.checkpoint_every):
            self.save()

    def _next_passes(self, batches: Iterator[Sample]) -> list[Sample]:
        """This device's samples of a step, a pass each.

        Raises:
            DatasetError: one cannot be used, on this device or another; the state before the step is saved.
        """
        passes: list[Sample] = []
        fault = ""
        try:
            passes = [next(batches) for _ in range(self.params.accumulated(self.accelerator.num_processes))]
        except DatasetError as error:
            # A reader's error comes with its traceback above what it says.
            fault = str(error).strip().splitlines()[-1].removeprefix("reelops.errors.DatasetError: ")
        if self._agreed(float(bool(fault))) > 0:
            self.save()
            raise DatasetError(" ".join(one for one in gather_object([fault]) if one))
        return passes

    def _step(self, passes: Sequence[Sample]) -> dict[str, float]:
        """One optimizer step; its row of the curve."""
        lr = self.params.learning_rate(self.state.step)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        losses = []
        for left, batch in zip(reversed(range(len(passes))), passes, strict=True):
            with self.accelerator.no_sync(self.model) if left and not self.launch.shared else nullcontext():
                losses_B = self.losses(batch)
                self.accelerator.backward(losses_B.mean() / len(passes))
            losses.append(losses_B.detach())
        if self.launch.shared:
            average_gradients(self.adapter.values(), self.accelerator)
        losses_N = self.accelerator.gather(torch.cat(losses))
        numbers_N = self.accelerator.gather(torch.cat([batch["number"] for batch in passes]).to(losses_N.device))
        self._guard(losses_N, numbers_N)
        norm = torch.nn.utils.clip_grad_norm_(self.adapter.values(), self.params.clip_norm)
        self._guard(norm.expand(len(losses_N)), numbers_N)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._follow_average()
        return {"loss": losses_N.double().mean().item(), "lr": lr, "grad_norm": norm.item()}

    def losses(self, batch: Sample) -> Tensor:
        """The loss of each sample (B,), over the latent frames that they show; all show the same ones."""
        device = self.accelerator.device
        x0, noise, condition, text = (batch[name].to(device) for name in ("x0", "noise", "condition", "text"))
        timesteps_B = batch["timestep"].to(device)
        whole, frames = self.components.samples.source.latent_frames, batch["frames"][0].tolist()
        size, transformer = (x0.shape[3], x0.shape[4]), self.components.transformer
        if self.rotary is None:
            self.rotary = rotary_positions(transformer.config, size, whole, device) or ()
        rotary = self.rotary or None
        alpha_bar_B = self.components.noise_levels_T.to(device)[timesteps_B]
        noisy = add_noise(x0, noise, alpha_bar_B)
        few = len(frames) < whole
        seen = frame_subset(transformer, frames, rotary, whole, size) if few else nullcontext(rotary)
        with seen as turned, self.accelerator.autocast():
            predicted = predict_velocity(self.model, noisy, condition, text, timesteps_B, turned, self.components.dtype)
        return velocity_loss(predicted, velocity_target(x0, noise, alpha_bar_B))

    def _guard(self, values_N: Tensor, numbers_N: Tensor) -> None:
        """Nothing that is not finite reaches the weights."""
        if torch.isfinite(values_N).all():
            return
        self.save()
        broken = numbers_N[~torch.isfinite(values_N)].tolist()
        names = sorted({self.components.samples.clip_of(int(number)).clip_id for number in broken})
        raise DatasetError(
            f"Step {self.state.step + 1}: the loss or its gradient is not finite with {', '.join(names)}. The weights "
            f"before it are saved. Look at those clips; if they are sound, lower train.lr ({self.params.lr:g})."
        )

    def _follow_average(self) -> None:
        if self.params.ema is None:
            return
        # Early on a long memory would hold mostly the start.
        decay = min(self.params.ema, (1 + self.state.step) / (10 + self.state.step))
        for name, value in self.adapter.items():
            if name in self.average:
                self.average[name].lerp_(value.detach(), 1 - decay)
            else:
                self.average[name] = value.detach().clone()

    def _batches(self) -> Generator[Sample]:
        """This device's passes from the current step on."""
        accelerator = self.accelerator
        order = MicroBatches(self.params, self.state.step, accelerator.process_index, accelerator.num_processes)
        return read_batches(
            self.components.samples, order, self.params.workers, pinned=accelerator.device.type == "cuda"
        )

    # ---- the held-out loss ----

    @torch.no_grad()
    def _evaluate(self, held_out: HeldOutSamples) -> None:
        """Measures the held-out clips, and keeps the adapter that did best."""
        began = time.monotonic()
        with self._averaged():
            loss = self.held_out_loss(held_out)
        params, state = self.params.held_out, self.state
        if state.best_loss is None or loss < state.best_loss * (1 - params.min_improvement):
            state.best_loss, state.best_step, state.stale_evaluations = loss, state.step, 0
            self.best = {name: value.detach().clone() for name, value in self.published().items()}
        else:
            state.stale_evaluations += 1
        self._log_row({"held_out_loss": loss}, {})
        self.spent.evaluation_seconds += time.monotonic() - began

    @torch.no_grad()
    def held_out_loss(self, held_out: HeldOutSamples) -> float:
        """Mean over all cases, shared out among the devices."""
        devices, own = self.accelerator.num_processes, self.accelerator.process_index
        losses_N = torch.zeros(len(held_out), dtype=torch.float64, device=self.accelerator.device)
        for first in range(0, len(held_out), devices):
            # A device without a case of its own does one all the same: shares of the base are gathered by all or none.
            number = min(first + own, len(held_out) - 1)
            sample = {name: value[None] for name, value in held_out[number].items()}
            loss = self.losses(sample)[0].double()
            if first + own < len(held_out):
                losses_N[number] = loss
        mean: float = self.accelerator.reduce(losses_N, reduction="sum").mean().item()
        return mean

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The average in the adapter's place, where one is kept."""
        if not self.average:
            yield
            return
        own = {name: value.detach().clone() for name, value in self.adapter.items()}
        self._put(self.average)
        try:
            yield
        finally:
            self._put(own)

    def published(self) -> Mapping[str, Tensor]:
        """The adapter as it would be published now."""
        return self.average or self.adapter

    # ---- where to end, and resuming ----

    def _why_end(self) -> Ended | Literal["stopped"] | None:
        """Decided on what all processes know, so that they end at the same step."""
        if self._agreed(float(self._context.should_stop())) > 0:
            return "stopped"
        limit = self.params.budget.seconds
        if limit is not None and self._agreed(self.state.seconds) >= limit:
            return "budget"
        if self.params.held_out.patience and self.state.stale_evaluations >= self.params.held_out.patience:
            return "early"
        return None

    def _agreed(self, own: float) -> float:
        """The mean over all processes, the same in each."""
        mean: float = self.accelerator.reduce(torch.tensor(own, device=self.accelerator.device), "mean").item()
        return mean

    def _check_budget(self) -> None:
        """After a few steps it is known what all of them will take."""
        limit = self.params.budget.seconds
        if limit is None or self.state.step != TIMED_STEPS or self.spent.steps_done != TIMED_STEPS:
            return
        step_seconds = self._agreed(self.state.seconds) / TIMED_STEPS
        needed = step_seconds * self.params.steps
        if needed > limit * BUDGET_SLACK:
            raise MachineError(
                f"{self.params.steps} steps of about {step_seconds:.1f} s would take {needed / 3600:.1f} hours and the "
                f"budget ends after {limit / 3600:.2f}. Set train.steps to {int(limit / step_seconds)}, or raise "
                "train.budget."
            )

    def resume(self) -> list[str]:
        """Restores the latest checkpoint, if there is one; notes for the user."""
        torch.manual_seed(self.params.seed + self.accelerator.process_index)  # for code that draws of its own accord
        checkpoint, notes = self.checkpoints.latest()
        if checkpoint is None:
            return notes
        self.state = checkpoint.state
        self._put(checkpoint.tensors["lora"])
        device = self.accelerator.device
        self.average = {name: value.to(device) for name, value in checkpoint.tensors["average"].items()}
        self.best = {name: value.to(device) for name, value in checkpoint.tensors["best"].items()}
        restore_optimizer(self.optimizer, list(self.adapter), checkpoint.tensors["optimizer"], checkpoint.numbers)
        restore_random_states(checkpoint.tensors["random"], self.accelerator)
        self._saved_step = self.state.step
        before, now = len(checkpoint.tensors["random"]["cpu"]), self.accelerator.num_processes
        others = "" if before == now else f", which was saved with {before} processes; now there are {now}"
        return [*notes, f"resumed from step {self.state.step}{others}"]

    def save(self) -> None:
        """A checkpoint of now, written by the first process; the others wait for it."""
        if self._saved_step == self.state.step:
            return
        random = random_states(self.accelerator)
        self.state.run_id = self._run_id() or self.state.run_id
        if self.accelerator.is_main_process:
            tensors, numbers = optimizer_values(self.optimizer, list(self.adapter))
            groups: dict[str, dict[str, Tensor]] = {
                "lora": {name: value.detach() for name, value in self.adapter.items()},
                "average": self.average,
                "best": self.best,
                "optimizer": tensors,
                "random": random,
            }
            self.checkpoints.save(Checkpoint(groups, numbers, self.state))
        self.accelerator.wait_for_everyone()
        self._saved_step = self.state.step

    @torch.no_grad()
    def _put(self, weights: Mapping[str, Tensor]) -> None:
        for name, parameter in self.adapter.items():
            parameter.copy_(weights[name])

    def _is_due(self, every: int) -> bool:
        return every > 0 and (self.state.step % every == 0 or self.state.step == self.params.steps)

    def _log_row(self, row: Mapping[str, float], more: Mapping[str, float]) -> None:
        """Keeps a row of the curve, and reports it with further figures."""
        self.state.curve.append({"step": self.state.step, **row})
        if self.accelerator.is_main_process:
            figures = {**row, **more}
            self._context.on_event(Progress(STAGE, self.state.step, self.params.steps, "steps", figures=figures))
