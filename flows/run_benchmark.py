"""Clips are made in several ways that take turns, and a gate says which of them is slower or worse.

Alone, with an embedded server:  python -m flows run-benchmark
As a deployment, every night:    docs/benchmark.md
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed, Failed
from pydantic import Field

from reelops.benchmark.regression.limits import EXIT_CODE_OF
from reelops.cli.parameter_options import takes_parameters_of
from reelops.params import load_config
from tasks.benchmark import BenchmarkAnswer, measure_ways, show_benchmark
from tasks.quiet import quieten
from tasks.server import require_server
from tasks.stopping import raise_if_terminated, sigterm_noted

_STATES = {"pass": "Passed", "fail": "Worse", "more runs": "Undecided"}


@flow(name="run-benchmark", flow_run_name="{against}", retries=0)
def run_benchmark(
    candidates: list[str] | None = None,
    baseline: str = "",
    against: str = "",
    profile: str = "",
    first_look: Annotated[int, Field(ge=0, le=10_000)] = 0,
    looks: Annotated[int, Field(ge=0, le=8)] = 0,
) -> BenchmarkAnswer:
    """Make clips in several ways that take turns, and say which is slower or worse than the baseline.

    Args:
        candidates: ways to make clips, each as NAME: FIELD=VALUE,... of an order; without any, clips without detail.
        baseline: what they are compared with, as FIELD=VALUE,...; empty for the profile as it is.
        against: champion, the folder of an earlier checkout, or an earlier report; empty for another way.
        profile: of all clips; empty for that of an order.
        first_look: pairs of clips before anything is said; 0 for what benchmark.yaml says.
        looks: how often it is looked at; 0 for what benchmark.yaml says.
    """
    from reelops.benchmark.cases.generation.case import Asked

    config = load_config()
    asked = Asked(candidates or (), baseline, against or None, profile or None, first_look or None, looks or None)
    with sigterm_noted():
        answer = measure_ways(asked, config)
        raise_if_terminated()
    show_benchmark(answer, config)
    return _finished(answer)


def _finished(answer: BenchmarkAnswer) -> Any:
    """A state named after the answer; a candidate that is worse fails the run, so that automations hear of it."""
    kind = Failed if answer.answer == "fail" else Completed
    return kind(name=_STATES[answer.answer], message="; ".join(answer.sentences), data=answer)


@takes_parameters_of(run_benchmark.fn)
def command(**parameters: Any) -> int:
    """Measure what a clip takes, as a run of the flow run-benchmark. Exit codes are those of reelops benchmark
    generation.

    Example: python -m flows run-benchmark --against ../reelops-main
    """
    quieten()
    require_server()
    state = run_benchmark(**parameters, return_state=True)
    answer = state.result(raise_on_failure=False)
    if isinstance(answer, BaseException):
        raise answer
    for sentence in answer.sentences:
        print(sentence, file=sys.stderr if answer.answer != "pass" else sys.stdout)
    print(f"Written to {answer.report}, and in short to {answer.summary}.")
    return EXIT_CODE_OF[answer.answer]
