"""What `reelops score` and the scoring flow leave behind, checked before any work is done for it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reelops.errors import InputError, MachineError
from reelops.progress import QUIET, RunContext
from reelops.scoring.comparison.paired import Comparison
from reelops.scoring.contracts import check_table
from reelops.scoring.plots import write_plots
from reelops.scoring.report.build import MEDIA_BUDGET_BYTES, write_report
from reelops.scoring.scored_clip import ScoredClip
from reelops.scoring.tables import DATA_EXTRA, write_csv, write_parquet

_NEEDS = {"parquet": ("pyarrow", "Parquet"), "data_docs": ("great_expectations", "--data-docs")}


@dataclass(frozen=True)
class Outputs:
    """Files and folders to write; None where one is not wanted.

    Attributes:
        csv, parquet: the table.
        html: the report, whose videos take `media_bytes` at most.
        plots: a folder for `dvc plots`.
        data_docs: a folder for Great Expectations' Data Docs.
    """

    csv: Path | None = None
    parquet: Path | None = None
    html: Path | None = None
    plots: Path | None = None
    data_docs: Path | None = None
    media_bytes: int = MEDIA_BUDGET_BYTES

    def check(self) -> None:
        """Fails on what can be known before the first clip is scored.

        Raises:
            InputError: a file to write is a folder, or a folder is a file.
            MachineError: a package that is needed is not installed.
        """
        for name, (package, what) in _NEEDS.items():
            if getattr(self, name) and importlib.util.find_spec(package) is None:
                raise MachineError(f"{what} needs {package}, which is not installed. {DATA_EXTRA}")
        for file in (self.csv, self.parquet, self.html):
            if file and file.is_dir():
                raise InputError(f"{file} is a folder; name a file to write.")
        for folder in (self.plots, self.data_docs):
            if folder and folder.exists() and not folder.is_dir():
                raise InputError(f"{folder} is a file; name a folder to write to.")

    def write(
        self,
        clips: Sequence[ScoredClip],
        comparison: Comparison | None = None,
        compared_with: str = "",
        workers: int | None = None,
        context: RunContext = QUIET,
    ) -> tuple[list[Path], list[str]]:
        """Writes them; says what was written, and gives warnings for the user.

        Raises:
            MachineError: something cannot be written.
        """
        written: list[Path] = []
        notes: list[str] = []
        if self.csv or self.parquet or self.plots:
            notes += check_table(clips)
        if self.csv:
            write_csv(clips, self.csv)
            written.append(self.csv)
        if self.parquet:
            write_parquet(clips, self.parquet)
            written.append(self.parquet)
        if self.plots:
            written += write_plots(clips, self.plots, comparison)
        if self.html:
            notes += write_report(clips, self.html, comparison, compared_with, self.media_bytes, workers, context)
            written.append(self.html)
        if self.data_docs:
            from reelops.scoring.expectations import write_data_docs

            index, failed = write_data_docs(clips, self.data_docs)
            written.append(index)
            notes += failed
        return written, notes
