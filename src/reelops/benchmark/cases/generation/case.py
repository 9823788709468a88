"""`reelops benchmark generation`: what a clip takes in several ways, and whether a candidate is worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from reelops.benchmark.case import Case, Part, as_typed
from reelops.benchmark.cases.generation.measure import Plan, Recorded, measure_generation, measured
from reelops.benchmark.cases.generation.page import to_html
from reelops.benchmark.cases.generation.pareto import pareto_svg
from reelops.benchmark.cases.generation.table import tables_of, targets_of, to_csv
from reelops.benchmark.cases.generation.ways import BASELINE, Way
from reelops.benchmark.params import load_benchmark_params
from reelops.benchmark.regression.limits import Answer, RegressionLimits, worst_of
from reelops.benchmark.report import Report, open_report
from reelops.errors import SettingsError
from reelops.params import Config

PART = "clips"
CHAMPION = "champion"
CANDIDATE = "candidate"
REPORT = Path("reports/benchmark/generation.json")
_DEFAULT = Way("as generated", {"detail": "off"})


@dataclass(frozen=True)
class Asked:
    """What a user asks for.

    Attributes:
        candidates: each as `steps=8,guidance=1` or `NAME: FIELD=VALUE,...`.
        baseline: the same; what they are compared with.
        against: `champion`, the registry's adapter of that name; an earlier report; or the folder of a checkout.
        profile: of all orders.
        first_look, looks: instead of those of benchmark.yaml.
    """

    candidates: Sequence[str] = ()
    baseline: str = ""
    against: str | None = None
    profile: str | None = None
    first_look: int | None = None
    looks: int | None = None

    @property
    def options(self) -> list[str]:
        """Those of `reelops benchmark generation` that ask for it again."""
        given = {"--candidate": tuple(self.candidates), "--baseline": self.baseline, "--against": self.against}
        return as_typed({**given, "--profile": self.profile, "--first-look": self.first_look, "--looks": self.looks})

    def plan(self, config: Config) -> Plan:
        """What to measure.

        Raises:
            SettingsError: a way names no field, or `against` is nothing that can be compared with.
        """
        asked = {"looks": self.looks, "first_look": self.first_look}
        limits = load_benchmark_params(config).regression.model_copy(
            update={name: value for name, value in asked.items() if value is not None}
        )
        fields: dict[str, Any] = {"profile": self.profile} if self.profile else {}
        ways = [Way.parse(text, f"candidate {number}") for number, text in enumerate(self.candidates, start=1)]
        first = Way.parse(self.baseline, BASELINE) if self.baseline else Way(BASELINE)
        if self.against is None:
            return Plan((first, *(ways or [_DEFAULT])), limits, fields)
        own = ways or [Way(CANDIDATE, first.fields)]
        place = Path(self.against)
        if self.against == CHAMPION:
            return Plan((_champion(config, first), *own), limits, fields)
        if place.is_dir():
            if not (place / "src/reelops").is_dir():
                raise SettingsError(
                    f"{place} is no checkout of ReelOps: it has no src/reelops. Give the folder of one."
                )
            return Plan((Way(BASELINE, first.fields, place.resolve()), *own), limits, fields)
        return Plan(own[-1:], limits, fields, _recorded(place))


def generation_case(plan: Plan | None = None, options: Sequence[str] = ()) -> Case:
    """The benchmark of these ways; of none in particular for the list."""
    plan = plan or Plan((Way(BASELINE), _DEFAULT), RegressionLimits())
    return Case(
        name="generation",
        title="What a clip takes",
        measures="seconds of each stage, memory and scores of clips, in several ways that take turns",
        report=REPORT,
        with_torch=True,
        parts=(
            Part(
                PART,
                "whole clips, from the order to the verdict; each candidate passes, fails or needs more runs",
                40 * len(plan.ways) * plan.limits.first_look,
                partial(measure_generation, plan),
                tables_of,
                targets_of,
                ("pictures",),
                options=options,
                beside={".csv": to_csv, ".html": to_html, ".svg": pareto_svg},
            ),
        ),
    )


def worst_answer(report: Report) -> Answer:
    """Of all candidates together: fail before more runs before pass."""
    answers = {said["answer"] for said in report.parts[PART].figures["comparisons"].values()}
    return worst_of(answers)


def sentences_of(report: Report) -> Iterator[str]:
    """What is said of each candidate, with the reason where it does not pass."""
    for name, said in report.parts[PART].figures["comparisons"].items():
        latency = said["latency"]
        speed = f"{abs(latency['slower_by']):.1%} {'slower' if latency['slower_by'] > 0 else 'faster'}"
        asked = [("latency", latency["answer"]), *((one["metric"], one["answer"]) for one in said["quality"])]
        failed, undecided = ([what for what, answer in asked if answer == wanted] for wanted in ("fail", "more runs"))
        if said["answer"] == "fail":
            yield f"{name} is worse than the baseline in {', '.join(failed)} ({speed})."
        elif said["answer"] == "more runs":
            told = f"{name}: {latency['pairs']} pairs do not tell of {', '.join(undecided)}"
            yield f"{told} ({speed}). Give it more --looks."
        else:
            yield f"{name} passes ({speed})."


def _recorded(place: Path) -> Recorded:
    """The baseline of an earlier report, or, where that had a recorded one itself, its candidate."""
    part = open_report(place).parts.get(PART)
    if part is None or "samples" not in part.figures:
        raise SettingsError(
            f"{place} is no report of `reelops benchmark generation`. Give one, or a checkout's folder."
        )
    found: Mapping[str, Any] = part.figures
    way = next(iter(found["ways"]))
    return Recorded(str(place), way, found["cohort"], measured(found["samples"], way))


def _champion(config: Config, first: Way) -> Way:
    from reelops.tracking.adapters import fetch_adapter
    from reelops.training.params import TrainParams

    name = config.block("train", TrainParams).name
    folder = fetch_adapter(config.mlflow_tracking_uri, name, CHAMPION, config.cache / "champion")
    return Way(CHAMPION, {**first.fields, "adapter": str(folder)})
