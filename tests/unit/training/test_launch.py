"""Several processes on this machine's processors, started by `accelerate launch` as users start them."""

from __future__ import annotations

import json
import signal

import psutil
import pytest
from studio import START_SECONDS, read_to_line
from training_work import train_here

from reelops.errors import Cancelled, SettingsError
from reelops.progress import RunContext
from reelops.training.launch import Launch

PAIR = ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0")
QUIET = ("--mixed_precision", "no", "--dynamo_backend", "no", "--num_machines", "1")
LONG = {"steps": 100_000, "checkpoint_every": 100_000, "batch": 4, "held_out": {"every": 0}}


def start_a_pair(ground):
    """`accelerate launch` of two processes, when they have made a step; their processes by rank."""
    process = ground.start("train", "--no-track", launcher=(*PAIR, *QUIET), PYTHONUNBUFFERED="1")
    said = read_to_line(process, "Training: ")
    crew = {
        int(one.environ()["RANK"]): one for one in psutil.Process(process.pid).children() if "RANK" in one.environ()
    }
    assert sorted(crew) == [0, 1]
    return process, crew, said


def curve(checkpoint):
    rows = [json.loads(line) for line in (checkpoint / "curve.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows]


def test_a_launched_pair_gives_the_curve_of_one_and_sigterm_to_the_launcher_saves_it(ground, tmp_path):
    ground.write_params(**LONG)
    process, _, said = start_a_pair(ground)
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=START_SECONDS)
    err = " ".join(("".join(said) + rest).split())
    (saved,) = ground.checkpoints
    step = int(saved.name.removeprefix("step-"))
    assert process.returncode != 0 and step >= 1
    assert err.count(f"Stopped as asked after step {step} of 100000") == 1, err
    assert err.count("numbers are trained") == 1 and err.count("Training: 1 of 100,000 steps") == 1

    pair = curve(saved)
    done = []
    with pytest.raises(Cancelled):
        context = RunContext(lambda progress: done.append(progress.done), lambda: 5 in done)
        train_here(ground, context, fresh=True, **LONG)
    assert curve(ground.checkpoints[-1])[: len(pair)] == pytest.approx(pair[:5], abs=1e-4)


def test_a_process_that_is_killed_ends_the_others_with_a_line_that_says_so(ground):
    ground.write_params(**LONG)
    process, crew, _ = start_a_pair(ground)
    crew[1].kill()
    _, err = process.communicate(timeout=START_SECONDS)
    assert process.returncode != 0
    assert "Another of the 2 processes of this run has ended" in " ".join(err.split()), err
    assert "fault in ReelOps" not in err
    assert not any(one.is_running() for one in crew.values())


def test_shares_copies_and_one_process_are_told_apart():
    pair = {"WORLD_SIZE": "2", "RANK": "0"}
    fsdp = pair | {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}
    assert Launch.of({}) == Launch()
    assert (Launch.of(pair).processes, Launch.of(pair).shares) == (2, 1)
    assert Launch.of(fsdp).shares == 2 and Launch.of(fsdp).free_after_forward
    kept_whole = Launch.of(fsdp | {"FSDP_RESHARD_AFTER_FORWARD": "false"})
    assert kept_whole.shared and kept_whole.shares == 1
    (said,) = Launch.of({"MASTER_PORT": "29500", "MASTER_ADDR": "127.0.0.1"}).notes
    assert "started a single process" in said and "--multi_gpu" in said


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"ACCELERATE_USE_FSDP": "true"}, "add --fsdp_version 2"),
        ({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_OFFLOAD_PARAMS": "true"}, "fsdp_offload_params"),
        ({"ACCELERATE_USE_DEEPSPEED": "true"}, "DeepSpeed is not supported"),
    ],
)
def test_ways_that_are_not_supported_are_refused_with_those_that_are(environment, complaint):
    with pytest.raises(SettingsError, match=complaint):
        Launch.of({"WORLD_SIZE": "2"} | environment)
