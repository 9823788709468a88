"""Loading: what is wrong is found before it is opened, and said in one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from small_model import CLIP, PLAIN_CPU, PROMPT_LENGTH, write_small_model

from reelops.cogvideox.architecture import read_architecture
from reelops.cogvideox.load import WARM_MODEL, WarmModel
from reelops.cogvideox.profiles import Profile, profile_of_folder
from reelops.cogvideox.sampling import sample_frames
from reelops.cogvideox.sampling_config import SamplingConfig
from reelops.cogvideox.weights import content_digest, locate_weights
from reelops.errors import ClipFormatError, MachineError, WeightsError

HUB = Profile(name="hub", hub="nobody/nothing-here", num_frames=9, fps=8, width=48, height=32)


@pytest.fixture
def copy(small_model, tmp_path) -> Path:
    """A copy of the small model that a test may damage."""
    return Path(shutil.copytree(small_model, tmp_path / "copy"))


@pytest.fixture(autouse=True)
def _cold():
    WARM_MODEL.unload()
    yield
    WARM_MODEL.unload()


def edit(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_model_loads_once_and_stays_warm(small_model, tmp_path):
    profile = profile_of_folder(small_model)
    model = WARM_MODEL.load(profile, PLAIN_CPU, tmp_path)
    assert WARM_MODEL.load(profile, PLAIN_CPU, tmp_path) is model
    assert (model.plan.dtype, model.plan.device, model.plan.offload) == ("float32", "cpu", "none")
    assert model.base_revision == content_digest(small_model, tmp_path)
    assert WARM_MODEL.load(profile, PLAIN_CPU, tmp_path, dtype="bfloat16").plan.dtype == "bfloat16"


def test_replaced_weights_are_noticed_by_a_warm_process(copy, tmp_path):
    profile = profile_of_folder(copy)
    before = WARM_MODEL.load(profile, PLAIN_CPU, tmp_path)
    edit(copy / "scheduler" / "scheduler_config.json", beta_end=0.013)
    after = WARM_MODEL.load(profile, PLAIN_CPU, tmp_path)
    assert after is not before and after.base_revision != before.base_revision


def test_a_folder_under_a_name_that_safetensors_does_not_open_is_not_called_damaged(copy, tmp_path):
    renamed = copy.rename(tmp_path / os.fsdecode(b"mod\xe9l"))
    with pytest.raises(WeightsError, match=r"mod\\udce9l/\w+ is no Unicode"):
        locate_weights(profile_of_folder(renamed), tmp_path)


def test_text_to_video_weights_are_called_by_their_name(tmp_path):
    folder = write_small_model(tmp_path / "t2v", in_channels=16)
    with pytest.raises(WeightsError, match=r"text-to-video.*no room for a picture.*CogVideoX-5b-I2V"):
        profile_of_folder(folder)
    edit(folder / "model_index.json", _class_name="CogVideoXPipeline")
    with pytest.raises(WeightsError, match=r"CogVideoXPipeline.*text-to-video"):
        read_architecture(folder)


@pytest.mark.parametrize(
    ("file", "change", "word"),
    [
        ("scheduler/scheduler_config.json", {"prediction_type": "epsilon"}, "predicts v"),
        ("scheduler/scheduler_config.json", {"_class_name": "DDPMScheduler"}, "DDPMScheduler"),
        ("transformer/config.json", {"temporal_compression_ratio": 8}, "counts 8 frames"),
        ("transformer/config.json", {"patch_size_t": 2}, "1.5"),
        ("transformer/config.json", {"out_channels": 8}, "returns 8"),
        ("vae/config.json", {"latent_channels": 4}, "takes 32 channels and the VAE makes 4"),
        ("text_encoder/config.json", {"d_model": 64}, "vectors of 64"),
    ],
)
def test_parts_that_do_not_belong_together_are_named(copy, file, change, word):
    edit(copy / file, **change)
    with pytest.raises(WeightsError, match=word):
        read_architecture(copy).check()


def test_a_truncated_weight_file_is_named_before_anything_loads(copy):
    weights = next((copy / "transformer").glob("*.safetensors"))
    os.truncate(weights, weights.stat().st_size - 100)
    with pytest.raises(WeightsError, match=f"{weights.name}.*header promises"):
        read_architecture(copy)


def test_weights_of_other_shapes_than_the_config_are_one_clear_error(copy, tmp_path):
    profile = profile_of_folder(copy)
    edit(copy / "transformer" / "config.json", time_embed_dim=32)
    with pytest.raises(WeightsError, match="do not fit their own configs") as caught:
        WARM_MODEL.load(profile, PLAIN_CPU, tmp_path)
    assert "\n" not in str(caught.value)


def test_pickles_are_refused_by_name(copy, tmp_path):
    for file in (copy / "vae").glob("*.safetensors"):
        file.unlink()
    (copy / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(WeightsError, match=r"diffusion_pytorch_model\.bin is a pickle"):
        locate_weights(Profile(name="a", folder=copy, num_frames=9, fps=8, width=48, height=32), tmp_path)


def test_a_missing_folder_says_how_to_get_it_back(tmp_path):
    profile = Profile(name="tiny", folder=tmp_path / "gone", num_frames=9, fps=8, width=48, height=32)
    with pytest.raises(WeightsError, match=r"no such folder.*dvc pull"):
        locate_weights(profile, tmp_path)


def test_a_machine_that_is_too_small_refuses_before_loading(small_model, tmp_path):
    with pytest.raises(MachineError, match="needs about 1"):
        WARM_MODEL.load(profile_of_folder(small_model), replace(PLAIN_CPU, ram_free_bytes=500_000_000), tmp_path)


def test_a_profile_of_another_format_than_its_weights_is_refused(small_model, tmp_path):
    with pytest.raises(ClipFormatError, match="Ask for 9"):
        WARM_MODEL.load(profile_of_folder(small_model).model_copy(update={"num_frames": 17}), PLAIN_CPU, tmp_path)


def test_a_profile_of_another_prompt_length_is_refused(small_model, tmp_path):
    with pytest.raises(WeightsError, match=f"Set prompt_length to {PROMPT_LENGTH}"):
        WARM_MODEL.load(profile_of_folder(small_model).model_copy(update={"prompt_length": 226}), PLAIN_CPU, tmp_path)


def test_digest_follows_content_and_not_names_or_times(copy, small_model, tmp_path):
    first = content_digest(small_model, tmp_path / "cache")
    assert first.startswith("sha256:") and content_digest(copy, tmp_path / "cache") == first
    (copy / "card.md").write_text("a card is no weight")
    os.utime(copy / "vae" / "config.json", (1, 1))
    assert content_digest(copy, tmp_path / "cache") == first
    edit(copy / "vae" / "config.json", scaling_factor=0.7)
    assert content_digest(copy, tmp_path / "cache") != first


def test_a_cache_that_cannot_be_written_or_read_only_costs_time(small_model, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert content_digest(small_model, tmp_path / "cache") == content_digest(small_model, tmp_path / "other")


def test_offline_the_hub_is_not_asked_and_the_way_out_is_shown(tmp_path):
    """In a process of its own: huggingface_hub reads HF_HUB_OFFLINE when it is imported."""
    program = """
from pathlib import Path
from reelops.cogvideox.profiles import Profile
from reelops.cogvideox.weights import locate_weights
try:
    locate_weights(Profile(name="hub", hub="nobody/nothing-here", num_frames=9, fps=8, width=48, height=32), Path("c"))
except Exception as error:
    print(type(error).__name__, error)
"""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env).stdout
    assert said.startswith("WeightsError")
    for word in ("nobody/nothing-here@main", "not there", "HF_HUB_OFFLINE", "hf download", "--profile tiny"):
        assert word in said


def test_a_snapshot_in_the_local_cache_is_used_without_a_network(small_model, tmp_path):
    """The hub's cache layout: snapshots/<commit>, and refs/<branch> naming the commit."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "hub" / "models--nobody--nothing-here"
    shutil.copytree(small_model, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    program = """
from pathlib import Path
from reelops.cogvideox.profiles import Profile
from reelops.cogvideox.weights import locate_weights
profile = Profile(name="h", hub="nobody/nothing-here", num_frames=9, fps=8, width=48, height=32)
found = locate_weights(profile, Path("c"))
print(found.revision, found.notes)
"""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(commit) and "not pinned" in run.stdout


def test_random_weights_sample_without_any_file_and_say_that_they_are_noise(small_model, small_picture, tmp_path):
    import torch

    from reelops.cogvideox.random_weights import build_random_pipeline

    architecture = read_architecture(small_model)
    architecture.configs["text_encoder"]["vocab_size"] = 384  # type: ignore[index]
    pipeline = build_random_pipeline(architecture, torch.float32, "cpu")
    sampled = sample_frames(
        pipeline, small_picture, "zoom in", CLIP, SamplingConfig(steps=2, prompt_length=PROMPT_LENGTH)
    )
    assert sampled.frames_THWC.shape == (9, 32, 48, 3)


def test_a_model_of_ones_own_stays_warm_beside_the_processs(small_model, tmp_path):
    profile, own = profile_of_folder(small_model), WarmModel()
    shared = WARM_MODEL.load(profile, PLAIN_CPU, tmp_path)
    mine = own.load(profile, PLAIN_CPU, tmp_path)
    assert mine is not shared and own.load(profile, PLAIN_CPU, tmp_path) is mine
    own.unload()
    assert WARM_MODEL.load(profile, PLAIN_CPU, tmp_path) is shared
