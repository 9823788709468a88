"""What `reelops train` says to input that cannot be used: one line, a code, and nothing that was there is lost."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import signal
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from small_model import write_small_model

from reelops.cli import build_app, run_guarded
from reelops.training.cache import LatentCache


def missing_latents(ground, _tmp_path):
    (ground.latents / "index.json").unlink()


def wrong_base(ground, tmp_path):
    ground.write_params(model=write_small_model(tmp_path / "other", scaling_factor=0.5))


def text_to_video_base(ground, tmp_path):
    ground.write_params(model=write_small_model(tmp_path / "t2v", in_channels=16))


def one_layer(block):
    stem = f"transformer.transformer_blocks.{block}.attn1.to_q.lora"
    return {f"{stem}_A.weight": torch.ones(4, 32), f"{stem}_B.weight": torch.ones(32, 4)}


def adapter_of_another_base(ground, tmp_path):
    other = tmp_path / "other.safetensors"
    save_file(one_layer(7), other)
    ground.write_params(start_from=str(other))


def adapter_that_names_another_base(ground, tmp_path):
    other = tmp_path / "other.safetensors"
    header = {"reelops": json.dumps({"base": "small", "base_revision": "sha256:another"})}
    save_file(one_layer(0), other, header)
    ground.write_params(start_from=str(other))


def nan_in_a_sample(ground, _tmp_path, **changes):
    ground.write_params(held_out={"every": 0}, **changes)
    cache = LatentCache(ground.latents)
    for clip in cache.read_index().of_split("train"):
        stored = cache.read("clips", clip.key)
        stored["video_mean"][0, 0, 0, 0] = float("nan")
        save_file(stored, cache.path("clips", clip.key), {"key": clip.key})


def latents_of_too_few_frames(ground, _tmp_path):
    ground.write_params(held_out={"every": 0})
    cache = LatentCache(ground.latents)
    for clip in cache.read_index().of_split("train"):
        stored = {name: value[:2].clone() for name, value in cache.read("clips", clip.key).items()}
        save_file(stored, cache.path("clips", clip.key), {"key": clip.key})


def nan_in_a_sample_that_a_worker_reads(ground, tmp_path):
    nan_in_a_sample(ground, tmp_path, workers=1)


def folder_that_cannot_be_written(ground, _tmp_path):
    shutil.rmtree(ground.folder / ".cache")  # the lock of whoever encodes is there
    (ground.folder / ".cache").write_text("a file stands where the folder should be")


def table_that_has_changed(ground, _tmp_path):
    rows = ground.rows()
    ground.write_rows([replace(rows[0], prompt="orbit"), *rows[1:]])


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (missing_latents, 2, "There are no latents at"),
        (wrong_base, 2, "whose encoders are not those of"),
        (table_that_has_changed, 2, "has changed since the latents were made"),
        (text_to_video_base, 1, "is a text-to-video model"),
        (adapter_of_another_base, 1, "was made for another base model"),
        (adapter_that_names_another_base, 1, "was trained on small sha256:another, and this base is"),
        (nan_in_a_sample, 2, "its video mean in the cache holds values that are not finite"),
        (latents_of_too_few_frames, 2, "it has 2 latent frames in the cache, not 3"),
        (nan_in_a_sample_that_a_worker_reads, 2, "its video mean in the cache holds values that are not finite"),
        (folder_that_cannot_be_written, 1, "cannot make the folder"),
    ],
)
def test_bad_input_is_one_line_and_a_code_and_the_adapter_before_it_stays(
    ground, tmp_path, monkeypatch, capfd, spoil, code, said
):
    before = ground.adapter / "pytorch_lora_weights.safetensors"
    before.parent.mkdir(parents=True)
    before.write_bytes(b"an adapter")
    spoil(ground, tmp_path)
    monkeypatch.setenv("REELOPS_PARAMS_FILE", str(ground.folder / "params.yaml"))
    monkeypatch.setenv("REELOPS_HOME", str(ground.folder / "home"))
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert run_guarded(lambda: build_app()(["train", "--no-track"], standalone_mode=False)) == code
    finally:
        signal.signal(signal.SIGTERM, handler)
    err = capfd.readouterr().err
    assert len([line for line in err.splitlines() if said in line]) == 1 and "Traceback" not in err, err
    assert before.read_bytes() == b"an adapter"
    assert multiprocessing.active_children() == [], "no reader is left, which would keep the process from ending"


def test_the_steps_before_a_sample_that_cannot_be_used_are_saved(ground):
    """The first epoch is sound but for its third clip."""
    from training_work import train_here

    from reelops.errors import DatasetError
    from reelops.training.samples import _order

    cache = LatentCache(ground.latents)
    clips = cache.read_index().of_split("train")
    third = clips[_order(0, 0, len(clips))[2]]
    cache.path("clips", third.key).unlink()
    empty = cache.path("clips", third.key)
    save_file({"video_mean": torch.full((1,), float("nan"))}, empty, {"key": third.key})
    with pytest.raises(DatasetError, match=third.clip_id):
        train_here(ground, steps=4, batch=1)
    assert [path.name for path in ground.checkpoints] == ["step-000002"]
