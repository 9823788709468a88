"""`reelops benchmark`: how good and how fast our parts are, measured beside what they replace."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table as ShownTable

from reelops.clip import DEFAULT_PROFILE, MAX_STEPS
from reelops.errors import FAILED, REJECTED, InputError
from reelops.params import load_config
from reelops.progress import RunContext
from reelops.views.console import terminal
from reelops.views.progress_bar import watching

if TYPE_CHECKING:
    from reelops.benchmark.case import Case
    from reelops.benchmark.report import Report
    from reelops.benchmark.table import Table

Clips = Annotated[
    list[Path] | None, typer.Argument(help="Real clips.", metavar="CLIP...", show_default="those of benchmark.yaml")
]
Parts = Annotated[
    list[str] | None,
    typer.Option(
        "--part",
        "--only",
        help="Measure these parts, and keep the others as they are. `reelops benchmark list` names them.",
        show_default="all",
        metavar="PART,PART",
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="Where the figures go, and beside it a page.", show_default="the benchmark's own")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


def register(app: typer.Typer) -> None:
    benchmark = typer.Typer(
        help="Measure our parts beside what they replace.", no_args_is_help=True, invoke_without_command=True
    )
    benchmark.callback()(against_alone)
    benchmark.command("list")(show_list)
    benchmark.command("quality")(quality)
    benchmark.command("data")(data)
    benchmark.command("train")(train)
    benchmark.command("start")(start)
    benchmark.command("detail")(detail)
    benchmark.command("batch")(batch)
    benchmark.command("service")(service)
    benchmark.command("generation")(generation)
    benchmark.command("regression")(regression)
    benchmark.command("recipes")(recipes)
    benchmark.command("gpu")(gpu)
    benchmark.command("summary")(summary)
    benchmark.command("golden")(golden)
    benchmark.command("compare")(compare)
    app.add_typer(benchmark, name="benchmark")


def against_alone(
    context: typer.Context,
    against: Annotated[
        str | None,
        typer.Option(
            help="Short for `reelops benchmark generation --against`.",
            metavar="champion|FOLDER|FILE",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Measure our parts beside what they replace."""
    if context.invoked_subcommand is None:
        if against is None:
            raise InputError("Name a benchmark; `reelops benchmark list` shows all of them.")
        generation(against=against)
    elif against is not None:
        raise InputError(f"Give --against after {context.invoked_subcommand}, if that knows it.")


def show_list() -> None:
    """Show all benchmarks, their parts, and how long each takes on two free cores."""
    from reelops.benchmark.catalogue import CASES

    for case in CASES.values():
        shown = ShownTable(
            "Part", "What is measured", "Minutes", title=f"reelops benchmark {case.name}", caption=case.measures
        )
        for part in case.parts:
            shown.add_row(part.name, part.measures, str(max(1, round(part.seconds / 60))))
        terminal().print(shown)


def quality(clips: Clips = None, part: Parts = None, out: Out = None, as_json: AsJson = False) -> None:
    """Measure scoring: its speed and memory, that it always gives the same, the gate, our optical flow beside OpenCV's,
    and the report.

    All parts take about a quarter of an hour on two cores that are free. Figures are kept as each part is done.

    Examples: reelops benchmark quality

    reelops benchmark quality --part suite,folder
    """
    from reelops.benchmark.cases.quality import QUALITY

    _measure(QUALITY, part, clips, out, as_json)


def data(
    clips: Clips = None,
    part: Parts = None,
    many: Annotated[
        int,
        typer.Option(
            min=0,
            max=1_000_000,
            help="Prepare so many small clips, too, and say what memory that takes. 0 keeps what was measured.",
        ),
    ] = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Compare looking at clips with a plain OpenCV loop: probe, window and statistics, clips per minute and core.

    Example: reelops benchmark data --many 10000
    """
    from reelops.benchmark.cases.data import data_case

    _measure(data_case(many), part, clips, out, as_json)


def train(
    part: Parts = None,
    steps: Annotated[int, typer.Option(min=2, max=10_000, help="Training steps of each run.")] = 6,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Runs of each way, taking turns.")] = 2,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Measure the 5B with random weights on this machine's GPU instead.")
    ] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Train with the latent cache and without it, and beside the steps of diffusers' own example: samples per second,
    peak memory, time spent waiting for samples.

    It trains as params.yaml says, on data/latents/. With --gpu it needs neither weights nor data: 20 steps of the 5B's
    architecture, as `reelops train --plan` would train it on this GPU.

    Examples: reelops benchmark train

    reelops benchmark train --part published --steps 3 --rounds 1
    """
    from reelops.benchmark.cases.train import TRAIN_GPU, train_case

    _measure(TRAIN_GPU if gpu else train_case(steps, rounds), part, None, out, as_json)


def start(
    part: Parts = None,
    before: Annotated[
        Path | None,
        typer.Option(help="The folder of an earlier checkout, with its .venv, to compare with.", show_default=False),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Runs of each command, taking turns.")] = 3,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Measure how long a person waits for the commands that are typed most, where that time goes, and what busy
    neighbours cost.

    Example: reelops benchmark start --before ../reelops-1.0 --rounds 5
    """
    from reelops.benchmark.cases.start import start_case

    _measure(start_case(before, rounds), part, None, out, as_json)


def detail(clips: Clips = None, part: Parts = None, out: Out = None, as_json: AsJson = False) -> None:
    """Measure how near clips with their picture's detail come to the truth, beside bicubic; what it does to the
    embedded model's clips; and how long it takes.

    Examples: reelops benchmark detail

    reelops benchmark detail --part truth
    """
    from reelops.benchmark.cases.detail.case import DETAIL

    _measure(DETAIL, part, clips, out, as_json)


def batch(part: Parts = None, out: Out = None, as_json: AsJson = False) -> None:
    """Measure clips an hour of the embedded model from a file of orders, what is not work on clips, and a batch that is
    killed amid its work; with --part memory, memory over 200 orders.

    Examples: reelops benchmark batch

    reelops benchmark batch --part killed
    """
    from reelops.benchmark.cases.batch import BATCH

    _measure(BATCH, part, None, out, as_json)


def service(part: Parts = None, out: Out = None, as_json: AsJson = False) -> None:
    """Measure the service: submissions a second, many listeners, and looks at a job while a clip is made.

    Whoever asks runs on the same cores as the service.

    Example: reelops benchmark service --part submissions
    """
    from reelops.benchmark.cases.service import SERVICE

    _measure(SERVICE, part, None, out, as_json)


def generation(
    candidate: Annotated[
        list[str] | None,
        typer.Option(
            help="A way to make clips: fields of an order, with a name if you like. May be given several times.",
            metavar="NAME: FIELD=VALUE,...",
            show_default="--detail off",
        ),
    ] = None,
    baseline: Annotated[
        str,
        typer.Option(
            help="What candidates are compared with.", metavar="FIELD=VALUE,...", show_default="the profile as it is"
        ),
    ] = "",
    against: Annotated[
        str | None,
        typer.Option(
            help="Compare with something else: `champion`, the adapter that the registry calls so; the folder of an "
            "earlier checkout; or the report of an earlier run.",
            metavar="champion|FOLDER|FILE",
            show_default=False,
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="Of all clips.", show_default="that of an order")
    ] = None,
    first_look: Annotated[
        int | None,
        typer.Option(
            min=6, max=10_000, help="Pairs of clips before anything is said.", show_default="that of benchmark.yaml"
        ),
    ] = None,
    looks: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=8,
            help="How often it is looked at, each time with twice as many pairs.",
            show_default="that of benchmark.yaml",
        ),
    ] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Measure what a clip takes, stage by stage, and whether a candidate is slower or worse than the baseline.

    Clips of all ways take turns. A candidate passes, fails, or needs more runs, which are made up to the budget of
    benchmark.yaml. It ends with 3 where one fails, and with 1 where the budget did not suffice to tell.

    Examples: reelops benchmark generation --candidate "fast: quality=fast" --candidate steps=2

    reelops benchmark generation --against ../reelops-main
    """
    import shlex

    from reelops.benchmark.cases.generation.case import generation_case, plan_of, sentences_of, worst_answer
    from reelops.benchmark.summary import write_summary

    config = load_config()
    plan = plan_of(config, candidate or (), baseline, against, profile, looks, first_look)
    given: dict[str, object] = {"--baseline": baseline, "--against": against, "--profile": profile}
    given |= {"--first-look": first_look, "--looks": looks}
    options = [f"--candidate {shlex.quote(text)}" for text in candidate or ()]
    options += [f"{name} {shlex.quote(str(value))}" for name, value in given.items() if value]
    report = _measure(generation_case(plan, options), None, None, out, as_json)
    for sentence in sentences_of(report):
        terminal(stderr=True).print(escape(sentence), soft_wrap=True)
    if out is None:
        terminal(stderr=True).print(f"In short in {write_summary(config)}.")
    if code := {"fail": REJECTED, "more runs": FAILED}.get(worst_answer(report)):
        raise typer.Exit(code)


def regression(
    part: Parts = None,
    again: Annotated[
        bool, typer.Option("--again", help="Judge the clips that the report holds by today's rules; make none.")
    ] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often the gate of `reelops benchmark generation` errs: false alarms where nothing changed, and
    slowdowns of 15% and losses of quality that it finds, on real clips of this machine.

    Example: reelops benchmark regression --part quality
    """
    from reelops.benchmark.cases.regression.case import regression_case

    _measure(regression_case(again), part, None, out, as_json)


def recipes(
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            help="A recipe of params.yaml. May be given several times.",
            show_default="all that can be used",
            metavar="NAME",
        ),
    ] = None,
    profile: Annotated[str, typer.Option("--profile", "-p", help="Of params.yaml, or a folder.")] = DEFAULT_PROFILE,
    steps: Annotated[
        int | None, typer.Option(min=1, max=MAX_STEPS, help="In place of the profile's.", show_default="the profile's")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(min=1.0, max=100.0, help="The same.", show_default="the profile's")
    ] = None,
    clips: Annotated[int, typer.Option(min=1, max=10_000, help="Of each way; there are no intervals below 6.")] = 6,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Measure what recipes gain and lose: PSNR, SSIM, scores and verdicts beside the baseline's clips, and beside a
    baseline of as few steps as take as long.

    A recipe that is refused here is told of with its reason, and so is a switch that changed nothing.

    Examples: reelops benchmark recipes --recipe optimized --steps 8 --guidance 3

    reelops benchmark recipes --profile cogvideox-5b-i2v --clips 12
    """
    import shlex

    from reelops.benchmark.cases.recipes.case import recipes_case
    from reelops.benchmark.cases.recipes.measure import Plan

    given: dict[str, object] = {"--profile": profile, "--steps": steps, "--guidance": guidance, "--clips": clips}
    options = [f"--recipe {shlex.quote(name)}" for name in recipe or ()]
    options += [f"{name} {shlex.quote(str(value))}" for name, value in given.items() if value is not None]
    plan = Plan(tuple(recipe or ()), profile, steps, guidance, clips)
    _measure(recipes_case(plan, options), None, None, out, as_json)


def gpu(
    part: Parts = None,
    small: Annotated[
        bool, typer.Option("--small", help="Try everything that measures on a small network, on any processor.")
    ] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Measure clips and training of the 5B's architecture with random weights on this machine's GPU: the baseline
    beside recipes, memory beside the plan. `make gpu` does it with all checks, and resumes.

    Example: reelops benchmark gpu --part stages
    """
    from reelops.benchmark.cases.gpu.case import gpu_case

    _measure(gpu_case(small), part, None, out, as_json)


def summary() -> None:
    """Write reports/summary.json: what all reports of the project say, in short, and where its artifacts are.

    Example: reelops benchmark summary
    """
    from reelops.benchmark.summary import write_summary

    terminal(stderr=True).print(f"Written to {write_summary(load_config())}.")


def golden(clips: Clips = None) -> None:
    """Measure what OpenCV's Dual TV-L1 says, for `quality` to compare with: some hours.

    It resumes where it was stopped, and measures nothing twice.

    Example: reelops benchmark golden
    """
    from reelops.benchmark.case import Bench
    from reelops.benchmark.cases.flow.golden import GOLDEN_FILE, measure_golden

    console, config = terminal(stderr=True), load_config()
    bench = Bench(config, scratch=config.cache, clips=clips or ())
    with _watched() as context:
        measure_golden(bench.files("clips"), bench.files("pictures"), context=context)
    console.print(f"Written to {GOLDEN_FILE}.")


def compare(
    before: Annotated[Path, typer.Argument(help="An earlier report.", metavar="BEFORE")],
    after: Annotated[
        Path | None,
        typer.Argument(help="A later one.", metavar="AFTER", show_default="the report of that benchmark in reports/"),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(min=0, max=100, help="Share by which a figure may be worse on the same machine."),
    ] = 0.1,
) -> None:
    """Compare what was asked in two reports, and end with 3 if anything is worse: a target that is no longer met, or on
    the same machine a figure that is worse by more than the tolerance.

    Examples: git show main:reports/quality/benchmark.json > before.json

    reelops benchmark compare before.json
    """
    from reelops.benchmark.baseline import changes_table, compare_reports
    from reelops.benchmark.catalogue import find_case
    from reelops.benchmark.report import open_report

    first = open_report(before)
    second = open_report(after or load_config().root / find_case(first.benchmark).report)
    changes = compare_reports(first, second)
    terminal().print(_shown(changes_table(changes, tolerance)))
    if any(change.regressed(tolerance) for change in changes):
        raise typer.Exit(REJECTED)


def _measure(
    case: Case, parts: Sequence[str] | None, clips: Sequence[Path] | None, out: Path | None, as_json: bool
) -> Report:
    """Measures, keeps report and page as each part is done, and shows the figures."""
    from reelops.benchmark.page import all_tables
    from reelops.benchmark.runner import measure_and_keep

    console, config = terminal(stderr=True), load_config()
    case = replace(case, report=out) if out else case
    names = [name.strip() for given in parts or () for name in given.split(",") if name.strip()]
    place = config.root / case.report
    page = place.with_suffix(".md")
    if out and (page == place or (page.exists() and not place.exists())):
        raise InputError(f"{page} would be replaced by the report's page; name another .json file with --out.")
    with _watched() as context:
        report = measure_and_keep(case, config, names, clips or (), context)
    for table in all_tables(case, report):
        console.print(_shown(table))
    for sentence in report.differences():
        console.print(f"[yellow]{escape(sentence)}[/]", soft_wrap=True)
    page = case.report.with_suffix(".md")
    console.print(f"Written to {escape(str(case.report))}, and for people to {escape(str(page))}.", soft_wrap=True)
    if as_json:
        typer.echo(report.to_text(), nl=False)
    return report


def _shown(table: Table) -> ShownTable:
    shown = ShownTable(*table.columns, title=table.title, title_justify="left", caption=table.note)
    for row in table.rows:
        shown.add_row(*row)
    return shown


def _watched() -> AbstractContextManager[RunContext]:
    return watching(name=lambda now: f"Measuring {now.detail or now.stage}")
