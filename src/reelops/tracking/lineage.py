"""Which code, data and weights made a clip, as one id:

    git . dvc.lock . data . base revision . adapter sha

    3f2a91c07b1e.8c1d0a4e5f60.17be0c9d2a33.a06d41f0b7c2.-

Each part is the first twelve characters of a digest, `-` where there is none, and `unknown` where there is one that
could not be found out; a checkout with uncommitted changes is marked `3f2a91c07b1e-dirty`, and one of which git cannot
say it `3f2a91c07b1e-unknown`. The id stands in the clip's own metadata, in MLflow, in the Prefect artifact and in every
answer, so any one of them leads to the others.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

import reelops
from reelops.clip import ClipOrder
from reelops.errors import DatasetError, InputError, ReelOpsError
from reelops.foreign import reading_foreign
from reelops.settings import shipped_folder
from reelops.system.digest import sha256_of
from reelops.tracking.commit import DIGITS, UNKNOWN, commit_of, refused_by_git

NONE = "-"


@dataclass(frozen=True)
class Lineage:
    """The five parts of the id; None where there is no such thing.

    Attributes:
        git: see `reelops.tracking.commit.commit_of`.
        dvc_lock: digest of dvc.lock: every pipeline stage with its parameters.
        data: digest of the versions of everything that dvc.lock keeps under data/.
        base_revision: revision or digest of the base model's weights.
        adapter: digest of the LoRA weights.
    """

    git: str | None = None
    dvc_lock: str | None = None
    data: str | None = None
    base_revision: str | None = None
    adapter: str | None = None

    def __str__(self) -> str:
        return ".".join(getattr(self, part.name) or NONE for part in fields(self))

    @classmethod
    def parse(cls, text: str) -> Lineage:
        """The inverse of `str(lineage)`.

        Raises:
            InputError: the text is not a lineage id.
        """
        parts = text.strip().split(".")
        if len(parts) != len(fields(cls)) or not all(re.fullmatch(r"[\w-]+", part) for part in parts):
            raise InputError(
                f"{text!r} is not a lineage id; one has five parts joined by dots: git.dvc_lock.data.base.adapter, "
                f"with {NONE} where there is none."
            )
        return cls(*(None if part == NONE else part for part in parts))


def trace_lineage(facts: Mapping[str, Any], project: Path | None = None) -> Lineage:
    """The lineage of what this code made in a project, from the facts of what made it.

    Args:
        project: the folder of the params.yaml that counted, whose dvc.lock is told; None takes the shipped one.
    """
    lock = (project or shipped_folder()) / "dvc.lock"
    return Lineage(
        git=code_commit() or UNKNOWN,
        dvc_lock=_digest_of_lock(lock),
        data=data_digest(lock),
        base_revision=_short(facts.get("base_revision")),
        adapter=_short(facts.get("adapter_sha256")),
    )


def code_commit() -> str | None:
    """Commit of the checkout that this code runs from, or that it was built from where it is a wheel."""
    return commit_of(shipped_folder())


def notes_on(lineage: Lineage) -> tuple[str, ...]:
    """What somebody should know of a lineage that does not name its code; nothing where git names it."""
    refused = refused_by_git(shipped_folder()) if lineage.git == UNKNOWN else None
    return (refused,) if refused else ()


def data_digest(lock: Path) -> str | None:
    """One digest over the path and version of every stage output under data/ in a dvc.lock.

    Returns:
        None where there is no such file, or no such output in it; `unknown` where it cannot be read as a dvc.lock.
    """
    if not lock.exists():
        return None
    try:
        with reading_foreign(lock, DatasetError, "is no dvc.lock"):
            stages = (yaml.safe_load(lock.read_bytes()) or {}).get("stages") or {}
            outs = [out for stage in stages.values() for out in stage.get("outs", [])]
            versions = sorted(f"{out['path']}={out.get('md5', '')}" for out in outs if out["path"].startswith("data/"))
    except ReelOpsError:
        return UNKNOWN
    return hashlib.sha256("\n".join(versions).encode()).hexdigest()[:DIGITS] if versions else None


def _digest_of_lock(lock: Path) -> str | None:
    try:
        return sha256_of(lock)[:DIGITS]
    except FileNotFoundError:
        return None
    except OSError:
        return UNKNOWN


def provenance(order: ClipOrder, facts: Mapping[str, Any], lineage: Lineage) -> dict[str, Any]:
    """What a clip says about itself in its container metadata; plain JSON values.

    Scores are not in it: they are measured on the finished file, whose bytes this is part of.
    """
    return {
        "software": f"reelops {reelops.__version__}",
        "lineage": str(lineage),
        "prompt": order.prompt,
        "negative_prompt": order.negative_prompt,
        "picture": order.picture.name,
        "picture_sha256": facts.get("picture_sha256"),
        "profile": order.profile,
        "base": facts.get("base"),
        "base_revision": facts.get("base_revision"),
        "adapter_sha256": facts.get("adapter_sha256"),
        "adapter_strength": order.adapter_strength if order.adapter else None,
        **({"more_adapters": facts["more_adapters"]} if facts.get("more_adapters") else {}),
        "seed": facts.get("seed", order.seed),
        "steps": facts.get("steps", order.steps),
        "guidance": facts.get("guidance", order.guidance),
        "synthetic": True,
        **({"pieces": len(facts["seams"]) + 1} if facts.get("seams") else {}),
        **_of_detail(order, facts),
    }


def whole_percent(share: float) -> str:
    """Rounded down, so that 100% says that nothing is missing."""
    return f"{math.floor(100 * share)}%"


def _of_detail(order: ClipOrder, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What was done to the frames after they were generated; nothing where nothing was."""
    if "detail_carried" not in facts:
        return {}
    told: dict[str, Any] = {"generated_size": f"{facts['generated_width']}x{facts['generated_height']}"}
    if not facts["detail_carried"]:
        return {**told, "detail": "none, the clip is enlarged"}
    share, last = facts["detail_share"], facts["detail_share_last_frame"]
    where = f"on {whole_percent(share)} of the pixels, {whole_percent(last)} in the last frame"
    return {**told, "detail": f"carried from {order.picture.name} {where}", "detail_share": share}


def _short(digest: object) -> str | None:
    """The first characters of a digest, or of a name that is none, without the dot that separates parts."""
    return re.sub(r"[^\w-]", "_", str(digest).removeprefix("sha256:"))[:DIGITS] if digest else None
