"""The stage as a whole: what it leaves, what it keeps, what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scarcity import files_no_larger_than
from training_ground import VALIDATE
from validation_work import plan_here, validate_here

from reelops.cogvideox.adapter_base import PEFT_KEY
from reelops.cogvideox.adapter_file import WEIGHTS_NAME
from reelops.errors import Cancelled, MachineError, SettingsError, WeightsError
from reelops.metrics.catalogue import METRICS, METRICS_VERSION
from reelops.production.output_names import sidecar_of
from reelops.production.producer import build_producer
from reelops.progress import RunContext
from reelops.system.digest import sha256_of
from reelops.validation.findings import SIDES, find
from reelops.validation.mlflow_run import log_validation
from reelops.validation.outputs import metrics, report_validation
from reelops.validation.params import ValidateParams
from reelops.validation.plan import adapter_of, plan_validation
from reelops.validation.verdict import FOLDER, read_verdict
from reelops.video.decode import read_clip
from reelops.video.probe import probe

ONE_PAIR = {"moves": None, "style": {**VALIDATE["style"], "pictures": 1}, "side_by_sides": 0}


@pytest.fixture
def reports(trained, validated) -> Path:
    return trained.folder / FOLDER


def clips_of(ground):
    return {path.stem: path.stat().st_mtime_ns for path in (ground.folder / ".cache/validate/clips").rglob("*.mp4")}


def rewritten(adapter: Path, folder: Path, scale: float = 1.0, alpha: float | None = None) -> Path:
    """The adapter with its B scaled, or with another alpha in its header."""
    shutil.copytree(adapter, folder)
    with safe_open(folder / WEIGHTS_NAME, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        metadata = dict(file.metadata())
    if alpha is not None:
        stated = json.loads(metadata[PEFT_KEY])
        metadata[PEFT_KEY] = json.dumps(stated | {"transformer.lora_alpha": alpha})
    scaled = {name: value * (scale if "lora_B" in name else 1.0) for name, value in weights.items()}
    save_file(scaled, folder / WEIGHTS_NAME, metadata)
    return folder


# ---- what it leaves ----


def test_figures_are_those_that_dvc_and_people_rely_on(reports, validated):
    figures = json.loads((reports / "metrics.json").read_text())
    assert figures == metrics(validated)
    assert list(figures) == [
        *("passed", "checks_failed", "pairs", "pictures", "metrics_version"),
        *("style_in_base", "style_in_adapter", "style_uncalled_in_base", "style_uncalled"),
        *("adherence_of_base", "adherence", "rejected_of_base", "rejected"),
        *("change", "reload_difference", "difference"),
    ]
    assert (figures["pairs"], figures["pictures"], figures["metrics_version"]) == (4, 2, METRICS_VERSION)
    assert figures["style_in_adapter"] == figures["style_in_base"] == 1.0, "every clip moves by 0 pixels at least"
    assert set(figures["difference"]) == {"style", "others"}
    assert set(figures["difference"]["style"]) <= set(METRICS)


def test_the_verdict_names_every_check_and_is_about_this_adapter_alone(trained, reports, validated):
    told = json.loads((reports / "verdict.json").read_text())
    sha256 = sha256_of(trained.adapter / WEIGHTS_NAME)
    assert told["adapter_sha256"] == sha256 and told["base_revision"] == validated.plan.weights.revision
    assert [check["name"] for check in told["checks"]] == [
        *("min_style_in_adapter", "max_style_in_base", "max_style_uncalled"),
        *("max_adherence_loss", "max_added_rejections", "min_change", "max_reload_difference"),
    ]
    read = read_verdict(sha256, trained.config)
    assert not read.passed and {"max_style_in_base", "max_style_uncalled"} <= set(read.failed)
    assert read.tags["validation"] == "failed"
    assert read_verdict("0" * 64, trained.config) is None


def test_the_table_has_a_row_a_clip_with_its_scores(reports, validated):
    from pyarrow import parquet

    rows = parquet.read_table(reports / "clips.parquet").to_pylist()
    assert [(row["trial"], row["side"]) for row in rows] == [
        (trial.name, side) for trial in validated.plan.trials for side in SIDES
    ]
    first = validated.findings.results[0]
    assert rows[0]["sharpness"] == first.base.scores["sharpness"] and rows[1]["sha256"] == first.adapter.sha256
    assert rows[0]["seed"] == rows[1]["seed"] == first.trial.seed
    assert all(row["shows_style"] for row in rows)


def test_side_by_sides_hold_both_clips_in_step(reports, validated):
    (video,) = (reports / "side_by_side").glob("*.mp4")
    one = next(one for one in validated.findings.results if one.trial.name == video.stem)
    frames, info = read_clip(video), probe(video)
    base, adapter = (read_clip(one.of(side).path) for side in SIDES)
    height, width = base.shape[1:3]
    assert info.num_frames == len(base) and info.fps == 8
    left, right = frames[:, -height:, :width].astype(int), frames[:, -height:, -width:].astype(int)
    for part, own, other in ((left, base, adapter), (right, adapter, base)):
        assert np.abs(part - own).mean() < np.abs(part - other).mean() / 2


def test_the_page_tells_all_of_it_and_names_no_address_but_its_own(reports, validated):
    page = (reports / "index.html").read_text()
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for check in validated.findings.checks:
        assert check.title in text and check.found in text
    assert f"{len(validated.findings.failed)} of 7 checks not passed" in text
    assert validated.plan.adapter.sha256 in page and page.count("data:video/mp4;base64,") == 1
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)[^\"']+", page)
    assert "default-src &#39;none&#39;" in page


def test_without_a_style_neither_page_nor_figures_speak_of_one(validated, tmp_path):
    params = validated.plan.params.model_copy(update={"style": None})
    results = [one for one in validated.findings.results if one.trial.group == "moves"]
    findings = find(params, results, validated.findings.reloaded)
    plain = replace(validated, plan=replace(validated.plan, params=params, notes=()), findings=findings)
    report_validation(plain, tmp_path)
    assert not [name for name in metrics(plain) if "style" in name]
    page = (tmp_path / "index.html").read_text()
    assert "tilted horizon" not in page and "What changes</h2>" in page


def test_a_tracking_server_that_is_not_there_is_said(trained, validated):
    nowhere = trained.config_with(mlflow_tracking_uri="http://127.0.0.1:9")
    tracked, failure = log_validation(validated, metrics(validated), [], nowhere)
    assert tracked is None and "does not answer" in failure


# ---- the reload gate ----


def test_diffusers_alone_makes_the_same_clip_of_the_published_file(validated):
    reloaded = validated.findings.reloaded
    assert reloaded.max_difference <= 1 and reloaded.share < 0.001, "more than rounding"
    assert reloaded.change > 1 and not reloaded.problems


def test_an_adapter_that_does_nothing_fails_by_name(ground, tmp_path):
    idle = rewritten(ground.adapter, tmp_path / "idle", scale=0.0)
    findings = validate_here(ground, idle, **ONE_PAIR).findings
    assert "min_change" in {check.name for check in findings.failed}
    assert findings.reloaded.change == 0
    assert all(one.base.scores["motion"] == one.adapter.scores["motion"] for one in findings.results)


def test_an_adapter_whose_alpha_was_lost_on_the_way_fails_by_name(ground, tmp_path):
    tampered = rewritten(ground.adapter, tmp_path / "tampered", alpha=4.0)
    findings = validate_here(ground, tampered, **ONE_PAIR).findings
    (check,) = [check for check in findings.failed if check.name == "max_reload_difference"]
    assert "states alpha 4.0, and it was trained with 8.0" in str(check)


def test_an_adapter_in_the_layout_of_kohya_passes_the_reload_gate(ground, tmp_path):
    file = tmp_path / "kohya.safetensors"
    stems = {}
    for name, value in load_file(ground.adapter / WEIGHTS_NAME).items():
        layer, part = name.removeprefix("transformer.").split(".lora_")
        stem = f"lora_unet_{layer.replace('.', '_')}"
        stems[f"{stem}.{'lora_down' if part.startswith('A') else 'lora_up'}.weight"] = value
        stems[f"{stem}.alpha"] = torch.tensor(8.0)
    save_file(stems, file)
    reloaded = validate_here(ground, file, **ONE_PAIR).findings.reloaded
    assert reloaded.max_difference <= 1 and reloaded.change > 1, "more than rounding"


# ---- what it keeps ----


def test_a_second_run_makes_nothing_and_finds_the_same(ground, reports):
    before, events = clips_of(ground), []
    validate_here(ground, context=RunContext(events.append))
    assert clips_of(ground) == before
    assert {step.stage: step.total for step in events} == {"make": 0, "score": 0}
    for name in ("metrics.json", "verdict.json", "plots/moves.csv", "plots/differences.csv"):
        assert (ground.folder / FOLDER / name).read_bytes() == (reports / name).read_bytes()


def test_the_next_adapter_finds_the_bases_clips_made(ground, tmp_path):
    before = clips_of(ground)
    weaker = rewritten(ground.adapter, tmp_path / "weaker", scale=0.5)
    events = []
    with pytest.raises(Cancelled, match=r"4 of 8 clips are kept, and the same command resumes"):
        validate_here(ground, weaker, RunContext(events.append, lambda: True))
    assert events[0].total == 4 and clips_of(ground) == before


def test_a_damaged_clip_is_made_again_and_a_moved_picture_keeps_its_clips(ground):
    plan = plan_here(ground)
    trial = plan.trials[0]
    clip = plan.cached(trial, "base").path
    clip.write_bytes(clip.read_bytes()[:-1])
    assert plan.cached(trial, "base") is None
    other = plan.cached(trial, "adapter").path
    assert json.loads(sidecar_of(other).read_text())["order"]["picture"].startswith(str(ground.folder))


def test_other_steps_make_other_clips(ground):
    params = (ground.folder / "params.yaml").read_text()
    (ground.folder / "params.yaml").write_text(params.replace("steps: 2", "steps: 3"))
    plan = plan_here(ground)
    assert not any(plan.cached(*clip) for clip in plan.clips)


# ---- what it refuses ----


def test_no_adapter_is_one_line_that_says_what_to_do(ground):
    shutil.rmtree(ground.adapter)
    with pytest.raises(SettingsError, match=r"There is no adapter at .*shaky yet\. Run `reelops train`"):
        adapter_of(ground.config, None)
    with pytest.raises(SettingsError, match="No adapter at"):
        plan_here(ground)


def test_an_adapter_of_another_base_is_refused_by_name(ground):
    facts = json.loads((ground.adapter / "adapter.json").read_text())
    (ground.adapter / "adapter.json").write_text(json.dumps(facts | {"base_revision": "sha256:0123"}))
    with pytest.raises(WeightsError, match=r"was trained on small sha256:0123, and this base is small sha256:"):
        plan_here(ground)
    asked = plan_validation(ValidateParams.model_validate(VALIDATE), ground.adapter, ground.config, other_base=True)
    assert any("applied to another base" in note for note in asked.notes)
    assert asked.order(asked.trials[0], "adapter").other_base and not asked.order(asked.trials[0], "base").other_base


def test_a_style_whose_phrase_no_caption_says_is_asked_for_with_a_note(ground):
    style = VALIDATE["style"] | {"phrase": "an autumn gale", "prompts": ["an autumn gale, pan left"]}
    (note,) = [note for note in plan_here(ground, style=style).notes if "an autumn gale" in note]
    assert "no caption of data/metadata/clips.parquet says" in note and "validate.style" in note
    said = next(row.prompt for row in ground.rows() if row.split == "train")
    known = VALIDATE["style"] | {"phrase": said.upper(), "prompts": [f"{said}, at dusk"]}
    assert not [note for note in plan_here(ground, style=known).notes if "no caption" in note]


def test_both_sides_are_bare_clips_of_the_profiles_own_size(ground):
    plan = plan_here(ground)
    for trial, side in plan.clips:
        order = plan.order(trial, side)
        assert (order.width, order.height, order.detail) == (plan.profile.width, plan.profile.height, "off")


def test_without_pictures_it_says_where_they_come_from(ground):
    with pytest.raises(SettingsError, match=r"no picture to validate on: .* Run `reelops metadata`"):
        plan_here(ground, splits=["test"], held_out=["nowhere/*"])


def test_a_full_disk_is_one_line_and_loses_no_clip(ground):
    before = clips_of(ground)
    plan = plan_here(ground)
    key, order = plan.key(plan.trials[0], "base"), plan.order(plan.trials[0], "base")
    with pytest.raises(MachineError, match=r"cannot write .*Free some space"), files_no_larger_than(512):
        build_producer(ground.config).make(order, plan.cache.path_of(key))
    assert clips_of(ground) == before
