"""Fetched clips become the table that models are trained on; shards of them are looked at side by side.

Alone, with an embedded server:  python -m flows prepare-dataset --shards 4
On several machines:             prefect deploy --all; prefect worker start --pool cpu     on each of them
                                 python -m flows prepare-dataset --shards 32 --deployment look-at-shard/look-at-shard

All machines work in one project folder, on a disk that they share. What each has measured lies there by the bytes of
the videos, so the tables are the same, byte for byte, whoever has measured what. On one machine `dvc repro metadata`
does the same without Prefect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from reelops.cli.parameter_options import takes_parameters_of
from reelops.dataset.metadata.outputs import FOLDER
from reelops.dataset.metadata.stage import MetadataResult
from reelops.params import load_config
from reelops.system.hardware import cores
from reelops.views.console import note
from reelops.views.metadata import show_metadata
from reelops.views.progress_bar import watching
from tasks.dataset import await_shards, order_shard, show_prepared, write_reports, write_tables
from tasks.dataset import look_at_shard as look_here
from tasks.quiet import quieten
from tasks.server import require_server
from tasks.stopping import sigterm_noted


@dataclass(frozen=True)
class PreparedSet:
    """What became of all clips, and warnings for the user."""

    result: MetadataResult
    notes: tuple[str, ...]


@flow(name="prepare-dataset", retries=0, task_runner=ThreadPoolTaskRunner(max_workers=cores()))
def prepare_dataset(
    shards: Annotated[int, Field(ge=0, le=10_000)] = 0,
    deployment: Annotated[str | None, Field(pattern=r"^[^/]+/[^/]+$")] = None,
    data_docs: bool = True,
) -> PreparedSet:
    """Look at all clips in shards, then write the tables and reports.

    Args:
        shards: how many parts; 0 takes one per core.
        deployment: flow and name of the deployment that looks at a shard in its work pool; None looks at all here.
        data_docs: check the table with Great Expectations, too.
    """
    config = load_config()
    of = shards or cores()
    names = [f"{number}/{of}" for number in range(1, of + 1)]
    with sigterm_noted():
        if deployment:
            await_shards([order_shard(name, deployment) for name in names])
        else:
            for look in [look_here.submit(name, 1, config) for name in names]:
                look.result()
        result = write_tables(config)
        notes = write_reports(result, config, data_docs)
    show_prepared(result, config.root / FOLDER / "index.html")
    return _finished(PreparedSet(result, tuple(notes)))


@flow(name="look-at-shard", flow_run_name="shard {shard}", retries=0)
def look_at_shard(shard: Annotated[str, Field(pattern=r"^[0-9]{1,6}/[0-9]{1,6}$")]) -> None:
    """Look at a part of the clips, with all cores of the machine that runs it.

    Args:
        shard: such as 2/8, the second of eight.
    """
    with sigterm_noted():
        look_here(shard, None, load_config())


def _finished(found: PreparedSet) -> Any:
    """A completed state that says how many clips there are, so that a list of runs shows it."""
    splits = ", ".join(f"{count} {split}" for split, count in found.result.splits.items())
    return Completed(message=f"{splits}, {len(found.result.quarantined)} quarantined", data=found)


@takes_parameters_of(prepare_dataset.fn)
def command(**parameters: Any) -> int:
    """Look at all clips in shards and write the tables and reports, as a run of the flow prepare-dataset.

    Example: python -m flows prepare-dataset --shards 4
    """
    quieten()
    require_server()
    with watching("Preparing"):
        found = prepare_dataset(**parameters)
    show_metadata(found.result)
    for text in found.notes:
        note(text)
    return 0
