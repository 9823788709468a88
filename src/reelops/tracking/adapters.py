"""Adapters as versions of a registered model, with names for the places they hold.

    challenger           the newest one that was trained, waiting for a comparison and a person
    champion             the one in use
    previous_champion    the one to go back to

This module makes challengers. Promotion, rollback and the ledger that remembers both come with review.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reelops.system.digest import sha256_of
from reelops.system.files import write_folder_atomically
from reelops.tracking.store import asking_store, is_gone, is_there_already, open_store, persist, suppress_if

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHALLENGER = "challenger"
_STORE_VARIABLE = "MLFLOW_TRACKING_URI"


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
    made: list[str] = []

    def register(client: MlflowClient) -> str:
        _ensure_model(client, name)
        if not _versions_of(client, name, sha256):
            source, own = f"models:/{model_id}", {**tags, "sha256": sha256}
            made.append(str(client.create_model_version(name, source, run_id, tags=own, model_id=model_id).version))
        # Whoever else registers the same weights at this moment finds the same one to be the first.
        first = _versions_of(client, name, sha256)[0]
        for version in made:
            if version != first:
                with suppress_if(is_gone):
                    client.delete_model_version(name, version)
        client.set_registered_model_alias(name, CHALLENGER, first)
        return first

    remedy = f"The adapter is whole at {weights.parent}; register it again with `python -m flows train-lora`."
    refused = asking_store(uri, f"did not take {name} as challenger", remedy)
    with refused, open_store(uri) as client, _store_of_the_process(uri):
        version = persist(lambda: register(client))
    return RegisteredAdapter(name, version, sha256)


@contextmanager
def _store_of_the_process(uri: str) -> Iterator[None]:
    """A local registry looks a LoggedModel up in the store that the whole process is set to, not in the client's.

    MLflow writes that store into the environment, too, for children; where none was set, none is afterwards: they would
    log to the file that MLflow takes by default, in the working folder.
    """
    import mlflow

    told = os.environ.pop(_STORE_VARIABLE, None)
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
        os.environ.pop(_STORE_VARIABLE, None)
        if told is not None:
            os.environ[_STORE_VARIABLE] = told


def _ensure_model(client: MlflowClient, name: str) -> None:
    try:
        client.get_registered_model(name)
    except Exception as error:
        if not is_gone(error):
            raise
        with suppress_if(is_there_already):
            client.create_registered_model(name)


def _versions_of(client: MlflowClient, name: str, sha256: str) -> list[str]:
    """Numbers of the versions of these weights, in order; a number is given once all versions below it are there."""
    same = client.search_model_versions(f"name = '{name}' and tags.sha256 = '{sha256}'")
    return [str(one.version) for one in sorted(same, key=lambda one: int(one.version))]


def fetch_adapter(uri: str, name: str, alias: str, folder: Path) -> Path:
    """The folder of an adapter that holds a place in the registry, copied from there once.

    Args:
        alias: the place, such as `champion`.
        folder: where adapters are kept, by digest of their weights.

    Raises:
        TrackingError: the registry cannot be reached, has no such adapter, or its files are not what was registered.
    """
    remedy = f"`python -m flows train-lora` registers an adapter as {CHALLENGER}; the alias is given in MLflow."
    with asking_store(uri, f"has no {alias} of {name}", remedy), open_store(uri) as client:
        version = client.get_model_version_by_alias(name, alias)
    sha256 = version.tags.get("sha256", "")
    kept = folder / (sha256 or f"{name}-{version.version}")
    if not kept.is_dir():
        from mlflow.artifacts import download_artifacts

        with (
            asking_store(uri, f"does not give out version {version.version} of {name}"),
            _store_of_the_process(uri),
            write_folder_atomically(kept) as partial,
        ):
            download_artifacts(artifact_uri=f"models:/{name}/{version.version}", dst_path=str(partial))
    return kept
