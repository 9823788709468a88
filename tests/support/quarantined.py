"""The table of quarantined clips, read as whoever opens it with pyarrow does."""

from __future__ import annotations

from pathlib import Path

from pyarrow import parquet

from reelops.dataset.table import QuarantinedClip, Reason


def read_quarantine(path: Path) -> list[QuarantinedClip]:
    rows = parquet.read_table(path, use_threads=False).to_pylist()
    return [
        QuarantinedClip(**{**row, "video_path": Path(row["video_path"]), "reason": Reason(row["reason"])})
        for row in rows
    ]
