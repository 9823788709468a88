"""What training will take, against published figures and counted shapes; and params of training."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from pydantic import ValidationError
from training_ground import TRAIN
from typer.testing import CliRunner

from reelops.cli import build_app
from reelops.clip import ClipFormat
from reelops.cogvideox.architecture import named_architecture
from reelops.cogvideox.training_memory import AdapterSize, count_adapter, plan_devices, training_footprint
from reelops.errors import SettingsError
from reelops.training.params import TrainParams
from reelops.training.samples import MicroBatches

NATIVE = ClipFormat(49, Fraction(8), 720, 480)
TARGETS = ("to_q", "to_k", "to_v", "to_out.0")


@pytest.fixture(scope="module")
def big():
    return named_architecture("cogvideox-5b-i2v")


@pytest.fixture(scope="module")
def size(big):
    return count_adapter(big, 64, TARGETS)


def test_rank_64_trains_1_19_percent_of_the_5b(size):
    """1,032,192 r numbers: 42 blocks, four projections of 3,072 by 3,072."""
    assert size.trained == 64 * 42 * 4 * 2 * 3072 == 66_060_288
    assert size.frozen == 5_570_479_680
    assert f"{size.share:.2%}" == "1.19%"


@pytest.mark.parametrize(
    ("rank", "batch", "published_gb"), [(16, 1, 19.7), (64, 1, 20.8), (256, 1, 22.1), (64, 4, 47.8)]
)
def test_memory_agrees_with_published_peaks(big, size, rank, batch, published_gb):
    """finetrainers' README: A100, latents precomputed, checkpointing, AdamW, adapter in bfloat16 (half of ours)."""
    need = training_footprint(
        big, NATIVE, AdapterSize(size.trained * rank // 64, size.frozen), "bfloat16", "adamw", batch
    )
    peak = need.base + need.adapter / 2 + need.activations
    assert peak / 1e9 == pytest.approx(published_gb, rel=0.03)


def test_without_checkpointing_80_gb_are_too_little(big, size):
    assert training_footprint(big, NATIVE, size, "bfloat16", gradient_checkpointing=False).peak > 80e9


def test_larger_gpus_take_more_clips_per_pass_and_all_of_them_fit(big, size):
    ways = plan_devices(big, NATIVE, size)
    assert list(ways) == [24, 40, 80, 141]
    batches = [way.micro_batch for way in ways.values()]
    assert batches == sorted(batches) and batches[0] == 1 and batches[-1] > 8
    assert all(way.footprint.peak <= 0.92e9 * gb for gb, way in ways.items())


def test_what_the_optimizer_keeps_in_main_memory_is_counted_there_and_without_a_gpu_with_the_rest(big, size):
    """Two float32 averages of 66 million numbers."""
    aside, plain = (training_footprint(big, NATIVE, size, "bfloat16", name) for name in ("offload", "adamw"))
    assert aside.main_memory - plain.main_memory == plain.adapter - aside.adapter == 8 * 66_060_288
    here, usual = (
        training_footprint(big, NATIVE, size, "bfloat16", name, on_gpu=False) for name in ("offload", "adamw")
    )
    assert here == usual and here.main_memory == 0


def test_a_base_in_shares_leaves_its_share_and_two_blocks_on_each_gpu(big, size):
    """11.14 GB in bfloat16, 42 blocks: an eighth of it, and seven eighths of two blocks that are gathered."""
    whole, eighth = (training_footprint(big, NATIVE, size, "bfloat16", shares=shares) for shares in (1, 8))
    assert whole.base == 2 * 5_570_479_680
    assert eighth.base == pytest.approx(whole.base * (1 / 8 + 2 / 42 * 7 / 8))
    assert (eighth.adapter, eighth.activations) == (whole.adapter, whole.activations)
    alone, together = plan_devices(big, NATIVE, size), plan_devices(big, NATIVE, size, shares=8)
    assert all(together[gb].micro_batch >= alone[gb].micro_batch for gb in alone)
    assert together[24].micro_batch > alone[24].micro_batch or together[40].micro_batch > alone[40].micro_batch


def test_a_rank_too_large_for_a_gpu_moves_the_optimizer_out_before_it_gives_up(big, size):
    ranks = {rank: AdapterSize(size.trained * rank // 64, size.frozen) for rank in (128, 512)}
    assert plan_devices(big, NATIVE, ranks[128])[24].optimizer != "adamw"
    assert plan_devices(big, NATIVE, ranks[512])[24] is None


def test_the_plan_is_printed_in_words_and_as_json():
    runner = CliRunner()
    asked = ["train", "--plan", "--profile", "cogvideox-5b-i2v", "--rank", "64"]
    words = runner.invoke(build_app(), asked)
    assert words.exit_code == 0 and "1.19%" in words.stdout and "141 GB" in words.stdout
    facts = json.loads(runner.invoke(build_app(), [*asked, "--json"]).stdout)
    assert facts["targets"] == list(TARGETS)
    assert facts["trained"] == 66_060_288 and facts["devices"]["24"]["micro_batch"] == 1
    assert facts["shared"]["8"]["24"]["gb"]["base"] < 0.2 * facts["devices"]["24"]["gb"]["base"]


def test_of_a_base_that_any_gpu_holds_one_row_is_printed():
    words = CliRunner().invoke(build_app(), ["train", "--plan", "--profile", "tiny"]).stdout
    assert "24 GB" in words and "40 GB" not in words and "trained on a processor, too" in words


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_every_sample_of_a_step_is_taken_once_whatever_the_devices(devices):
    params = TrainParams.model_validate(TRAIN | {"steps": 6, "batch": 8, "micro_batch": 2})
    shares = [list(MicroBatches(params, 2, device, devices)) for device in range(devices)]
    assert all(len(share) == 4 * params.accumulated(devices) for share in shares)
    taken = sorted(number for share in shares for batch in share for number in batch)
    assert taken == list(range(2 * 8, 6 * 8))


def test_a_batch_that_devices_cannot_share_is_refused():
    with pytest.raises(SettingsError, match="Choose a multiple of 6"):
        TrainParams.model_validate(TRAIN | {"batch": 4, "micro_batch": 2}).accumulated(3)


@pytest.mark.parametrize(("schedule", "half_way"), [("constant", 1.0), ("linear", 0.5), ("cosine", 0.5)])
def test_the_learning_rate_warms_up_then_follows_its_schedule(schedule, half_way):
    params = TrainParams.model_validate(TRAIN | {"schedule": schedule, "steps": 110, "warmup_steps": 10, "lr": 0.2})
    rates = [params.learning_rate(step) for step in range(110)]
    assert rates[0] == pytest.approx(0.02) and rates[9] == rates[10] == pytest.approx(0.2)
    assert rates[60] == pytest.approx(0.2 * half_way)
    assert rates[10:] == sorted(rates[10:], reverse=True)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"budget": {"money": 5}}, "money_per_hour"),
        ({"held_out": {"every": 0}, "publish": "best"}, "held_out.every"),
        ({"name": "../elsewhere"}, "match"),
        ({"dtype": "float16"}, "bfloat16"),
        ({"rang": 4}, "no such key"),
        ({"frames_a_step": 2}, "frames_a_step is now frames_per_step"),
        ({"lowest_timestep": 0}, "lowest_timestep is now min_timestep"),
        ({"prompt_share": 0.5}, "prompt_share is now prompt_probability"),
        ({"held_out": {"least_gain": 0.1}}, "least_gain is now min_improvement"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(change, complaint):
    with pytest.raises(ValidationError, match=complaint):
        TrainParams.model_validate(TRAIN | change)


def test_a_budget_is_the_nearer_of_hours_and_money():
    budget = TrainParams.model_validate(TRAIN | {"budget": {"hours": 3, "money": 4, "money_per_hour": 2}}).budget
    assert budget.seconds == 2 * 3600
    assert budget.cost_of(1800) == "1.00 USD"
