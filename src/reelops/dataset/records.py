"""The two tables that fetching leaves for each source: `entries.jsonl`, what is here, and `lost.jsonl`, what is not.

One JSON object a line, in the publisher's order; no dates and no hosts that merely answered first, so that the same
clips give the same bytes. A source that could not even be listed has two empty ones, and `unlisted.txt` says why.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from reelops.dataset.entry import Entry, Fetched, Lost, Segment
from reelops.errors import DatasetError
from reelops.foreign import printable, reading_foreign
from reelops.system.files import write_text_atomically

ENTRIES_NAME = "entries.jsonl"
LOST_NAME = "lost.jsonl"
UNLISTED_NAME = "unlisted.txt"


def write_records(
    folder: Path, fetched: Iterable[Fetched], lost: Iterable[Lost], root: Path, unlisted: str | None = None
) -> None:
    """Writes both tables into `folder`; paths are relative to `root` where they lie under it.

    Args:
        unlisted: why the source could not be listed.
    """
    here = ({**_entry_facts(one.entry), **_file_facts(one, root)} for one in fetched)
    missing = ({**_entry_facts(one.entry), "reasons": list(one.reasons)} for one in lost)
    write_text_atomically(folder / ENTRIES_NAME, "".join(map(_line, here)))
    write_text_atomically(folder / LOST_NAME, "".join(map(_line, missing)))
    if unlisted:
        write_text_atomically(folder / UNLISTED_NAME, f"{printable(unlisted)}\n")
    else:
        (folder / UNLISTED_NAME).unlink(missing_ok=True)


def read_fetched(folder: Path, root: Path) -> Iterator[Fetched]:
    """The entries of a source's folder whose videos are here.

    Raises:
        DatasetError: there is no table in `folder`, or a line of it cannot be read.
    """
    path = folder / ENTRIES_NAME
    if not path.is_file():
        raise DatasetError(f"There is no {path}; run `reelops fetch` first.")
    with reading_foreign(path, DatasetError, "cannot be read", "run `reelops fetch` again"):
        lines = path.open("rb")
    with lines:
        for number, line in enumerate(lines, start=1):
            with reading_foreign(f"{path}, line {number}", DatasetError, "cannot be read", "run `reelops fetch` again"):
                fetched = _fetched(json.loads(line), root)
            yield fetched


def count_lost(folder: Path) -> int:
    """How many clips of a source have no video."""
    path = folder / LOST_NAME
    if not path.is_file():
        return 0
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def why_unlisted(folder: Path) -> str | None:
    """Why a source could not be listed; None where it was."""
    path = folder / UNLISTED_NAME
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else None


def _line(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False) + "\n"


def _entry_facts(entry: Entry) -> dict[str, Any]:
    return {
        "source": entry.source,
        "clip_id": entry.clip_id,
        "captions": list(entry.captions),
        "licence": entry.licence,
        "origin": entry.origin,
        "category": entry.category,
        "split": entry.split,
        "page": entry.page,
        "published_segment": _seconds(entry.segment),
    }


def _file_facts(fetched: Fetched, root: Path) -> dict[str, Any]:
    path = fetched.path
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return {"path": shown.as_posix(), "segment": _seconds(fetched.segment)}


def _seconds(segment: Segment | None) -> list[float] | None:
    return [float(segment.start), float(segment.end)] if segment else None


def _segment(seconds: list[float] | None) -> Segment | None:
    # Through its shortest decimal form, so that 137.72 stays 13772/100.
    return Segment(*(Fraction(str(value)) for value in seconds)) if seconds else None


def _fetched(facts: dict[str, Any], root: Path) -> Fetched:
    path, segment = root / facts.pop("path"), _segment(facts.pop("segment"))
    published = _segment(facts.pop("published_segment"))
    entry = Entry(**{**facts, "captions": tuple(facts["captions"])}, segment=published)
    return Fetched(entry, path, segment)
