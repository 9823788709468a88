"""`reelops benchmark`: how good and how fast our parts are, measured beside what they replace."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import reelops.benchmark
from reelops.cli.benchmark_data import data
from reelops.cli.benchmark_train import train
from reelops.errors import SettingsError

if TYPE_CHECKING:
    from rich.console import Console

    from reelops.benchmark.quality import OnPart
    from reelops.params import Config
    from reelops.scoring.batch import ScoringOrder

QUALITY_REPORT = Path("reports/quality/benchmark.json")
FLOW_GOLDEN = Path(reelops.benchmark.__file__).parent / "golden/tvl1_opencv.json"
SCRATCH = Path(".cache")
_TELL_EVERY_SECONDS = 30

Clips = Annotated[
    list[Path] | None, typer.Argument(help="Real clips.", metavar="CLIP...", show_default="those of params.yaml")
]


def register(app: typer.Typer) -> None:
    benchmark = typer.Typer(help="Measure our parts beside what they replace.", no_args_is_help=True)
    benchmark.command("quality")(quality)
    benchmark.command("golden")(golden)
    benchmark.command("data")(data)
    benchmark.command("train")(train)
    app.add_typer(benchmark, name="benchmark")


def quality(
    clips: Clips = None,
    only: Annotated[
        str,
        typer.Option(
            help="Measure these parts, and keep the others as they are: suite, cold, folder, memory, sameness, gate, "
            "flow, truth, report.",
            show_default="all",
            metavar="PART,PART",
        ),
    ] = "",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = QUALITY_REPORT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure scoring: its speed and memory, that it always gives the same, the gate, our optical flow beside OpenCV's,
    and the report.

    All parts take about a quarter of an hour on two cores that are free. Figures are kept as each part is done.

    Examples: reelops benchmark quality

    reelops benchmark quality --only suite,folder
    """
    from rich.console import Console

    from reelops.benchmark.golden_flow import read_golden
    from reelops.benchmark.quality import PARTS, Material, benchmark_quality
    from reelops.benchmark.quality_tables import markdown
    from reelops.params import load_config
    from reelops.system.files import write_text_atomically
    from reelops.system.scratch import scratch_folder

    console, config = Console(stderr=True), load_config()
    files = _files(clips, config)
    parts = [part.strip() for part in only.split(",") if part.strip()] or list(PARTS)
    path = config.root / out

    def keep(report: dict[str, Any]) -> None:
        write_text_atomically(path, json.dumps(report, indent=1) + "\n")
        write_text_atomically(path.with_suffix(".md"), markdown(report))

    with scratch_folder(config.root / SCRATCH) as scratch, _progress(console) as on_part:
        material = Material(
            product_clips=files["product_clips"],
            flow_clips=files["clips"],
            pictures=files["pictures"],
            good_clips=files["good_clips"],
            golden=read_golden(config.root / FLOW_GOLDEN),
            order=_order(config),
            params_file=config.params_file,
            scratch=scratch,
        )
        report = benchmark_quality(material, parts, _earlier(path), keep, on_part)
    _show(report, console)
    console.print(f"Written to {out}, and for people to {out.with_suffix('.md')}.")
    if as_json:
        typer.echo(json.dumps(report, indent=1))


def golden(clips: Clips = None) -> None:
    """Measure what OpenCV's Dual TV-L1 says, for `quality` to compare with: some hours.

    It goes on where it was stopped, and measures nothing twice.

    Example: reelops benchmark golden
    """
    from rich.console import Console

    from reelops.benchmark.golden_flow import make_golden
    from reelops.params import load_config

    console, config = Console(stderr=True), load_config()
    files = _files(clips, config)
    with console.status("Measuring") as status:
        make_golden(
            files["clips"],
            files["pictures"],
            config.root / FLOW_GOLDEN,
            lambda step: status.update(f"Measuring: {step}"),
        )
    console.print(f"Written to {FLOW_GOLDEN}.")


def _files(clips: Sequence[Path] | None, config: Config) -> dict[str, Sequence[Path]]:
    """What is measured on: clips that are given stand for all clips of params.yaml.

    Raises:
        SettingsError: params.yaml names nothing that is here.
    """
    from reelops.benchmark.params import load_benchmark_params

    params = load_benchmark_params(config)
    found: dict[str, Sequence[Path]] = {"pictures": params.find("pictures", config.root)}
    for name in ("product_clips", "clips", "good_clips"):
        found[name] = clips or params.find(name, config.root)
    for name, paths in found.items():
        if not paths:
            raise SettingsError(f"benchmark.{name} in params.yaml matches nothing here; name some there.")
    return found


def _order(config: Config) -> ScoringOrder:
    """The default limits count, which are those of the product's own format."""
    from reelops.gate.limits import DEFAULT
    from reelops.scoring.batch import ScoringOrder

    return ScoringOrder.of(config, profile=DEFAULT)


def _earlier(path: Path) -> dict[str, Any]:
    """What was measured before.

    Raises:
        SettingsError: the file is no report of this benchmark.
    """
    if not path.is_file():
        return {}
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(report["parts"], dict):
            return dict(report)
    except (ValueError, KeyError, TypeError):
        pass
    raise SettingsError(f"{path} is no report of this benchmark. Name another file with --out.")


@contextmanager
def _progress(console: Console) -> Iterator[OnPart]:
    """A bar with the time left, or where nobody watches, a line a part and one every half minute."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Measuring", total=1.0)
        last, told = "", 0.0

        def on_part(part: str, step: str, share: float) -> None:
            nonlocal last, told
            bar.update(task, description=f"Measuring {step}", completed=share)
            if not console.is_terminal and (part != last or time.monotonic() > told + _TELL_EVERY_SECONDS):
                console.print(f"{share:4.0%}  {part}: {step}")
                last, told = part, time.monotonic()

        yield on_part


def _show(report: Mapping[str, Any], console: Console) -> None:
    from rich import table as rich_table

    from reelops.benchmark.quality import differences_between_parts
    from reelops.benchmark.quality_tables import tables

    for table in tables(report):
        shown = rich_table.Table(*table.columns, title=table.title, title_justify="left")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    for sentence in differences_between_parts(report["parts"]):
        console.print(f"[yellow]{sentence}[/yellow]")
