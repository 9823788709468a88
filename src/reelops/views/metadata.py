"""How what became of the fetched clips is shown in a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from reelops.dataset.metadata.outputs import FOLDER
from reelops.dataset.metadata.stage import MetadataResult
from reelops.dataset.table import CLIPS, QUARANTINE
from reelops.views.console import err, out


def show_metadata(result: MetadataResult) -> None:
    """How many clips there are for what, and how many are quarantined, and why."""
    table = Table("Clips", "", box=SIMPLE_HEAD)
    table.columns[1].justify = "right"
    for split, count in result.splits.items():
        table.add_row(split, f"{count:,}")
    for reason, count in result.reasons.items():
        table.add_row(f"[dim]quarantined: {reason.replace('_', ' ')}[/]", f"[dim]{count:,}[/]")
    if lost := sum(result.lost.values()):
        table.add_row("[dim]never came, see reelops fetch[/]", f"[dim]{lost:,}[/]")
    if result.odd:
        table.add_row("[dim]odd files that are read all the same, see the page[/]", f"[dim]{len(result.odd):,}[/]")
    out.print(table)
    looked = f"{result.examined:,} clips looked at in {result.seconds:.1f} s, {result.known:,} known before"
    err.print(f"{looked}. Written: {CLIPS}, {QUARANTINE}, {FOLDER / 'index.html'}", soft_wrap=True)
