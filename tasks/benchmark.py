"""Measuring ways to make clips, and showing what was found, as tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from reelops.benchmark.regression.limits import Answer
from reelops.params import Config
from reelops.progress import RunContext
from reelops.system.plain_text import spelt_out
from tasks.stopping import is_asked_to_stop

if TYPE_CHECKING:
    from reelops.benchmark.cases.generation.case import Asked

ARTIFACT_KEY = "generation-benchmark"


@dataclass(frozen=True)
class BenchmarkAnswer:
    """What the gate says of all candidates, in a word and in sentences, and where report and summary are."""

    answer: Answer
    sentences: tuple[str, ...]
    report: str
    summary: str


@task(tags=["gpu"], retries=0, timeout_seconds=12 * 3600, cache_policy=NO_CACHE)
def measure_ways(asked: Asked, config: Config) -> BenchmarkAnswer:
    """Not retried: what failed once would be measured anew from its first clip."""
    from reelops.benchmark.cases.generation.case import REPORT, generation_case, sentences_of, worst_answer
    from reelops.benchmark.runner import measure_and_keep
    from reelops.benchmark.summary import write_summary

    case = generation_case(asked.plan(config), asked.options)
    report = measure_and_keep(case, config, context=RunContext(should_stop=is_asked_to_stop))
    return BenchmarkAnswer(
        worst_answer(report), tuple(sentences_of(report)), REPORT.as_posix(), write_summary(config).as_posix()
    )


@task(timeout_seconds=60, cache_policy=NO_CACHE)
def show_benchmark(answer: BenchmarkAnswer, config: Config) -> None:
    """The report's page, with the gate's sentences first."""
    page = (config.root / answer.report).with_suffix(".md").read_text(encoding="utf-8")
    said = "\n".join(f"- {sentence}" for sentence in answer.sentences)
    create_markdown_artifact(spelt_out(f"{said}\n\n{page}"), key=ARTIFACT_KEY, description="What a clip takes")
