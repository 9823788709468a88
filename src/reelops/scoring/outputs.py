"""What `reelops score` and the scoring flow leave behind, checked before any work is done for it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reelops.dataset.entry import VIDEO_SUFFIXES
from reelops.errors import InputError, MachineError
from reelops.production.output_names import require_folder, require_place
from reelops.progress import QUIET, RunContext
from reelops.scoring.comparison.paired import Comparison
from reelops.scoring.contracts import check_table
from reelops.scoring.plots import write_plots
from reelops.scoring.report.build import MEDIA_BUDGET_BYTES, write_report
from reelops.scoring.scored_clip import ScoredClip
from reelops.scoring.tables import DATA_EXTRA, write_csv, write_parquet
from reelops.settings import real_path
from reelops.video.picture import looks_like_picture

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

    def check(self, scored: Sequence[Path] = (), further: Sequence[Path] = ()) -> None:
        """Fails on what can be known before the first clip is scored.

        Args:
            scored: the clips, none of which may be written over.
            further: files that the caller writes beside these.

        Raises:
            InputError: a file to write is a folder, one of the clips, or named twice; a folder is a file; or nothing
                can be written there.
            MachineError: a package that is needed is not installed.
        """
        for name, (package, what) in _NEEDS.items():
            if getattr(self, name) and importlib.util.find_spec(package) is None:
                raise MachineError(f"{what} needs {package}, which is not installed. {DATA_EXTRA}")
        check_files([*filter(None, (self.csv, self.parquet, self.html)), *further], scored)
        for folder in filter(None, (self.plots, self.data_docs)):
            require_folder(folder)

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


def check_files(files: Sequence[Path], read: Sequence[Path] = ()) -> None:
    """Fails where files cannot be written, or would take each other's place, that of what is read, or of any video or
    picture: a shell makes `--csv *.mp4` of many a slip.

    Raises:
        InputError: says which and why.
    """
    inputs = {real_path(path): path for path in read}
    seen: set[Path] = set()
    for file in files:
        if file.is_dir():
            raise InputError(f"{file} is a folder; name a file to write.")
        if file.is_file() and (file.suffix.lower() in VIDEO_SUFFIXES or looks_like_picture(file)):
            raise InputError(f"{file} is a video or picture, and would be replaced; name another file to write.")
        if (place := real_path(file)) in inputs:
            raise InputError(f"{file} is one of the clips, and would be replaced; name another file to write.")
        if place in seen:
            raise InputError(f"{file} is to be written twice; name different files.")
        seen.add(place)
        require_place(file)
