"""Where weights are: a folder, the hub's local cache, the hub; and which weights exactly they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reelops.cogvideox.adapter_base import Base
from reelops.cogvideox.architecture import NETWORKS
from reelops.cogvideox.profiles import Profile
from reelops.errors import WeightsError
from reelops.foreign import NO_JSON
from reelops.system.known_digests import digest_of_files
from reelops.system.weight_files import check_safetensors_only

# What a pipeline needs of a repository: never pickles, never code.
HUB_PATTERNS = ("model_index.json", "*/*.json", "*/*.safetensors", "tokenizer/*")


@dataclass(frozen=True)
class Weights:
    """Weights on this machine.

    Attributes:
        folder: in diffusers layout.
        base: what they are called: the hub's repository or the folder's name.
        revision: the hub's commit, or `sha256:` and a digest of the folder's content.
        notes: for the user.
    """

    folder: Path
    base: str
    revision: str
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> Base:
        return Base(self.base, self.revision)


def locate_weights(profile: Profile, cache: Path, download: bool = True) -> Weights:
    """Finds a profile's weights; asks the hub only for what is not on this machine.

    Args:
        cache: where digests of files are remembered.
        download: False looks on this machine only.

    Raises:
        WeightsError: they cannot be had; the message says what was tried and what to do.
    """
    if profile.folder is not None:
        if not profile.folder.is_dir():
            raise WeightsError(
                f"Profile {profile.name} keeps its weights in {profile.folder}, and there is no such folder. "
                f"Restore it (git checkout, dvc pull), or name another folder under profiles in params.yaml."
            )
        _check_networks(profile.folder)
        return Weights(profile.folder, profile.folder.name, content_digest(profile.folder, cache))
    if profile.hub is None:
        raise WeightsError(f"Profile {profile.name} has random weights; there is nothing to locate.")
    folder = _from_hub(profile.hub, profile.revision or "main", download)
    _check_networks(folder)
    commit = folder.name
    note = f"revision {profile.revision or 'main'} is not pinned; this run used commit {commit}"
    return Weights(folder, profile.hub, commit, () if profile.pinned else (note,))


def _from_hub(repository: str, revision: str, download: bool) -> Path:
    """The snapshot folder of a repository; the local cache first."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    tried = [f"the local cache {constants.HF_HUB_CACHE}"]
    why = ""
    try:
        folder = snapshot_download(
            repository, revision=revision, allow_patterns=list(HUB_PATTERNS), local_files_only=True
        )
        if _whole(Path(folder)):
            return Path(folder)
        tried[0] += " (incomplete)"
    except HFValidationError as error:
        raise WeightsError(f"{repository!r} is no name of a hub repository: {error}") from error
    except OSError:
        tried[0] += " (not there)"
    offline = constants.HF_HUB_OFFLINE
    if offline:
        tried.append("not the hub, because HF_HUB_OFFLINE is set")
    if download and not offline:
        try:
            return Path(snapshot_download(repository, revision=revision, allow_patterns=list(HUB_PATTERNS)))
        except GatedRepoError:
            why = "it wants you to accept its terms: do so on its page, then `hf auth login`"
        except RevisionNotFoundError:
            why = f"it has no revision {revision!r}"
        except RepositoryNotFoundError:
            why = "there is no such repository, or it is private: check the name, then `hf auth login`"
        except Exception as error:  # every kind of network failure of three HTTP stacks ends here
            why = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no further word'}"
        tried.append(f"{constants.ENDPOINT} ({why})")
    raise WeightsError(
        f"The weights {repository}@{revision} cannot be had. Tried: {'; '.join(tried)}. "
        f"Where there is a network run `hf download {repository} --revision {revision}` (it resumes), or give a local "
        f"folder in diffusers layout as --profile, or use --profile tiny."
    )


def _whole(folder: Path) -> bool:
    """Whether a snapshot has every file its own indexes name."""
    if not (folder / "model_index.json").is_file():
        return False
    for part in NETWORKS:
        indexes = list((folder / part).glob("*.safetensors.index.json"))
        try:
            maps = [json.loads(index.read_text(encoding="utf-8"))["weight_map"] for index in indexes]
            names = {str(name) for one in maps for name in one.values()}
        except (KeyError, TypeError, AttributeError, *NO_JSON):
            return False
        if any(not (folder / part / name).is_file() for name in names):
            return False
        if not any((folder / part).glob("*.safetensors")):
            return False
    return True


def _check_networks(folder: Path) -> None:
    for part in NETWORKS:
        check_safetensors_only(folder / part)


def content_digest(folder: Path, cache: Path) -> str:
    """`sha256:` and a digest over the digests of all files the pipeline reads; remembered by size and time."""
    return _digest(
        folder, ("model_index.json", *(f"{part}/*" for part in (*NETWORKS, "scheduler", "tokenizer"))), cache
    )


def parts_digest(folder: Path, parts: Sequence[str], cache: Path) -> str:
    """The same over single parts, such as `vae`: what depends on them alone outlives a change of the others."""
    return _digest(folder, [f"{part}/*" for part in parts], cache)


def _digest(folder: Path, names: Sequence[str], cache: Path) -> str:
    files = [path for name in names for path in folder.glob(name) if path.is_file()]
    return f"sha256:{digest_of_files(folder, files, cache)}"
