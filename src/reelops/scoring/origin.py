"""What a clip was made from, as far as it says so itself: its own metadata, and the `.json` beside it.

Judged with its picture and prompt a clip is judged better: whether it begins with the picture, and whether the camera
does what was asked. Whatever is used is named, and a picture that is not the one of then is not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from reelops.foreign import LONGEST_JSON, json_object, printable, refuse_machine_fault
from reelops.gate.limits import DEFAULT
from reelops.production.output_names import sidecar_of
from reelops.system.digest import sha256_of
from reelops.system.plain_text import without_half_letters
from reelops.video.picture import looks_like_picture
from reelops.video.provenance import read_provenance

_LONGEST_NAME = 255


@dataclass(frozen=True)
class Origin:
    """What a clip is judged with.

    Attributes:
        picture: the file it started from, None where it is not known or not here.
        picture_sha256: digest of that file.
        prompt: None where it is not known.
        profile: whose limits count; `default` where nothing names one, as with other people's clips.
        sources: what was taken from where: `picture: clip.json`, `prompt: its metadata`.
        lineage: the provenance in the clip's own metadata; empty for other people's clips.
        notes: warnings for the user.
        missing_picture: the name of the picture that the clip started from, where it is not here any more.
        is_finished: whether the clip carries its picture's detail.
    """

    picture: Path | None
    picture_sha256: str | None
    prompt: str | None
    profile: str
    sources: Mapping[str, str] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    missing_picture: str | None = None
    is_finished: bool = False


def find_origin(
    clip: Path,
    clip_sha256: str,
    picture: Path | None = None,
    prompt: str | None = None,
    profile: str | None = None,
    ask_clip: bool = True,
) -> Origin:
    """What a clip is to be judged with: what is given here, and where nothing is, what the clip says of itself.

    Args:
        ask_clip: False uses nothing but what is given.

    Raises:
        VideoError: the clip cannot be read as a video.
    """
    provenance = read_provenance(clip) or {}
    notes: list[str] = []
    sources: dict[str, str] = {}
    told = _told_by(clip, clip_sha256, provenance, notes) if ask_clip else {}
    missing = None
    if picture is None and "picture" in told:
        picture = _still_there(told["picture"], clip, provenance)
        if picture:
            sources["picture"] = told["picture"].source
        else:
            missing = _shown_name(told["picture"].value)
            notes.append(f"the clip started from {missing}, which is not here; give it with --picture to compare them.")
    if prompt is None and "prompt" in told:
        prompt, sources["prompt"] = told["prompt"].value, told["prompt"].source
    if profile is None and "profile" in told:
        profile, sources["profile"] = told["profile"].value, told["profile"].source
    digest = digest_of_picture(picture) if picture else None
    finished = ask_clip and "detail_share" in provenance
    return Origin(picture, digest, prompt, profile or DEFAULT, sources, provenance, tuple(notes), missing, finished)


@dataclass(frozen=True)
class _Told:
    value: str
    source: str


def _told_by(clip: Path, clip_sha256: str, provenance: Mapping[str, Any], notes: list[str]) -> dict[str, _Told]:
    """Picture, prompt and profile; the sidecar knows the picture's whole path and goes first."""
    sidecar = sidecar_of(clip)
    places = ((_order_in(sidecar, clip_sha256, notes), sidecar.name), (provenance, "its own metadata"))
    told: dict[str, _Told] = {}
    for facts, source in places:
        for name in ("picture", "prompt", "profile"):
            value = facts.get(name)
            if isinstance(value, str) and value:
                told.setdefault(name, _Told(value if name == "picture" else without_half_letters(value), source))
    return told


def _order_in(sidecar: Path, clip_sha256: str, notes: list[str]) -> Mapping[str, Any]:
    """The order that a sidecar of ReelOps states; empty where there is none about this very clip."""
    try:
        with sidecar.open(encoding="utf-8") as file:
            take = json_object(file.read(LONGEST_JSON + 1))
        order, about = take["order"], take["sha256"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        refuse_machine_fault(sidecar, error)
        return {}
    if about != clip_sha256:
        notes.append(f"{sidecar.name} beside it is about another version of this clip, and was not used.")
        return {}
    return order if isinstance(order, dict) else {}


def _still_there(told: _Told, clip: Path, provenance: Mapping[str, Any]) -> Path | None:
    """The picture, where it is and still is that picture.

    Whoever made the clip chose the name, so nothing is read to its end that does not begin like a picture.
    """
    wanted = provenance.get("picture_sha256")
    for candidate in (Path(told.value), clip.parent / Path(told.value).name):
        if looks_like_picture(candidate) and (wanted is None or digest_of_picture(candidate) == wanted):
            return candidate
    return None


def _shown_name(value: str) -> str:
    name = printable(value)
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."


def digest_of_picture(picture: Path) -> str | None:
    """sha256 of a picture, read once as long as it stays the same file; None where it cannot be read."""
    try:
        state = picture.stat()
        return _digest(picture, state.st_mtime_ns, state.st_size)
    except OSError as error:
        refuse_machine_fault(picture, error)
        return None


@lru_cache(maxsize=4096)
def _digest(picture: Path, _mtime_ns: int, _size: int) -> str:
    return sha256_of(picture)
