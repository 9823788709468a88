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
import time
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from reelops.cogvideox.adapter_file import WEIGHTS_NAME
from reelops.errors import MachineError, SettingsError
from reelops.foreign import NO_JSON
from reelops.params import Config
from reelops.progress import QUIET, RunContext
from reelops.system.digest import sha256_of
from reelops.tracking.lineage import Lineage, trace_lineage
from reelops.training.params import TrainParams
from reelops.training.paths import ADAPTER_FACTS, ADAPTERS, REPORTS, RUN_FACTS

_LAST_LINES = 12
_NO_GIT = "is not a git repository"  # as DVC says it
_LISTEN_SECONDS = 0.5
_LAST_WORDS_SECONDS = 5.0
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
    command = [sys.executable, "-P", "-m", "dvc", "--wait-for-lock", "repro", "--", stage]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    process = subprocess.Popen(  # noqa: S603 - no shell
        command,
        cwd=root,
        env=environment | {"DVC_NO_ANALYTICS": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="backslashreplace",  # a stage prints what it likes
        start_new_session=True,
    )
    last: list[str] = []
    with closing(lines_of(process, context)) as lines:
        for line in lines:
            last = [*last[-_LAST_LINES + 1 :], line]
            context.log(line)
    context.raise_if_stopped("Stopped as asked; finished stages stay, and training resumes from its checkpoint.")
    if process.returncode:
        words = " ".join(line for line in last if line)
        if _NO_GIT in words:
            raise MachineError(
                f"DVC works in a git checkout only, and {root} is none. Clone the repository, or let DVC do without: "
                "`dvc config --local core.no_scm true`."
            )
        raise MachineError(f"dvc repro {stage} failed ({process.returncode}): {words}")


def lines_of(process: subprocess.Popen[str], context: RunContext) -> Generator[str]:
    """What a process prints, until it has ended; close it to be sure that the process has.

    On a stop, and when it is closed before, the process and its stage get a signal and are waited for.
    """
    assert process.stdout is not None
    printed: queue.Queue[str] = queue.Queue()

    def listen(stream: IO[str]) -> None:
        with suppress(ValueError):  # the stream was closed
            for line in stream:
                printed.put(line.rstrip())

    listener = threading.Thread(target=listen, args=(process.stdout,), daemon=True)
    listener.start()
    give_up: float | None = None
    try:
        while process.poll() is None and (give_up is None or time.monotonic() < give_up):
            if give_up is None and context.should_stop():
                give_up = time.monotonic() + _GRACE_SECONDS
                _signal_group(process, signal.SIGINT)
            with suppress(queue.Empty):
                yield printed.get(timeout=_LISTEN_SECONDS)
        # Whatever a stage left running may hold the pipe open for ever.
        listener.join(_LAST_WORDS_SECONDS)
        while not printed.empty():
            yield printed.get()
    finally:
        _end(process, 0.0 if give_up is not None else _GRACE_SECONDS)


def _end(process: subprocess.Popen[str], grace_seconds: float) -> None:
    """Sees it ended: by itself if it can, and at once where it takes too long or somebody asks again."""
    if process.poll() is not None:
        return
    _signal_group(process, signal.SIGINT)
    try:
        process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if process.poll() is None:
            _signal_group(process, signal.SIGKILL)
            process.wait()


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)  # on SIGINT DVC waits for its stage; SIGTERM would end it at once


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
    except (OSError, *NO_JSON) as error:
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
