"""An adapter is brought up to date by DVC, held against its base, and handed over as challenger.

Alone, with an embedded server:  python -m flows train-lora
As a deployment:                 docs/flows.md
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed
from pydantic import Field

from reelops.cli.parameter_options import takes_parameters_of
from reelops.errors import TrackingError
from reelops.params import Config, load_config
from reelops.tracking.adapters import RegisteredAdapter
from reelops.training.reproduce import TrainedAdapter, read_trained
from reelops.validation.verdict import AdapterVerdict, read_verdict
from tasks.generation import gpu_slot
from tasks.quiet import quieten
from tasks.server import require_server
from tasks.stopping import raise_if_terminated, sigterm_noted
from tasks.training import register_adapter, reproduce_stage, show_adapter


@dataclass(frozen=True)
class Handover:
    """A trained adapter, what validation says of it, and its place in the registry; `note` says why it has none.

    An adapter that did not pass a check is handed over all the same: whoever reviews it sees which one.
    """

    trained: TrainedAdapter
    verdict: AdapterVerdict | None
    registered: RegisteredAdapter | None
    note: str | None


@flow(name="train-lora", flow_run_name="{stage}", retries=0)
def train_lora(
    stage: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_@.-]*$")] = "validate", hand_over: bool = True
) -> Handover:
    """Run what DVC finds out of date up to a stage, then register the adapter as challenger.

    Args:
        stage: of dvc.yaml; `train` leaves validation out.
        hand_over: give the adapter over to the registry.
    """
    config = load_config()
    with sigterm_noted():
        with gpu_slot(config):
            reproduce_stage(stage, config)
        raise_if_terminated()
        trained = read_trained(config)
        verdict = read_verdict(trained.sha256, config)
        registered, note = (
            _registered(trained, verdict, config) if hand_over else (None, "It was not to be handed over.")
        )
    show_adapter(trained, verdict, registered, note)
    return _finished(Handover(trained, verdict, registered, note))


def _registered(
    trained: TrainedAdapter, verdict: AdapterVerdict | None, config: Config
) -> tuple[RegisteredAdapter | None, str | None]:
    """An adapter is not lost over a registry: its task is seen to fail, and the handover says why."""
    if trained.run_id is None or trained.model_id is None:
        return (
            None,
            "MLflow has no run with this adapter, so there is none to register; `dvc repro --force train` makes one.",
        )
    try:
        return register_adapter(trained, verdict, trained.run_id, trained.model_id, config), None
    except TrackingError as error:
        return None, str(error)


def _finished(handover: Handover) -> Any:
    """A completed state that says whether there is a challenger."""
    name = "Challenger" if handover.registered else "Trained"
    return Completed(name=name, message=handover.note, data=handover)


@takes_parameters_of(train_lora.fn)
def command(**parameters: Any) -> int:
    """Bring the adapter up to date and hand it over, as a run of the flow train-lora.

    Example: python -m flows train-lora --stage train
    """
    quieten()
    require_server()
    handover = train_lora(**parameters)
    trained = handover.trained
    print(f"Adapter {trained.folder} (sha256 {trained.sha256[:12]}), lineage {trained.lineage}")
    if handover.verdict:
        print(handover.verdict.words)
    if handover.registered:
        print(f"Challenger: version {handover.registered.version} of {handover.registered.name}")
    if handover.note:
        print(handover.note, file=sys.stderr)
    return 0
