"""The latent cache: equal to what the pipeline makes, resumable, and never stale."""

from __future__ import annotations

import json
import shutil
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from scarcity import files_no_larger_than, no_more_open_files
from small_model import FRAMES, HEIGHT, WIDTH, write_small_model
from training_ground import LATENTS, PROMPTS, make_ground
from worker_jobs import DeadlyPath, HungryPath

from reelops.cli import build_app, run_guarded
from reelops.cogvideox.conditioning import encode_prompts, picture_condition, picture_tensor
from reelops.cogvideox.latents import encode_clip
from reelops.errors import Cancelled, DatasetError, MachineError, OutOfMemory, SettingsError
from reelops.progress import RunContext
from reelops.system.exclusive_lock import exclusive_lock
from reelops.system.making import Making
from reelops.training import encode as encoding_module
from reelops.training.cache import LatentCache
from reelops.training.clips import read_training_clips
from reelops.training.encode import read_sample, read_samples
from reelops.training.latent_stage import WORK, Shard, plan_latents, run_latents
from reelops.training.params import LatentParams

LATENT_FRAMES = (FRAMES - 1) // 4 + 1


def cached(ground, number=0):
    cache = LatentCache(ground.latents)
    index = cache.read_index()
    entry = index.clips[number]
    return cache, index, entry, cache.read("clips", entry.key)


@torch.no_grad()
def test_video_latents_equal_the_vaes_own_in_pixels_order_and_scale(encoded, small_pipeline):
    clip = read_training_clips(encoded.table, encoded.folder)[0]
    _, index, _, stored = cached(encoded)
    frames, _ = read_sample(clip, index.encoding)
    assert frames.shape == (FRAMES, HEIGHT, WIDTH, 3)
    pixels = small_pipeline.video_processor.preprocess_video(
        [Image.fromarray(frame) for frame in frames], HEIGHT, WIDTH
    )
    posterior = small_pipeline.vae.encode(pixels).latent_dist
    torch.testing.assert_close(stored["video_mean"], posterior.mean[0].transpose(0, 1), rtol=0, atol=1e-5)
    torch.testing.assert_close(stored["video_logvar"], posterior.logvar[0].transpose(0, 1), rtol=0, atol=1e-5)
    assert index.encoding.video_scale == small_pipeline.vae.config.scaling_factor


@torch.no_grad()
def test_clean_picture_gives_the_pipelines_own_condition(encoded, small_pipeline):
    """`prepare_latents` draws the posterior's noise first, so the same generator gives the same condition."""
    clip = read_training_clips(encoded.table, encoded.folder)[0]
    _, index, _, stored = cached(encoded)
    _, picture = read_sample(clip, index.encoding)
    generator = torch.Generator().manual_seed(7)
    _, expected = small_pipeline.prepare_latents(
        picture_tensor(picture), 1, 16, FRAMES, HEIGHT, WIDTH, torch.float32, torch.device("cpu"), generator
    )
    noise = torch.randn(stored["picture_mean"][0].shape, generator=torch.Generator().manual_seed(7))
    ours = index.encoding.picture_scale * (
        stored["picture_mean"][0] + (0.5 * stored["picture_logvar"][0]).exp() * noise
    )
    torch.testing.assert_close(ours, expected[0, 0], rtol=0, atol=1e-5)
    assert expected[0, 1:].abs().max() == 0


@torch.no_grad()
def test_noised_pictures_are_those_of_the_conditioning_function(small_pipeline, small_picture):
    frames = np.repeat(small_picture[None], FRAMES, axis=0)
    moments = encode_clip(small_pipeline.vae, frames, small_picture, noised=2, seed=5)
    assert moments.picture_mean.shape == (3, 16, HEIGHT // 4, WIDTH // 4)
    assert len({row.sum().item() for row in moments.picture_mean}) == 3
    generator = torch.Generator().manual_seed((5 * 1_000_003 + 1) % 2**32)
    expected = picture_condition(
        small_pipeline.vae, picture_tensor(small_picture), LATENT_FRAMES, generator, training=True
    )
    # The condition's generator goes on to draw the posterior; do the same from where the picture's noise ended.
    again = torch.Generator().manual_seed((5 * 1_000_003 + 1) % 2**32)
    torch.randn(1, generator=again)
    torch.randn(3, HEIGHT, WIDTH, generator=again)
    noise = torch.randn(moments.picture_mean[2].shape, generator=again)
    ours = 0.8 * (moments.picture_mean[2] + (0.5 * moments.picture_logvar[2]).exp() * noise)
    torch.testing.assert_close(ours, expected[0, 0], rtol=0, atol=1e-5)


@torch.no_grad()
def test_captions_are_the_text_encoders_own_vectors(encoded, small_pipeline):
    cache, index, entry, _ = cached(encoded)
    length = index.encoding.prompt_length
    expected = encode_prompts(small_pipeline.tokenizer, small_pipeline.text_encoder, ["", PROMPTS[0]], length, "cpu")
    for key, vectors in zip((index.empty_text, entry.texts[0]), expected.vectors_BLD, strict=True):
        torch.testing.assert_close(cache.read("texts", key)["vectors"], vectors, rtol=0, atol=1e-5)
    assert entry.captions == (PROMPTS[0], f"a harbour, {PROMPTS[0]}")


def test_a_second_run_encodes_nothing_and_changes_no_byte(ground):
    before = {path: path.read_bytes() for path in ground.latents.rglob("*") if path.is_file()}
    report = ground.encode()
    assert (report.encoded, report.captions, report.kept, report.removed) == (0, 0, 5, 0)
    assert {path: path.read_bytes() for path in ground.latents.rglob("*") if path.is_file()} == before


def test_a_changed_clip_is_encoded_again_and_its_old_latents_are_removed(ground):
    old = cached(ground)[2].key
    rows = ground.rows()
    rows[0] = replace(rows[1], clip_id=rows[0].clip_id)
    ground.write_rows(rows)
    report = ground.encode()
    cache, _, entry, _ = cached(ground)
    assert (report.encoded, report.kept, report.removed) == (0, 5, 1)
    assert entry.key != old and not cache.path("clips", old).exists()
    assert entry.key == cached(ground, 1)[2].key, "the same bytes are kept once"


@pytest.mark.parametrize(("part", "clips", "captions"), [("vae", 5, 0), ("text_encoder", 0, 9)])
def test_a_changed_encoder_serves_nothing_stale(ground, tmp_path, part, clips, captions):

    other = write_small_model(tmp_path / "other")
    weights = next((other / part).glob("*.safetensors"))
    tensors = load_file(weights)
    name = sorted(tensors)[0]
    save_file(tensors | {name: tensors[name] + 1e-3}, weights, {"format": "pt"})
    ground.write_params(model=other)
    report = ground.encode()
    assert (report.encoded, report.captions) == (clips, captions)


@pytest.mark.parametrize("change", [{"noised_pictures": 1}, {"dtype": "bfloat16"}, {"seed": 1}])
def test_other_settings_are_other_latents(ground, change):
    assert ground.encode(**change).encoded == 5


def test_what_was_encoded_before_a_stop_stays(ground):
    for path in (ground.latents / "clips").rglob("*.safetensors"):
        path.unlink()
    asked = iter([False, False, False, True])
    with pytest.raises(Cancelled, match="3 of 5 clips encoded; the next run resumes from there"):
        ground.encode(context=RunContext(should_stop=lambda: next(asked)))
    report = ground.encode()
    assert (report.kept, report.encoded) == (3, 2)


def test_shards_together_make_the_same_cache(ground, encoded):
    for path in ground.latents.rglob("*.*"):
        path.unlink()
    for part, clips in (("1/2", 3), ("2/2", 2)):
        assert ground.encode(shard=Shard.parse(part)).encoded == clips
    assert ground.encode().encoded == 0
    names = sorted(path.relative_to(ground.latents) for path in ground.latents.rglob("*.*"))
    assert names == sorted(path.relative_to(encoded.latents) for path in encoded.latents.rglob("*.*"))
    assert all((ground.latents / name).read_bytes() == (encoded.latents / name).read_bytes() for name in names)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1 of 2", "1/0"])
def test_a_part_that_there_is_not_is_refused(text):
    with pytest.raises(SettingsError, match=r"give for example 2/4"):
        Shard.parse(text)


def test_bad_clips_are_left_out_with_the_reason(ground):
    rows = ground.rows()
    (ground.folder / rows[0].video_path).write_bytes(b"changed since the table was made")
    (ground.folder / rows[1].image_path).unlink()
    rows[2] = replace(rows[2], start_seconds=0.5)
    ground.write_rows(rows)
    report = ground.encode(max_failed_share=0.6)
    reasons = json.loads((ground.latents / "quarantine.json").read_text())
    assert "is not the file that the table was made of" in reasons["ground/clip-0"]
    assert "clip-1.png" in reasons["ground/clip-1"]
    assert "9 at 8 per second are needed" in reasons["ground/clip-2"]
    assert [entry.clip_id for entry in cached(ground)[1].clips] == ["ground/clip-3", "ground/clip-4"]
    assert len(report.quarantined) == 3


def plan_with(ground, path_kind):
    """The plan of the stage, its first clip being one that ends whoever opens it."""
    plan = plan_latents(LatentParams.model_validate(LATENTS | {"max_failed_share": 0.3}), ground.config)
    (first, entry), *others = plan.clips
    return replace(plan, clips=((replace(first, video=path_kind(first.video)), entry), *others))


def test_a_clip_that_ends_its_decoder_is_left_out_with_the_reason(ground):
    shutil.rmtree(ground.latents / "clips")
    result = run_latents(plan_with(ground, DeadlyPath))
    assert [(one.clip_id, one.reason) for one in result.quarantined] == [
        ("ground/clip-0", "the process that worked on it was ended by SIGSEGV")
    ]
    assert len(cached(ground)[1].clips) == 4


def test_a_clip_whose_decoder_is_killed_ends_the_stage_once_all_others_are_encoded(ground):
    shutil.rmtree(ground.latents / "clips")
    with pytest.raises(MachineError, match=r"clip-0\.mp4: .*SIGKILL, twice.*too little memory.*run it again"):
        run_latents(plan_with(ground, HungryPath))
    assert len(cached(ground, 1)[1].clips) == 5, "the old index stays"
    assert ground.encode().kept == 4


def test_a_sample_read_in_another_process_is_the_same_to_the_bit(encoded):
    clips = read_training_clips(encoded.table, encoded.folder)
    encoding = LatentCache(encoded.latents).read_index().encoding
    apart = dict(read_samples(clips, encoding))
    assert sorted(apart) == list(range(len(clips)))
    for index, clip in enumerate(clips):
        for ours, theirs in zip(read_sample(clip, encoding), apart[index], strict=True):
            assert np.array_equal(ours, theirs)


def test_a_machine_that_can_start_no_process_ends_the_stage(ground):
    ground.encode()
    shutil.rmtree(ground.latents / "clips")
    plan = plan_with(ground, type(ground.table))
    samples = read_samples([clip for clip, _ in plan.clips], plan.encoding)
    with pytest.raises(MachineError, match="cannot start a process that works: Too many open"), no_more_open_files():
        next(samples)


def test_too_many_bad_clips_fail_the_stage_and_keep_the_old_index(ground):
    before = (ground.latents / "index.json").read_bytes()
    rows = ground.rows()
    ground.write_rows([*(replace(row, sha256="0" * 64) for row in rows[:3]), *rows[3:]])
    with pytest.raises(DatasetError, match=r"3 of 5 clips could not be encoded.*max_failed_share"):
        ground.encode()
    assert (ground.latents / "index.json").read_bytes() == before


def test_the_text_encoder_is_gone_before_the_vae_comes_and_neither_comes_without_need(ground, monkeypatch):
    from diffusers import AutoencoderKLCogVideoX
    from transformers import T5EncoderModel

    loaded, alive = [], []

    def load_text(*arguments, **options):
        encoder = T5_from_pretrained(*arguments, **options)
        alive.append(weakref.ref(encoder))
        loaded.append("text")
        return encoder

    def load_vae(*arguments, **options):
        loaded.append("vae")
        assert all(encoder() is None for encoder in alive), "the text encoder is still in memory"
        return vae_from_pretrained(*arguments, **options)

    T5_from_pretrained, vae_from_pretrained = T5EncoderModel.from_pretrained, AutoencoderKLCogVideoX.from_pretrained
    monkeypatch.setattr(T5EncoderModel, "from_pretrained", load_text)
    monkeypatch.setattr(AutoencoderKLCogVideoX, "from_pretrained", load_vae)
    shutil.rmtree(ground.latents)
    ground.encode()
    assert loaded == ["text", "vae"]
    shutil.rmtree(ground.latents / "clips")
    ground.encode()
    assert loaded == ["text", "vae", "vae"]
    shutil.rmtree(ground.latents / "texts")
    ground.encode()
    assert loaded == ["text", "vae", "vae", "text"]


@pytest.mark.parametrize("part", ["vae", "text_encoder"])
def test_an_overflow_in_float16_ends_the_stage_and_is_no_fact_about_a_clip(ground, tmp_path, part):
    model = write_small_model(tmp_path / "large")
    (weights,) = (model / part).glob("*.safetensors")
    last = {"vae": "encoder.conv_out.conv.weight", "text_encoder": "encoder.final_layer_norm.weight"}[part]
    tensors = load_file(weights)
    save_file(tensors | {last: tensors[last].sign() * 60_000}, weights, {"format": "pt"})
    ground.write_params(model=model)
    with pytest.raises(MachineError, match=r"not finite in float16.*Set latents\.dtype to bfloat16 or float32"):
        ground.encode(dtype="float16")
    assert (ground.latents / "quarantine.json").read_text() == "{}\n"


def test_memory_that_runs_out_ends_the_stage_in_a_line_and_what_was_encoded_stays(ground, monkeypatch):
    from reelops.cogvideox import latents

    encode, clips = latents.encode_clip, []

    def while_there_is_room(*arguments):
        clips.append(1)
        if len(clips) == 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return encode(*arguments)

    monkeypatch.setattr(latents, "encode_clip", while_there_is_room)
    said = r"^The GPU ran out of memory encoding in float32 \(planned: \d\.\d GB\); what was encoded stays\. Free it"
    with pytest.raises(OutOfMemory, match=said):
        ground.encode(noised_pictures=1)
    assert ground.encode(noised_pictures=1).kept == 2


def test_latents_that_are_not_finite_are_never_stored(tmp_path):
    cache = LatentCache(tmp_path)
    with pytest.raises(DatasetError, match="video mean holds values that are no finite float16"):
        cache.write("clips", "ab" * 32, {"video_mean": torch.tensor([1e6])}, "float16")
    assert not any(tmp_path.rglob("*.safetensors"))


def test_the_command_says_what_it_did_in_words_and_in_json(small_model, tmp_path, monkeypatch, capsys):
    ground = make_ground(tmp_path / "project", small_model, train_clips=2)
    monkeypatch.setenv("REELOPS_PARAMS_FILE", str(ground.folder / "params.yaml"))
    monkeypatch.setenv("REELOPS_HOME", str(ground.folder / "home"))

    def latents(*options):
        code = run_guarded(lambda: build_app()(["latents", *options], standalone_mode=False))
        return code, *capsys.readouterr()

    code, out, _ = latents("--json")
    told = json.loads(out)
    assert (code, told["encoded"], told["quarantined"], told["captions"]) == (0, 3, 0, 7)
    assert json.loads((ground.folder / "reports/latents/metrics.json").read_text())["clips"] == 3
    _, again, _ = latents()
    assert "0 clips and 0 captions encoded" in again and "3 of 3 clips were in the cache" in again
    ground.table.unlink()
    code, _, err = latents()
    assert code == 2 and "run `reelops metadata` first" in " ".join(err.split()) and "Traceback" not in err


# ---- what is no fact about a clip ----


def test_a_full_disk_ends_the_run_keeps_the_index_and_takes_no_clip_for_a_bad_one(encoded, tmp_path, small_model):
    clips, texts = (
        [path.stat().st_size for path in (encoded.latents / kind).rglob("*.safetensors")] for kind in ("clips", "texts")
    )
    assert max(texts) < min(clips), "so that captions fit where clips do not"
    ground = make_ground(tmp_path / "ground", small_model)
    with pytest.raises(MachineError, match="Free some space"), files_no_larger_than(max(texts)):
        ground.encode()
    assert not (ground.latents / "quarantine.json").exists() and not (ground.latents / "index.json").exists()
    assert ground.encode().quarantined == ()


def test_latents_that_cannot_be_opened_now_are_neither_missing_nor_broken(encoded):
    cache, _, entry, stored = cached(encoded)
    for read in (lambda: cache.read("clips", entry.key), cache.read_index):
        with pytest.raises(MachineError, match="on this machine now"), no_more_open_files():
            read()
    assert torch.equal(cache.read("clips", entry.key)["video_mean"], stored["video_mean"])


def test_other_code_or_libraries_encode_everything_anew(tmp_path, small_model, monkeypatch):
    ground = make_ground(tmp_path / "ground", small_model)
    first, again = ground.encode(), ground.encode()
    assert (first.encoded, again.encoded, again.kept) == (first.clips, 0, first.clips)
    monkeypatch.setattr(encoding_module, "making_of", lambda *_, **__: Making("of tomorrow", ()))
    later = ground.encode()
    assert (later.encoded, later.captions, later.removed) == (first.clips, first.captions, first.clips + first.captions)


def test_two_whole_runs_at_once_are_one_and_a_refusal_and_parts_go_beside_it(encoded, tmp_path, small_model):
    """Each removes what its own table does not name."""
    ground = make_ground(tmp_path / "ground", small_model)
    with (
        exclusive_lock(ground.folder / WORK / "lock", "not this one"),
        pytest.raises(MachineError, match=r"Another process is encoding into .*data/latents\. Wait for it"),
    ):
        ground.encode()
    with exclusive_lock(ground.folder / WORK / "lock", "not this one"):
        assert ground.encode(shard=Shard(1, 5)).encoded == 1
