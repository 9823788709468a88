"""`reelops benchmark data`: how fast clips are looked at, beside a plain OpenCV loop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from reelops.errors import SettingsError

REPORT = Path("reports/data/benchmark.json")


def data(
    clips: Annotated[
        list[Path] | None,
        typer.Argument(help="Real clips.", metavar="CLIP...", show_default="benchmark.data_clips of params.yaml"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = REPORT,
    many: Annotated[
        int,
        typer.Option(
            min=0, help="Prepare so many small clips, too, and say what memory that takes. 0 keeps what was measured."
        ),
    ] = 0,
) -> None:
    """Compare looking at clips with a plain OpenCV loop: probe, window and statistics, clips a minute and core.

    Example: reelops benchmark data --many 10000
    """
    from rich.console import Console
    from rich.table import Table

    from reelops.benchmark.cases.dataset import benchmark_data
    from reelops.benchmark.params import load_benchmark_params
    from reelops.dataset.metadata.memory_plot import memory_svg
    from reelops.dataset.metadata.params import load_metadata_params
    from reelops.params import load_config
    from reelops.system.files import write_text_atomically

    console = Console(stderr=True)
    config = load_config()
    videos = clips or load_benchmark_params(config).find("data_clips", config.root)
    if not videos:
        raise SettingsError("benchmark.data_clips in params.yaml matches nothing here; name some clips.")
    params = load_metadata_params(config)
    with console.status("Measuring") as status:
        figures = benchmark_data(videos, params, many, lambda step: status.update(f"Measuring: {step}"))
    if not many and (earlier := _many_in(config.root / out)):
        figures["many"] = earlier
        console.print("The figures of many small clips are kept as they were.")
    write_text_atomically(config.root / out, json.dumps(figures, indent=1) + "\n")
    if many:
        samples = figures["many"]["runs"]["all"]["memory"]
        picture = memory_svg(samples, f"Memory while {many:,} clips are looked at")
        write_text_atomically((config.root / out).with_suffix(".svg"), picture)
    speed = figures["throughput"]
    table = Table("Looking at clips", "Ours", "OpenCV loop", "Times less processor time")
    for row in speed["clips"]:
        seconds = (f"{row[name]:.2f} s" for name in ("ours_cpu_seconds", "opencv_cpu_seconds"))
        table.add_row(
            f"{row['clip']} ({row['size']}, {row['seconds']:.0f} s)", *seconds, f"{row['times_less_cpu']:.2f}"
        )
    rates = (f"{rate:.0f}" for rate in speed["clips_a_minute_a_core"].values())
    table.add_row("clips a minute and core", *rates, f"{speed['times_less_cpu']:.2f}")
    console.print(table)
    if many:
        console.print(_runs_table(figures["many"]))
    console.print(f"Written to {out}.")


def _many_in(report: Path) -> dict[str, Any] | None:
    """What an earlier run found of many small clips; None where there is no report, or none of ours."""
    try:
        found = json.loads(report.read_text(encoding="utf-8")).get("many")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, dict) else None


def _runs_table(many: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table("Many clips", "Clips", "Looked at", "Seconds", "Processor", "Leading", "Measuring")
    words = {"a_tenth": "a tenth of them", "all": "all, a tenth known", "again": "all again", "more": "with new ones"}
    for name, run in many["runs"].items():
        clips = run["clips"] + run["thrown_out"]
        worker = f"{run['worker_peak_mb']:.0f} MB" if run["worker_peak_mb"] else ""
        seconds = (f"{run['seconds']:.0f}", f"{run['cpu_seconds']:.0f} s", f"{run['main_peak_mb']:.0f} MB", worker)
        table.add_row(words[name], f"{clips:,}", f"{run['examined']:,}", *seconds)
    return table
