"""The benchmark of clips, on clips that are small and take no model."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.generation import maker
from reelops.benchmark.cases.generation.case import PART, Asked, generation_case
from reelops.benchmark.cases.generation.measure import Plan, Recorded, measure_generation, measured
from reelops.benchmark.cases.generation.pareto import Point, pareto_svg, points_of
from reelops.benchmark.cases.generation.ways import CheckoutMaker, Way, open_makers
from reelops.benchmark.params import load_benchmark_params
from reelops.benchmark.regression.limits import RegressionLimits
from reelops.benchmark.small import SMALL, with_small_profile
from reelops.clip import ClipOrder
from reelops.errors import MachineError, SettingsError
from reelops.params import load_config
from reelops.production.producer import build_producer
from reelops.progress import QUIET

TINY = {"profile": "camera-moves", "num_frames": 5, "width": 96, "height": 64, "size": "64p", "detail": "off"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    home = tmp_path_factory.mktemp("home")
    return Bench(load_config(home=home), tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="module")
def found(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> dict:
    limits = load_benchmark_params(bench.config).regression.model_copy(update={"first_look": 6, "looks": 1})
    plan = Plan((Way("baseline"), Way("<b>smaller</b>", {"quality": "low"})), limits, TINY)
    own = replace(bench, scratch=tmp_path_factory.mktemp("own"))
    return json.loads(json.dumps(measure_generation(plan, own, QUIET)))


def test_ways_take_turns_on_the_same_orders_after_a_warm_up_that_does_not_count(found: dict) -> None:
    made = [(one["way"], one["order"]) for one in found["samples"]]
    first, second = "baseline", "<b>smaller</b>"
    assert made[:6] == [(first, None), (second, None), (first, 0), (second, 0), (second, 1), (first, 1)]
    assert [one["order"] for one in measured(found["samples"], first)] == list(range(6))
    assert found["ways"][first]["clips"] == 6 and set(found["ways"][first]["stages"]) >= {"draw", "write", "score"}
    for one in found["samples"]:
        work = sum(value for stage, value in one["seconds"].items() if stage not in maker.NOT_WORK)
        assert one["latency"] == pytest.approx(work, abs=1e-4) and one["yardstick"] > 0


def test_a_candidate_is_judged_on_pairs_of_the_same_order(found: dict) -> None:
    (said,) = found["comparisons"].values()
    assert said["latency"]["pairs"] == 6
    by_metric = {one["metric"]: one for one in said["quality"]}
    old, new = (measured(found["samples"], way) for way in found["ways"])
    loss = sum(a["scores"]["sharpness"] - b["scores"]["sharpness"] for a, b in zip(old, new, strict=True)) / 6
    assert by_metric["sharpness"]["loss"] == pytest.approx(loss)


def test_the_run_is_a_table_a_picture_and_a_page_on_which_names_are_text(found: dict) -> None:
    (part,) = generation_case().parts
    rows = list(csv.DictReader(io.StringIO(part.beside[".csv"](found))))
    assert len(rows) == 14 and rows[0]["order"] == "warm-up" and float(rows[-1]["score s"]) > 0
    page, picture = part.beside[".html"](found), part.beside[".svg"](found)
    assert "&lt;b&gt;smaller" in page and "<b>smaller" not in page + picture
    assert found["cohort"]["fingerprint"] in page and "<polyline" in page
    assert len(list(part.tables(found))) == 4 and len(list(part.targets(found))) == 1


def test_a_way_is_worth_having_where_none_is_faster_and_better() -> None:
    def said(slower_by: float, loss: float) -> dict:
        return {"latency": {"slower_by": slower_by}, "quality": [{"loss": loss, "allowed": 0.5}]}

    ways = {"baseline": {}, "fast": said(-0.5, 0.25), "bad": said(-0.2, 1.0), "better": said(0.25, -1.0)}
    points = points_of({"ways": ways, "comparisons": {name: one for name, one in ways.items() if one}})
    assert points == [
        Point("baseline", 1.0, 0.0, best=True),
        Point("fast", 2.0, 0.5, best=True),
        Point("bad", 1.25, 2.0),
        Point("better", 0.8, 0.0),
    ]
    drawn = pareto_svg({"ways": ways, "comparisons": {name: one for name, one in ways.items() if one}})
    assert drawn.count("<circle") == 4 and ">bad</text>" in drawn


def test_an_earlier_run_is_the_baseline_in_its_own_cohort_alone(found: dict, bench: Bench, tmp_path: Path) -> None:
    limits = RegressionLimits(first_look=6, looks=1)
    recorded = Recorded("old.json", "baseline", found["cohort"], measured(found["samples"], "baseline"))
    plan = Plan((Way("candidate"),), limits, TINY, recorded)
    again = measure_generation(plan, replace(bench, scratch=tmp_path), QUIET)
    said = again["comparisons"]["candidate"]
    assert said["latency"]["pairs"] == 6 and all(one["loss"] == 0.0 for one in said["quality"])
    other = replace(recorded, cohort={**found["cohort"], "cores": 99, "fingerprint": "other"})
    (tmp_path / "other").mkdir()
    with pytest.raises(SettingsError, match=r"old\.json was measured in another cohort \(cores 99 there, "):
        measure_generation(replace(plan, recorded=other), replace(bench, scratch=tmp_path / "other"), QUIET)


def test_the_code_of_another_checkout_makes_clips_in_a_process_of_its_own(
    repository: Path, bench: Bench, tmp_path: Path
) -> None:
    (picture, *_) = bench.files("pictures")
    order = ClipOrder(picture=picture.absolute(), prompt="zoom in", **TINY)
    other = CheckoutMaker(repository, bench.config, tmp_path)
    try:
        told = other.make(order, cold=True)
        (tmp_path / "own").mkdir()
        ours = maker.make_clip(build_producer(bench.config), order, tmp_path / "own", QUIET)
        assert told["scores"] == ours["scores"] and told["model"] == ours["model"]
        assert set(told["seconds"]) == set(ours["seconds"]) and not list(tmp_path.glob("*.mp4"))
        with pytest.raises(MachineError, match=r"could not make a clip: .*no-such\.png"):
            other.make(order.but(picture=Path("no-such.png")))
    finally:
        other.close()


def test_text_picture_and_each_denoising_step_are_timed_apart(bench: Bench, tmp_path: Path) -> None:
    config = with_small_profile(bench.config, steps=3)
    (picture, *_) = bench.files("pictures")
    order = ClipOrder(picture=picture.absolute(), prompt="zoom in", profile=SMALL)
    told = maker.make_clip(build_producer(config), order, tmp_path, QUIET)
    assert {"text", "picture", "denoise", "decode", "load"} <= set(told["seconds"]) and len(told["steps"]) == 3
    assert sum(told["steps"]) == pytest.approx(told["seconds"]["denoise"], rel=0.3)
    assert "encode" not in told["seconds"] and told["peak_gb"]["rss"] > 0.1


def test_ways_are_read_from_fields_of_an_order_and_nothing_else(bench: Bench) -> None:
    assert Way.parse("fast: steps=2, guidance=1.5") == Way("fast", {"steps": "2", "guidance": "1.5"})
    assert Way.parse("adapter=a:b", "candidate 1") == Way("candidate 1", {"adapter": "a:b"})
    order = ClipOrder(picture=Path("a.png"), prompt="zoom in")
    assert Way.parse("more-adapters=,steps=8").order(order).steps == 8
    for wrong in ("stepz=2", "steps", "prompt=other"):
        with pytest.raises(SettingsError, match="is no FIELD=VALUE of an order"):
            Way.parse(wrong)


def test_what_is_compared_with_is_a_checkout_a_report_or_the_champion(
    bench: Bench, repository: Path, tmp_path: Path
) -> None:
    plan = Asked(["steps=2"], against=str(repository), looks=1).plan(bench.config)
    assert plan.ways == (Way("baseline", {}, repository), Way("candidate 1", {"steps": "2"}))
    assert plan.limits.looks == 1
    with pytest.raises(SettingsError, match="is no checkout of ReelOps"):
        Asked(against=str(tmp_path)).plan(bench.config)
    with pytest.raises(SettingsError, match="cannot be read"):
        Asked(against=str(tmp_path / "none.json")).plan(bench.config)
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"benchmark": "quality", "parts": {}}))
    with pytest.raises(SettingsError, match="is no report of `reelops benchmark generation`"):
        Asked(against=str(other)).plan(bench.config)


def test_the_command_of_a_report_asks_for_the_same_again() -> None:
    asked = Asked(["fast: quality=low", "steps=2"], against="../main", looks=1)
    case = generation_case(options=asked.options)
    (part,) = case.parts
    ways = "--candidate 'fast: quality=low' --candidate steps=2 --against ../main"
    assert part.name == PART and case.command(part) == f"reelops benchmark generation {ways} --looks 1"


def test_where_one_way_has_a_process_of_its_own_all_have(bench: Bench, repository: Path, tmp_path: Path) -> None:
    from contextlib import ExitStack

    with ExitStack() as stack:
        makers = open_makers([Way("baseline", {}, repository), Way("candidate")], bench.config, tmp_path, stack)
        assert all(isinstance(one, CheckoutMaker) for one in makers.values())
