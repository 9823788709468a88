"""Training: the same to the bit wherever it stops, the same curve on several devices, and nothing bad reaches it."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from own_memory import OwnMemory
from safetensors.torch import load_file, save_file
from small_model import HEIGHT, WIDTH
from studio import START_SECONDS, read_to_line
from training_ground import LATENTS
from training_work import in_processes, make_copy, train_here

from reelops.cogvideox.adapter_file import WEIGHTS_NAME
from reelops.cogvideox.denoiser import load_transformer
from reelops.cogvideox.frame_attention import SparseFrameAttention
from reelops.cogvideox.lora import add_lora, lora_parameters
from reelops.errors import Cancelled, DatasetError, MachineError
from reelops.progress import RunContext
from reelops.system.hardware import Gpu, inspect_machine
from reelops.training.cache import LatentCache
from reelops.training.checkpoint import check_room, exclusive_run
from reelops.training.components import load_components
from reelops.training.launch import Launch, share_base
from reelops.training.params import LatentParams
from reelops.training.plan import plan_training

FSDP2 = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}
ODD_CASES = {"every": 2, "clips": 1, "quantiles": [0.2, 0.5, 0.8]}


def losses(ground):
    rows = [json.loads(line) for line in (ground.checkpoints[-1] / "curve.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def files_of(checkpoint: Path):
    """Everything in a checkpoint but how long it took."""
    return {
        path.name: path.read_bytes()
        for path in checkpoint.iterdir()
        if path.name not in ("state.json", "manifest.json")
    }


@pytest.mark.parametrize(("frames_per_step", "sparse"), [(2, True), (None, False)])
def test_where_a_step_sees_few_frames_they_count_for_all_in_attention(ground, frames_per_step, sparse):
    plan = plan_training(
        ground.params(frames_per_step=frames_per_step), LatentParams.model_validate(LATENTS), ground.config
    )
    processors = list(load_components(plan).transformer.attn_processors.values())
    assert {isinstance(processor, SparseFrameAttention) for processor in processors} == {sparse}
    if sparse:
        cell = 4 * 4  # of the VAE, and of a token
        assert processors[0].tokens_per_frame == WIDTH // cell * (HEIGHT // cell)
        assert processors[0].latent_frames == 3


# ---- stopping and going on ----


def test_killed_training_resumes_bit_exactly_also_with_other_workers(ground, tmp_path):
    """12 steps at once, against 5 saved + 3 lost to kill -9 + 7 more with two data workers."""
    whole, parts = ground, make_copy(ground, tmp_path / "parts")
    settings = {"steps": 12, "checkpoint_every": 5, "ema": 0.9, "batch": 2}
    train_here(whole, **settings)
    assert in_processes(parts, 1, settings | {"die_at": 8}) == [-signal.SIGKILL]
    assert [path.name for path in parts.checkpoints] == ["step-000005"]
    report = train_here(parts, **settings, workers=2)
    assert "resumed from step 5" in report.notes and report.outcome.steps_done == 7
    one, other = whole.checkpoints[-1], parts.checkpoints[-1]
    assert one.name == other.name == "step-000012"
    assert files_of(one) == files_of(other)
    assert {"lora.safetensors", "optimizer.safetensors", "average.safetensors", "best.safetensors"} < set(files_of(one))
    assert (whole.adapter / WEIGHTS_NAME).read_bytes() == (parts.adapter / WEIGHTS_NAME).read_bytes()


def test_two_processes_that_share_the_base_give_the_curve_of_one_and_resume_bit_exactly(ground, tmp_path):
    """FSDP2 over gloo: each process holds half of the base and does a part of each batch and of the held-out cases."""
    alone, pair, resumed = ground, make_copy(ground, tmp_path / "pair"), make_copy(ground, tmp_path / "resumed")
    settings = {"steps": 5, "batch": 4, "gradient_checkpointing": True, "held_out": ODD_CASES}
    train_here(alone, **settings)
    parts = [{"ground": resumed, "stop_at": 3} | settings, {"ground": resumed} | settings]
    assert in_processes(pair, 2, settings, *parts, environment=FSDP2) == [0, 0]
    assert len(losses(alone)) == 5
    assert losses(pair) == pytest.approx(losses(alone), abs=1e-4)
    held_out = [json.loads((one.folder / "reports/train/metrics.json").read_text()) for one in (alone, pair)]
    assert held_out[1]["held_out_loss"] == pytest.approx(held_out[0]["held_out_loss"], abs=1e-4)

    assert [path.name for path in resumed.checkpoints] == ["step-000003", "step-000005"]
    assert files_of(resumed.checkpoints[-1]) == files_of(pair.checkpoints[-1])
    assert (resumed.adapter / WEIGHTS_NAME).read_bytes() == (pair.adapter / WEIGHTS_NAME).read_bytes()
    assert len(load_file(pair.checkpoints[-1] / "random.safetensors")["cpu"]) == 2, "generators of both processes"

    longer = train_here(pair, **settings | {"budget": {"hours": 1.0}})  # the same run, in one process
    assert "resumed from step 5, which was saved with 2 processes; now there are 1" in longer.notes


def test_each_process_holds_its_share_of_the_base_alone_also_while_it_takes_it(tmp_path):
    """FSDP2, by the bytes of its parameters and by memory of its own, which pages of a mapped file are not: float32 in
    the file, bfloat16 here."""
    import torch.multiprocessing as crew
    from diffusers import CogVideoXTransformer3DModel

    torch.manual_seed(0)
    CogVideoXTransformer3DModel(
        num_attention_heads=8, attention_head_dim=64, in_channels=32, out_channels=16, num_layers=8, sample_width=12,
        sample_height=8, sample_frames=9, text_embed_dim=16, time_embed_dim=64, use_rotary_positional_embeddings=True,
    ).save_pretrained(tmp_path / "model/transformer")  # fmt: skip
    crew.spawn(hold_a_share, args=(tmp_path / "model", tmp_path / "meeting"), nprocs=2)


def hold_a_share(rank, model, meeting):
    from types import SimpleNamespace

    import torch.distributed

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=2)
    load_transformer(model)  # what libraries take for themselves has come after it
    size = sum(file.stat().st_size for file in (model / "transformer").glob("*.safetensors"))
    with OwnMemory() as memory:
        transformer = load_transformer(model)
        base = sum(value.numel() for value in transformer.parameters())
        add_lora(transformer, 4, 4.0, ["to_q"], 0)
        loaded = memory.grown()
        adapter = list(lora_parameters(transformer).values())
        here = SimpleNamespace(device=torch.device("cpu"))
        shared = share_base(transformer, adapter, Launch(2, shared=True), here, torch.bfloat16)
    shares = [value for value in shared.parameters() if isinstance(value, torch.distributed.tensor.DTensor)]
    assert 0.45 * base < sum(value.to_local().numel() for value in shares) < 0.55 * base
    assert {value.dtype for value in shares} == {torch.bfloat16}
    assert {type(value) for value in adapter} == {torch.nn.Parameter}, "whole"
    assert loaded < 0.1 * size, "a base that was only loaded lies in memory"
    assert memory.peak < (1 / 4 + 2 / 8) * size, "more than half of it in bfloat16, and a block or two"
    torch.distributed.destroy_process_group()


def test_main_memory_beside_the_gpus_is_looked_at_for_all_processes_together(ground):
    gpu = Gpu("GPU", 80_000_000_000, 78_000_000_000, bf16=True)
    machine = replace(inspect_machine(), gpus=(gpu,), ram_free_bytes=3_000_000_000)
    latents = LatentParams.model_validate(LATENTS)
    assert plan_training(ground.params(), latents, ground.config, machine, Launch(2))
    with pytest.raises(MachineError, match=r"4 processes keep about 4\.0 GB in main memory .* 3\.0 GB are free"):
        plan_training(ground.params(batch=4), latents, ground.config, machine, Launch(4, shared=True))


def test_sigterm_saves_the_step_at_hand_and_says_how_to_go_on(ground):
    ground.write_params(steps=100_000, checkpoint_every=100_000, held_out={"every": 0})
    process = ground.start("train", "--no-track", PYTHONUNBUFFERED="1")
    read_to_line(process, "Training: ")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 130, err
    (saved,) = ground.checkpoints
    step = int(saved.name.removeprefix("step-"))
    assert step >= 1 and f"after step {step} of 100000" in " ".join(err.split())
    assert "resumes from there" in err and "Traceback" not in err
    assert not list(saved.parent.glob(".*")) and not ground.adapter.exists()


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_it(ground):
    train_here(ground, steps=4, checkpoint_every=2)
    assert [path.name for path in ground.checkpoints] == ["step-000002", "step-000004"]
    broken = ground.checkpoints[-1] / "optimizer.safetensors"
    data = bytearray(broken.read_bytes())
    data[-1] ^= 1
    broken.write_bytes(data)
    report = train_here(ground, steps=4, checkpoint_every=2)
    assert report.outcome.steps_done == 2
    assert "checkpoint step-000004 was passed over: optimizer.safetensors is not what was written" in report.notes


def test_only_so_many_checkpoints_stay_and_a_finished_run_does_nothing_again(ground):
    first = train_here(ground, steps=6, checkpoint_every=1, keep_checkpoints=2)
    assert [path.name for path in ground.checkpoints] == ["step-000005", "step-000006"]
    again = train_here(ground, steps=6, checkpoint_every=1, keep_checkpoints=2)
    assert (again.outcome.steps_done, again.published.sha256) == (0, first.published.sha256)
    anew = train_here(ground, steps=6, checkpoint_every=1, keep_checkpoints=2, fresh=True)
    assert (anew.outcome.steps_done, anew.published.sha256) == (6, first.published.sha256)


@pytest.mark.parametrize(
    ("change", "same"),
    [({"workers": 1}, True), ({"keep_checkpoints": 5}, True), ({"lr": 0.02}, False), ({"seed": 1}, False)],
)
def test_another_run_never_takes_up_this_ones_weights(ground, change, same):
    train_here(ground, steps=2)
    assert (train_here(ground, steps=2, **change).outcome.steps_done == 0) is same


# ---- what a step is ----


def test_passes_are_averaged_so_that_their_number_changes_nothing(ground, tmp_path):
    split, whole = ground, make_copy(ground, tmp_path / "whole")
    train_here(split, steps=4, batch=4, micro_batch=1)
    train_here(whole, steps=4, batch=4, micro_batch=4)
    assert losses(split) == pytest.approx(losses(whole), abs=1e-5)
    weights = [load_file(one.checkpoints[-1] / "lora.safetensors") for one in (split, whole)]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=0, atol=1e-4)


def test_an_offloaded_optimizer_takes_the_same_steps_to_the_bit(ground, tmp_path):
    plain, offloaded = ground, make_copy(ground, tmp_path / "offloaded")
    for one, optimizer in ((plain, "adamw"), (offloaded, "offload")):
        train_here(one, steps=3, optimizer=optimizer, ema=0.5)
    assert files_of(plain.checkpoints[-1]) == files_of(offloaded.checkpoints[-1])


def test_checkpointed_gradients_are_the_same_gradients(ground, tmp_path):
    plain, checkpointed = ground, make_copy(ground, tmp_path / "checkpointed")
    train_here(plain, steps=3)
    train_here(checkpointed, steps=3, gradient_checkpointing=True)
    assert losses(plain) == pytest.approx(losses(checkpointed), abs=1e-6)


def test_an_optimizer_that_cannot_be_had_is_named_with_what_took_its_place(ground):
    report = train_here(ground, steps=1, optimizer="adamw8bit")
    assert any("adamw8bit needs" in note and "adamw was taken" in note for note in report.notes)


def test_learning_lowers_the_loss_on_clips_that_were_never_trained_on(ground):
    report = train_here(ground, steps=60, batch=2, rank=8, held_out={"every": 60, "clips": 1, "quantiles": [0.5, 0.9]})
    assert report.figures["held_out_loss"] < 0.98 * report.figures["held_out_loss_of_base"]


def test_training_that_no_longer_helps_ends_early_and_publishes_what_was_best(ground):
    held_out = {"every": 2, "clips": 1, "quantiles": [0.5], "patience": 2, "min_improvement": 0.5}
    report = train_here(ground, steps=40, held_out=held_out, publish="best")
    assert (report.outcome.ended, report.figures["steps"]) == ("early", 4)
    assert any("no evaluation was better than the base" in note for note in report.notes)


def test_a_budget_ends_training_and_what_was_learnt_is_published(ground):
    report = train_here(ground, steps=100_000, checkpoint_every=100_000, budget={"hours": 1e-9})
    # Estimating from three steps would refuse it; so small a budget is over after the first.
    assert report.outcome.ended == "budget" and report.figures["steps"] == 1
    assert (report.published.folder / WEIGHTS_NAME).is_file()


def test_a_budget_that_cannot_do_says_how_many_steps_it_can(ground):
    with pytest.raises(MachineError, match=r"the budget ends after 0\.00.*Set train\.steps to \d+"):
        train_here(ground, steps=1_000_000, checkpoint_every=100_000, budget={"money": 1.0, "money_per_hour": 600.0})


# ---- what must not pass ----


def test_a_loss_that_is_not_finite_names_the_clip_and_keeps_the_weights_before_it(ground):
    cache = LatentCache(ground.latents)
    bad = cache.read_index().of_split("train")[2]
    path = cache.path("clips", bad.key)
    save_file(cache.read("clips", bad.key) | {"video_mean": torch.full((3, 16, 8, 12), 1e30)}, path, {"key": bad.key})
    with pytest.raises(DatasetError, match=rf"not finite with {bad.clip_id}"):
        train_here(ground, steps=8, batch=1)
    weights = load_file(ground.checkpoints[-1] / "lora.safetensors")
    assert all(torch.isfinite(value).all() for value in weights.values())


def test_missing_latents_are_refused_before_anything_is_loaded(ground):
    cache = LatentCache(ground.latents)
    cache.path("clips", cache.read_index().clips[0].key).unlink()
    with pytest.raises(DatasetError, match=r"1 clips have no latents .* ground/clip-0"):
        train_here(ground)


def test_a_place_that_cannot_be_written_is_refused_and_nothing_is_lost(ground):
    train_here(ground, steps=2)
    before = {path: path.read_bytes() for path in ground.adapter.iterdir()}
    (ground.folder / ".cache").rename(ground.folder / "aside")
    (ground.folder / ".cache").write_text("a file stands where the folder should be")
    with pytest.raises(MachineError, match="cannot make the folder"):
        train_here(ground, steps=2)
    assert {path: path.read_bytes() for path in ground.adapter.iterdir()} == before


def test_a_second_process_cannot_go_on_with_the_same_run(ground):
    train_here(ground, steps=1)
    with exclusive_run(ground.checkpoints[0].parent), pytest.raises(MachineError, match="Another process is training"):
        train_here(ground, steps=1)


def test_without_held_out_clips_training_says_so_and_publishes_the_last_step(ground):
    ground.write_rows([replace(row, split="train") for row in ground.rows()])
    ground.encode()
    report = train_here(ground, steps=1, publish="best")
    assert any("no clip is of the split validation" in note for note in report.notes)
    assert report.figures["held_out_loss"] is None and report.published is not None


def test_a_full_disk_is_met_before_it_is_full(tmp_path):
    with pytest.raises(MachineError, match=r"a checkpoint takes 1000000000\.00 GB"):
        check_room(tmp_path, 1e18)


def test_too_large_a_model_is_refused_with_what_would_help(ground):
    small = replace(inspect_machine(), ram_free_bytes=500_000_000, gpus=())
    with pytest.raises(MachineError, match=r"needs about 1\.0 GB .* 0\.5 GB are free.*train --plan"):
        train_here(ground, machine=small)


def test_a_stop_before_the_first_step_is_a_stop(ground):
    with pytest.raises(Cancelled, match="after step 0 of 4"):
        train_here(ground, RunContext(should_stop=lambda: True))


def test_parameters_that_do_not_go_together_are_one_line_and_a_code(ground):
    ground.write_params(batch=3, micro_batch=2)
    done = ground.run("train")
    assert done.returncode == 2 and "`batch` 3 is no multiple of `micro_batch` 2" in done.stderr
    assert "Traceback" not in done.stderr
