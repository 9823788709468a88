"""Adapters as versions of a registered model, with names for the places they hold.

    challenger           the newest one that was trained, waiting for a comparison and a person
    champion             the one in use
    previous_champion    the one to go back to

This module makes challengers. Promotion, rollback and the ledger that remembers both come with review.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reelops.errors import TrackingError
from reelops.system.digest import sha256_of
from reelops.tracking.runs import open_store, reason_of, shown

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHALLENGER = "challenger"


@dataclass(frozen=True)
class RegisteredAdapter:
    """A version of a registered model: its name, number, and the digest of the weights it stands for."""

    name: str
    version: str
    sha256: str


def register_challenger(
    uri: str, name: str, weights: Path, run_id: str, model_id: str, tags: Mapping[str, str]
) -> RegisteredAdapter:
    """Makes a version of an adapter and gives it the alias `challenger`; the same weights get no second version.

    Args:
        weights: the adapter's file, by whose digest versions are told apart.
        run_id, model_id: the MLflow run it came from and its LoggedModel there.
        tags: its lineage.

    Raises:
        TrackingError: the registry cannot be reached or refuses.
    """
    sha256 = sha256_of(weights)
    try:
        with open_store(uri) as client, _store_of_the_process(uri):
            _ensure_model(client, name)
            same = [one for one in client.search_model_versions(f"name = '{name}'") if one.tags.get("sha256") == sha256]
            version = (
                same[0]
                if same
                else client.create_model_version(
                    name, f"models:/{model_id}", run_id, tags={**tags, "sha256": sha256}, model_id=model_id
                )
            )
            client.set_registered_model_alias(name, CHALLENGER, version.version)
    except Exception as error:
        raise TrackingError(
            f"The registry at {shown(uri)} did not take {name}: {reason_of(error)}. The adapter is whole at "
            f"{weights.parent}; register it again with `python -m flows train-lora`."
        ) from error
    return RegisteredAdapter(name, str(version.version), sha256)


@contextmanager
def _store_of_the_process(uri: str) -> Iterator[None]:
    """A local registry looks a LoggedModel up in the store that the whole process is set to, not in the client's."""
    import mlflow

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


def _ensure_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(name)
    except MlflowException:
        client.create_registered_model(name)
