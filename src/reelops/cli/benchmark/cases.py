"""Our parts beside what they replace, each benchmark by its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reelops.cli.benchmark.measuring import AsJson, Clips, Out, Parts, measure


def quality(clips: Clips = None, part: Parts = None, out: Out = None, as_json: AsJson = False) -> None:
    """Measure scoring: its speed and memory, that it always gives the same, the gate, our optical flow beside OpenCV's,
    and the report.

    All parts take about a quarter of an hour on two cores that are free. Figures are kept as each part is done.

    Examples: reelops benchmark quality

    reelops benchmark quality --part suite,folder
    """
    from reelops.benchmark.cases.quality import QUALITY

    measure(QUALITY, part, clips, out, as_json)


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

    measure(data_case(many), part, clips, out, as_json)


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

    measure(TRAIN_GPU if gpu else train_case(steps, rounds), part, None, out, as_json)


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

    measure(start_case(before, rounds), part, None, out, as_json)


def detail(clips: Clips = None, part: Parts = None, out: Out = None, as_json: AsJson = False) -> None:
    """Measure how near clips with their picture's detail come to the truth, beside bicubic; what it does to the
    embedded model's clips; and how long it takes.

    Examples: reelops benchmark detail

    reelops benchmark detail --part truth
    """
    from reelops.benchmark.cases.detail.case import DETAIL

    measure(DETAIL, part, clips, out, as_json)


def batch(part: Parts = None, out: Out = None, as_json: AsJson = False) -> None:
    """Measure clips an hour of the embedded model from a file of orders, what is not work on clips, and a batch that is
    killed amid its work; with --part memory, memory over 200 orders.

    Examples: reelops benchmark batch

    reelops benchmark batch --part killed
    """
    from reelops.benchmark.cases.batch.case import BATCH

    measure(BATCH, part, None, out, as_json)


def service(part: Parts = None, out: Out = None, as_json: AsJson = False) -> None:
    """Measure the service: submissions a second, many listeners, and looks at a job while a clip is made.

    Whoever asks runs on the same cores as the service.

    Example: reelops benchmark service --part submissions
    """
    from reelops.benchmark.cases.service import SERVICE

    measure(SERVICE, part, None, out, as_json)


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

    measure(regression_case(again), part, None, out, as_json)


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

    measure(gpu_case(small), part, None, out, as_json)
