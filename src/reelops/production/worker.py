"""A worker of the service: takes jobs from the queue one after the other, with the models kept warm between them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from reelops.params import Config
from reelops.production.batch.lanes import BatchSettings, JobsOf, OtherWork, run_lanes
from reelops.production.jobs.ledger import Ledger
from reelops.production.jobs.queue import SERVICE
from reelops.production.output_names import require_place
from reelops.production.producer import Producer
from reelops.progress import QUIET, RunContext

_POLL_SECONDS = 0.25


def clips_folder(config: Config) -> Path:
    """Where the clips of the service are, with what belongs to them."""
    return config.home / "service" / "clips"


def serve_queue(
    producer: Producer,
    ledger: Ledger,
    folder: Path,
    settings: BatchSettings,
    context: RunContext = QUIET,
    others: Mapping[str, OtherWork] = MappingProxyType({}),
) -> None:
    """Makes what the service's queue has, until somebody asks to stop; what is being made then waits again.

    Args:
        folder: where clips go.
        context: its log gets a line for what a person should know.
        others: who does jobs that ask for no clip, by their kind.

    Raises:
        InputError: the folder takes no clips.
        MachineError: this machine, its disk or the ledger failed in a way that does not pass.
        Cancelled: somebody asked to stop.
    """
    require_place(folder / "clip.mp4")
    which = JobsOf(SERVICE, folder, stays=True, poll_seconds=_POLL_SECONDS, others=others, owns_names=True)
    run_lanes(producer, ledger, which, settings, context, lambda: None)
