"""What `make gpu` measures, on a small network and whatever processor is here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.gpu import clips
from reelops.benchmark.cases.gpu.case import gpu_case
from reelops.benchmark.cases.gpu.shape import FULL, SMALL_SHAPE
from reelops.benchmark.cases.gpu.shared import measure_shared, shared_tables
from reelops.cogvideox.load import WARM_MODEL
from reelops.errors import MachineError
from reelops.params import load_config
from reelops.progress import QUIET


@pytest.fixture
def bench(tmp_path: Path):
    yield Bench(load_config(home=tmp_path / "home"), tmp_path)
    WARM_MODEL.unload()


def test_every_stage_of_every_way_is_measured_and_a_whole_clip_follows_from_a_step(bench: Bench) -> None:
    found = clips.measure_stages(SMALL_SHAPE, bench, QUIET)
    baseline = found["ways"]["baseline"]
    assert baseline["load"] > 0 and baseline["decode"] > 0 and baseline["planned_gb"] > 0
    whole = baseline["text"] + baseline["picture"] + 10 * baseline["step"] + baseline["decode"]
    assert baseline["projected"] == pytest.approx(whole, abs=0.01)
    assert list(clips.stage_tables(found)) and list(clips.stage_targets(found))


def test_a_whole_clip_has_as_many_steps_as_were_asked_for_and_loading_is_no_part_of_it(bench: Bench) -> None:
    found = clips.measure_clips(SMALL_SHAPE, bench, QUIET)
    baseline = found["clips"][0]
    assert (baseline["way"], baseline["asked"], baseline["steps"]) == ("baseline", 10, 10)
    assert baseline["latency"] == pytest.approx(
        sum(value for name, value in baseline["seconds"].items() if name not in ("load", "device")), abs=0.01
    )
    assert list(clips.clip_tables(found))


def test_a_way_that_cannot_be_made_is_named_and_one_that_breaks_misses_its_target(bench: Bench) -> None:
    ground = clips.Ground(SMALL_SHAPE, SMALL_SHAPE.config(bench.config), Path("no-such.png"))
    assert "no-such.png" in ground.make("baseline", 1, QUIET)["refused"]
    ways = {"baseline": {"refused": "RuntimeError: no kernel", "broke": True}, "low-memory": {"refused": "no GPU"}}
    (broke, *rest) = clips.stage_targets({"ways": ways})
    assert (broke.measured, broke.met) == (1, False) and all(target.met is None for target in rest)
    (_, refused) = clips.stage_tables({"ways": ways, "steps": 50})
    assert refused.rows == (("baseline", "RuntimeError: no kernel"), ("low-memory", "no GPU"))


def test_what_was_promised_is_asked_of_whole_clips() -> None:
    made = [("baseline", 50, 90.0), ("optimized", 50, 40.0), ("optimized", "its own", 25.0)]
    found = {"clips": [{"way": way, "asked": asked, "latency": seconds} for way, asked, seconds in made]}
    equal, own = clips.clip_targets(found)
    assert (equal.measured, equal.met, own.measured, own.met) == (2.25, True, 25.0, True)


def test_a_base_that_is_divided_by_fsdp2_learns_in_bfloat16(bench: Bench) -> None:
    found = measure_shared(SMALL_SHAPE, bench, QUIET)
    assert found["steps"] == 3 and found["loss_is_finite"] and found["seconds_per_step"] > 0
    assert list(shared_tables(found))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_5b_is_not_begun_and_the_small_network_is_named(bench: Bench) -> None:
    with pytest.raises(MachineError, match=r"There is no CUDA GPU here .* --small"):
        clips.measure_stages(FULL, bench, QUIET)
    assert [part.name for part in gpu_case().parts] == ["stages", "clips", "train", "shared"]
    assert gpu_case(small=True).command(gpu_case(small=True).parts[0]) == "reelops benchmark gpu --part stages --small"
