"""Bringing an adapter up to date through DVC, which alone knows what has to run again.

DVC owns the graph from data to adapter; whoever schedules it starts `dvc repro` and reads what came of it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelops.cogvideox.lora import WEIGHTS_NAME
from reelops.errors import MachineError, SettingsError
from reelops.params import Config
from reelops.progress import QUIET, RunContext
from reelops.system.digest import sha256_of
from reelops.tracking.lineage import Lineage, trace_lineage
from reelops.training.params import TrainParams
from reelops.training.paths import ADAPTER_FACTS, ADAPTERS, REPORTS, RUN_FACTS

_LAST_LINES = 12
_LISTEN_SECONDS = 0.5
# Training saves after the step at hand when it is asked to stop.
_GRACE_SECONDS = 600.0


@dataclass(frozen=True)
class TrainedAdapter:
    """An adapter as DVC left it.

    Attributes:
        facts: its adapter.json.
        figures: reports/train/metrics.json.
        run_id, model_id: MLflow's; None where the run was not tracked.
    """

    name: str
    folder: Path
    sha256: str
    facts: dict[str, Any]
    figures: dict[str, Any]
    lineage: Lineage
    dvc_lock_sha256: str | None
    run_id: str | None
    model_id: str | None


def reproduce(stage: str, root: Path, context: RunContext = QUIET) -> None:
    """`dvc repro` of a stage and of all it needs; what it prints goes to the context's log.

    Raises:
        MachineError: DVC is not installed, or a stage failed; its last lines are in the message.
        Cancelled: somebody asked to stop; training has saved a checkpoint.
    """
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--", stage]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    process = subprocess.Popen(  # noqa: S603 - no shell
        command,
        cwd=root,
        env=environment | {"DVC_NO_ANALYTICS": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    last: list[str] = []
    for line in _lines(process, context):
        last = [*last[-_LAST_LINES + 1 :], line]
        context.log(line)
    context.raise_if_stopped("Stopped as asked; finished stages stay, and training resumes from its checkpoint.")
    if process.returncode:
        lines = " ".join(line for line in last if line)
        raise MachineError(f"dvc repro {stage} failed ({process.returncode}): {lines}")


def _lines(process: subprocess.Popen[str], context: RunContext) -> Iterator[str]:
    """What it prints, until it has ended; on a stop it and its stage get a signal and are waited for."""
    assert process.stdout is not None
    printed: queue.Queue[str | None] = queue.Queue()

    def listen(stream: Any) -> None:
        for line in stream:
            printed.put(line.rstrip())
        printed.put(None)

    threading.Thread(target=listen, args=(process.stdout,), daemon=True).start()
    signalled = False
    try:
        while True:
            if not signalled and context.should_stop():
                signalled = True
                _end_group(process)
            try:
                line = printed.get(timeout=_LISTEN_SECONDS)
            except queue.Empty:
                continue
            if line is None:
                break
            yield line
        process.wait(_GRACE_SECONDS)
    finally:
        if process.poll() is None:
            _end_group(process)
            process.wait(_GRACE_SECONDS)


def _end_group(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)  # DVC waits for its stage then; SIGTERM ends it at once


def read_trained(config: Config) -> TrainedAdapter:
    """The adapter that params.yaml names, as the stage `train` left it.

    Raises:
        SettingsError: there is none.
    """
    params = config.block("train", TrainParams)
    folder = config.root / ADAPTERS / params.name
    try:
        facts = json.loads((folder / ADAPTER_FACTS).read_text(encoding="utf-8"))
        figures = json.loads((config.root / REPORTS / "metrics.json").read_text(encoding="utf-8"))
        run = json.loads((config.root / REPORTS / RUN_FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{folder} holds no trained adapter ({error}). Run `dvc repro train`.") from error
    sha256 = sha256_of(folder / WEIGHTS_NAME)
    lock = config.root / "dvc.lock"
    return TrainedAdapter(
        name=params.name,
        folder=folder,
        sha256=sha256,
        facts=facts,
        figures=figures,
        lineage=trace_lineage({"base_revision": facts["base_revision"], "adapter_sha256": sha256}, config.project),
        dvc_lock_sha256=sha256_of(lock) if lock.is_file() else None,
        run_id=run.get("mlflow_run") if run.get("adapter_sha256") == sha256 else None,
        model_id=run.get("mlflow_model") if run.get("adapter_sha256") == sha256 else None,
    )


def lineage_tags(trained: TrainedAdapter) -> dict[str, str]:
    """What an adapter's run and its version in the registry are found by."""
    tags = {
        "lineage": str(trained.lineage),
        "git.sha": trained.lineage.git,
        "dvc.lock.sha256": trained.dvc_lock_sha256,
        "data": trained.facts["data"],
        "base_revision": trained.facts["base_revision"],
        "adapter_sha256": trained.sha256,
    }
    return {name: str(value) for name, value in tags.items() if value is not None}
