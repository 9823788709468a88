"""Great Expectations over the table of clips, with Data Docs for people.

Three suites. `table`: what must hold of any such table, as in the contract. `clips`: that each keeps to the limits of
params.yaml. `set`: one row that sums the set up: how large the splits are, and how much is quarantined.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.dataset.metadata.contract import RANGES, SHA256, frame_of
from reelops.dataset.metadata.params import MetadataParams
from reelops.dataset.metadata.stage import MetadataResult
from reelops.dataset.table import SPLITS
from reelops.tables import data_docs

if TYPE_CHECKING:
    import pandas

_WHAT = {"table": "the table itself", "clips": "single clips", "set": "the set as a whole"}


def write_data_docs(result: MetadataResult, params: MetadataParams, folder: Path) -> tuple[Path, list[str]]:
    """Checks the table of clips, and writes the pages.

    Returns:
        The site's first page, and warnings for the user: suites that found something.

    Raises:
        MachineError: Great Expectations is not installed, or the folder cannot be written to.
    """
    data_docs.check_installed()
    frame = frame_of(result.rows).drop(columns="captions")
    suites = {
        "table": (frame, table_expectations()),
        "clips": (frame, clip_expectations(params)),
        "set": (set_frame(result), set_expectations(params)),
    }
    index, failed = data_docs.write_site("clips", "Data Docs of the clips to learn from", suites, folder)
    return index, [f"the expectations on {_WHAT[name]} are not all met; see the Data Docs." for name in failed]


def table_expectations() -> list[Any]:
    """What must hold of any table of clips."""
    import great_expectations.expectations as expect

    always = ("clip_id", "source", "origin", "licence", "video_path", "image_path", "prompt")
    return [
        *(expect.ExpectColumnValuesToNotBeNull(column=name) for name in always),
        expect.ExpectColumnValuesToBeUnique(column="clip_id"),
        expect.ExpectColumnValuesToMatchRegex(column="sha256", regex=SHA256),
        expect.ExpectColumnValuesToBeInSet(column="split", value_set=list(SPLITS)),
        *(data_docs.between(name, *data_docs.with_tolerance(ends)) for name, ends in RANGES.items()),
    ]


def clip_expectations(params: MetadataParams) -> list[Any]:
    """That clips keep to the limits beyond which they are quarantined."""
    limits = params.limits
    return [
        *(data_docs.between(side, limits.min_side, None) for side in ("width", "height")),
        data_docs.between("motion", limits.min_motion, None),
        data_docs.between("still_share", 0, limits.max_still_share),
        data_docs.between("text_share", 0, limits.max_text_share),
        data_docs.between("scene_cut", 0, limits.cut_threshold),
    ]


def set_frame(result: MetadataResult) -> pandas.DataFrame:
    """One row: clips, those of each split, the share that is quarantined, and shares for each reason."""
    import pandas

    total = max(1, result.total)
    row = {"clips": float(len(result.rows)), "share_quarantined": result.share_quarantined}
    row |= {f"clips_{split}": float(count) for split, count in result.splits.items()}
    row |= {f"share_{reason}": count / total for reason, count in result.reasons.items()}
    return pandas.DataFrame([row])


def set_expectations(params: MetadataParams) -> list[Any]:
    """That there is something to learn from and something to hold it to, and not too much is quarantined."""
    held_back = [f"clips_{split}" for split in SPLITS if split == "train" or getattr(params.splits, split)]
    return [
        *(data_docs.between(name, 1, None) for name in held_back),
        data_docs.between("share_quarantined", 0, params.max_quarantined_share),
    ]
