"""What the stage leaves for people and for `dvc`, beside its tables.

reports/data/metrics.json      dvc metrics show, dvc metrics diff
reports/data/spread.csv        dvc plots show: motion against sharpness, one row per clip
reports/data/reasons.csv       dvc plots show: how many were quarantined for which reason
reports/data/index.html        the page
reports/data/docs/             Great Expectations' Data Docs
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from reelops.dataset.metadata.contract import check_clips
from reelops.dataset.metadata.params import MetadataParams
from reelops.dataset.metadata.report import write_report
from reelops.dataset.metadata.stage import MetadataResult
from reelops.errors import DatasetError
from reelops.system.files import write_csv_atomically, write_text_atomically

FOLDER = Path("reports/data")
DATA_DOCS = FOLDER / "docs"


def write_outputs(result: MetadataResult, params: MetadataParams, root: Path, data_docs: bool = True) -> list[str]:
    """Holds the table to its contract and writes everything.

    Args:
        data_docs: check the table with Great Expectations, too, which takes ten seconds.

    Returns:
        Warnings for the user.

    Raises:
        InputError: the table breaks its contract.
        DatasetError: there is nothing to learn from, or more is quarantined than params.yaml allows; everything is
            written all the same, so that one can see why.
        MachineError: something cannot be written, or Great Expectations is not installed.
    """
    check_clips(result.rows)
    folder = root / FOLDER
    write_text_atomically(folder / "metrics.json", json.dumps(metrics(result), indent=2) + "\n")
    spreads = ((row.clip_id, row.split, row.motion, row.sharpness) for row in result.rows)
    write_csv_atomically(folder / "spread.csv", ("clip_id", "split", "motion", "sharpness"), spreads)
    write_csv_atomically(folder / "reasons.csv", ("reason", "clips"), result.reasons.items())
    write_report(result, params, root, folder / "index.html")
    notes = [f"nothing of {source} is in the table: {reason}" for source, reason in result.unlisted.items()]
    notes += [f"no clip is for {split}; see metadata.splits in params.yaml." for split in _empty_splits(result, params)]
    if data_docs:
        from reelops.dataset.metadata.expectations import write_data_docs

        notes += write_data_docs(result, params, root / DATA_DOCS)[1]
    _check_share(result, params)
    return notes


def metrics(result: MetadataResult) -> dict[str, Any]:
    """Figures that depend on the set alone, not on the run that prepared it."""
    rows = result.rows
    medians = {name: median(getattr(row, name) for row in rows) for name in ("motion", "sharpness")} if rows else {}
    return {
        "clips": len(rows),
        "splits": result.splits,
        "origins": len({row.origin for row in rows}),
        "quarantined": len(result.quarantined),
        "share_quarantined": round(result.share_quarantined, 6),
        "reasons": result.reasons,
        "lost": result.lost,
        **({"unlisted": sorted(result.unlisted)} if result.unlisted else {}),
        "medians": medians,
    }


def _empty_splits(result: MetadataResult, params: MetadataParams) -> Sequence[str]:
    """Splits that params.yaml gives a share, and that are empty."""
    wanted = ("train", *(name for name in ("validation", "test") if getattr(params.splits, name)))
    return [split for split, count in result.splits.items() if split in wanted and not count]


def _check_share(result: MetadataResult, params: MetadataParams) -> None:
    if result.share_quarantined <= params.max_quarantined_share and result.rows:
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in list(result.reasons.items())[:4])
    raise DatasetError(
        f"{result.share_quarantined:.0%} of {result.total} clips are quarantined ({reasons}); "
        f"metadata.max_quarantined_share allows {params.max_quarantined_share:.0%}. "
        f"{FOLDER / 'index.html'} shows which and why."
    )
