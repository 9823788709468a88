"""The stage as a whole, at a size that trains in seconds."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scarcity import files_no_larger_than

from reelops.camera.filming import film_somewhere
from reelops.camera.moves import CameraMove, CameraSpeed, path_of
from reelops.dataset.metadata.fingerprint import picture_hash
from reelops.errors import Cancelled, MachineError, OutOfMemory, SettingsError
from reelops.params import find_files, load_config
from reelops.pretraining.checkpoint import load_checkpoint, save_checkpoint
from reelops.pretraining.evaluate import ClipResult, _means
from reelops.pretraining.params import PretrainConfig, PretrainParams, held_out_pictures
from reelops.pretraining.pictures import sources
from reelops.pretraining.plan import PretrainingPlan
from reelops.pretraining.publish import is_better, publish
from reelops.pretraining.stage import PretrainingResult, run_pretraining
from reelops.pretraining.text import TextConfig
from reelops.pretraining.transformer import TransformerConfig
from reelops.pretraining.vae import VaeConfig
from reelops.progress import Progress, RunContext
from reelops.video.picture import read_pixels

SMALL = PretrainConfig(
    text=TextConfig(vocabulary=400, width=16, heads=2, layers=1, length=24, steps=4, batch=4, trained_length=24),
    vae=VaeConfig(channels=(8, 8, 16), size=(48, 32), crop=(9, 32, 48), batch=2, seconds=1.0, pool=6),
    transformer=TransformerConfig(
        heads=5, head_dim=16, layers=1, time_width=16, patch=2, latent_size=(12, 8), text_length=24, text_width=16,
        batch=2, frames_per_step=(2, 13), frames_odds=(0.8, 0.2), aligned_blocks=(0,), aligned_spreads=(1.0,),
        short_text=24, seconds=1.0,
    ),
    decoder_seconds=1.0,
    clips=4,
)  # fmt: skip

FIGURES = {
    "vae_psnr": 26.0, "first_frame_psnr": 22.0, "content_kept": 18.0, "move_accuracy": 0.9,
    "seconds_per_clip": 20.0, "peak_memory_gb": 2.0, "weights_mb": 24.0,
}  # fmt: skip

RESULT = ClipResult("a.png", "pan_left", "pan_left", 1.0, 0.2, 0.0, 30.0, 20.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> PretrainingResult:
    """The stage, run once."""
    folder = tmp_path_factory.mktemp("pretraining")
    result = run_pretraining(PretrainingPlan(SMALL, (), (), folder / "work", folder / "model"))
    assert result.weights_bytes > 0
    (folder / "model/training.json").write_text(json.dumps(result.facts))
    return result


def test_the_whole_stage_makes_a_model_that_plain_diffusers_loads(trained: PretrainingResult) -> None:
    from diffusers import CogVideoXImageToVideoPipeline

    pipeline = CogVideoXImageToVideoPipeline.from_pretrained(trained.plan.candidate)
    assert pipeline.transformer.config.in_channels == 32
    assert trained.facts["seconds"] == {"vae": 1, "transformer": 1, "decoder": 1}
    assert "scikit-image" in trained.facts["sources"][0]


def test_a_stage_that_is_complete_trains_no_more(trained: PretrainingResult, tmp_path: Path) -> None:
    again = run_pretraining(replace(trained.plan, candidate=tmp_path / "again"))
    assert again.facts == trained.facts
    weights = "transformer/diffusion_pytorch_model.safetensors"
    assert (tmp_path / "again" / weights).read_bytes() == (trained.plan.candidate / weights).read_bytes()


def test_a_run_that_is_stopped_saves_and_resumes(tmp_path: Path) -> None:
    plan = PretrainingPlan(SMALL, (), (), tmp_path / "work", tmp_path / "model")
    stages: list[str] = []

    def is_in_the_vae() -> bool:
        return (plan.work / "text").exists()

    with pytest.raises(Cancelled, match="the checkpoint is saved, and the same command resumes"):
        run_pretraining(plan, RunContext(should_stop=is_in_the_vae))
    state = torch.load(plan.work / "vae.pt", weights_only=True)["state"]
    assert state["step"] == 1 and not plan.candidate.exists()
    run_pretraining(plan, RunContext(lambda event: stages.append(event.stage) if isinstance(event, Progress) else None))
    assert "text" not in stages and plan.candidate.is_dir()


def test_a_published_model_is_trained_further_from_its_weights(trained: PretrainingResult, tmp_path: Path) -> None:
    model, better = trained.plan.candidate, tmp_path / "better"
    further = run_pretraining(PretrainingPlan(SMALL, (), (), tmp_path / "further", better, start_from=model))
    before, after = (load_file(one / "vae/diffusion_pytorch_model.safetensors") for one in (model, better))
    same = {name: torch.equal(value, after[name]) for name, value in before.items()}
    assert all(equal for name, equal in same.items() if name.startswith("encoder."))
    assert not all(equal for name, equal in same.items() if name.startswith("decoder."))
    assert further.facts["seconds"] == {"vae": 1, "transformer": 2, "decoder": 2}


def test_a_checkpoint_brings_model_and_optimizer_back(tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 3)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    save_checkpoint(tmp_path / "a.pt", model, optimizer, {"step": 7})
    other = torch.nn.Linear(3, 3)
    state = load_checkpoint(tmp_path / "a.pt", other, torch.optim.AdamW(other.parameters()))
    assert state == {"step": 7}
    assert torch.equal(other.weight, model.weight)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_a_full_disk_is_said_and_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    model = torch.nn.Linear(90, 90)
    optimizer = torch.optim.AdamW(model.parameters())
    save_checkpoint(tmp_path / "a.pt", model, optimizer, {"step": 7})
    with files_no_larger_than(3000), pytest.raises(MachineError, match="Free some space"):
        save_checkpoint(tmp_path / "a.pt", model, optimizer, {"step": 8})
    assert load_checkpoint(tmp_path / "a.pt", model, optimizer) == {"step": 7}


def test_a_shot_shows_the_inside_of_its_picture_only() -> None:
    """The picture is grey; outside it would be mirrored, so a coloured border must never be seen twice."""
    picture = np.full((400, 600, 3), 90, np.uint8)
    for index, move in enumerate(CameraMove):
        rng = np.random.default_rng(index)
        frames = film_somewhere(picture, path_of(move, CameraSpeed.FAST), (120, 80), np.linspace(0, 1, 9), rng)
        assert frames.shape == (9, 80, 120, 3)
        assert np.ptp(frames[..., 0]) == 0


def test_globs_that_match_nothing_are_named(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4, 3), np.uint8))
    files, empty = find_files(["*.png", "elsewhere/*"], tmp_path, "pretrain.pictures")
    assert [path.name for path in files] == ["a.png"]
    assert empty == ["elsewhere/*"]


def test_globs_count_from_a_folder_of_any_name_and_those_that_name_no_file_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "*[mine]*"
    folder.mkdir()
    (folder / "a.png").touch()
    assert find_files(["*.png"], folder, "held_out") == ([folder / "a.png"], [])
    for pattern, told in (
        ("", "names no file"),
        (".", "names no file"),
        ("/", "names no file"),
        ("a*/b", "a star in a folder"),
    ):
        with pytest.raises(SettingsError, match=rf"held_out: .*{told}"):
            find_files([pattern], folder, "held_out")


def test_sources_name_licence_and_count() -> None:
    lines = sources([Path("unsplash-a.jpg"), Path("unsplash-b.jpg"), Path("mine.jpg")], [Path("intel-x.mp4")])
    assert any("2 photographs from Unsplash" in line for line in lines)
    assert any("CC BY 4.0" in line for line in lines)
    assert any("mine.jpg" in line for line in lines)


def test_a_model_that_misses_a_limit_does_not_replace_one_that_reaches_all() -> None:
    sharper_but_wrong = {**FIGURES, "vae_psnr": 35.0, "move_accuracy": 0.5}
    assert not is_better(sharper_but_wrong, FIGURES)
    assert is_better(FIGURES, sharper_but_wrong)
    assert is_better({**FIGURES, "content_kept": 19.0}, FIGURES)
    assert not is_better(FIGURES, FIGURES)
    assert is_better(FIGURES, None)


def test_a_figure_that_no_clip_could_be_measured_for_is_worse_than_any() -> None:
    nothing_seen = {**FIGURES, "content_kept": None}
    assert not is_better(nothing_seen, FIGURES) and is_better(FIGURES, nothing_seen)
    assert _means([replace(RESULT, content_kept=None)])["content_kept"] is None
    assert _means([replace(RESULT, content_kept=None), RESULT])["content_kept"] == 20.0


def model_folder(folder: Path, text: str) -> Path:
    for part in ("vae", "transformer", "text_encoder", "tokenizer", "scheduler"):
        (folder / part).mkdir(parents=True)
        (folder / part / "weights").write_text(text)
    (folder / "model_index.json").write_text(text)
    return folder


def test_publishing_replaces_parts_and_keeps_the_rest(tmp_path: Path) -> None:
    candidate, model = model_folder(tmp_path / "candidate", "new"), model_folder(tmp_path / "model", "old")
    (model / "dvc.yaml").write_text("mine")
    (model / "card.md").write_text("old")
    (model / "vae" / "of an earlier format").write_text("old")
    publish(candidate, model, {"card.md": "new"})
    assert {path.read_text() for path in model.rglob("weights")} == {"new"}
    assert (model / "model_index.json").read_text() == (model / "card.md").read_text() == "new"
    assert (model / "dvc.yaml").read_text() == "mine"
    assert not (model / "vae" / "of an earlier format").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["candidate", "model"]


def test_a_reader_finds_parts_of_one_training_at_every_moment_of_publishing(tmp_path: Path) -> None:
    """Every line that publishing runs is a moment at which it may be killed, or at which the model is loaded."""
    candidate, model = model_folder(tmp_path / "candidate", "new"), model_folder(tmp_path / "model", "old")
    seen: list[set[str]] = []

    def look(*_: Any) -> Any:
        sys.settrace(None)
        seen.append({path.read_text() for path in [model / "model_index.json", *sorted(model.glob("*/weights"))]})
        seen[-1].add(str(len(list(model.iterdir()))))
        sys.settrace(look)
        return look

    sys.settrace(look)
    try:
        publish(candidate, model)
    finally:
        sys.settrace(None)
    assert {frozenset(one) for one in seen} == {frozenset({"old", "6"}), frozenset({"new", "6"})}


def test_a_full_disk_leaves_the_published_model_whole(tmp_path: Path) -> None:
    candidate, model = model_folder(tmp_path / "candidate", "new"), model_folder(tmp_path / "model", "old")
    (candidate / "transformer" / "weights").write_bytes(bytes(5000))
    with files_no_larger_than(4000), pytest.raises(MachineError, match="Free some space"):
        publish(candidate, model)
    assert {path.read_text() for path in model.rglob("weights")} == {"old"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["candidate", "model"]


@pytest.fixture
def params(repository: Path) -> PretrainParams:
    return load_config(params_file=repository / "params.yaml").block("pretrain", PretrainParams)


def test_all_pictures_to_evaluate_on_are_in_the_repository(repository: Path, params: PretrainParams) -> None:
    assert len(held_out_pictures(params, repository)) == params.evaluation_pictures


def test_no_training_file_looks_like_a_held_out_picture(
    repository: Path, params: PretrainParams, more_media: Path
) -> None:
    def look(path: Path) -> int:
        return picture_hash(cv2.cvtColor(read_pixels(path), cv2.COLOR_RGB2GRAY)) or 0

    trained = [look(path) for path in (more_media / "photos").iterdir()]
    for held_out in held_out_pictures(params, repository):
        assert min((look(held_out) ^ other).bit_count() for other in trained) > 6, held_out


def test_memory_that_runs_out_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(*_: object, **__: object) -> None:
        torch.empty(10**15)

    monkeypatch.setattr("reelops.pretraining.stage.train_tokenizer", too_much)
    with pytest.raises(OutOfMemory, match="ran out of memory pretraining; the last checkpoint is whole"):
        run_pretraining(PretrainingPlan(SMALL, (), (), tmp_path / "work", tmp_path / "model"))


def test_weights_that_ran_away_never_replace_a_checkpoint(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    path = tmp_path / "vae.pt"
    save_checkpoint(path, model, optimizer, {"step": 1})
    before = path.read_bytes()
    with torch.no_grad():
        model.weight[0, 0] = float("nan")
    with pytest.raises(SettingsError, match=r"weights of vae are not finite, the first is weight.*learning rate"):
        save_checkpoint(path, model, optimizer, {"step": 2})
    assert path.read_bytes() == before
