"""What is learnt, against independent computations with diffusers' own pipeline and scheduler."""

from __future__ import annotations

import json

import pytest
import torch
from small_model import FRAMES, HEIGHT, PROMPT_LENGTH, WIDTH, write_small_model

from reelops.cogvideox.architecture import read_architecture
from reelops.cogvideox.conditioning import picture_tensor
from reelops.cogvideox.denoiser import frame_subset, load_transformer, predict_velocity, rotary_positions
from reelops.cogvideox.loss import add_noise, noise_levels, velocity_loss, velocity_target
from reelops.training.cache import LatentCache
from reelops.training.clips import read_training_clips
from reelops.training.encode import read_sample
from reelops.training.samples import HeldOutSamples, Source, TrainingSamples

TIMESTEPS = (0, 1, 400, 998, 999)


@pytest.fixture(scope="module")
def levels(small_model):
    return noise_levels(read_architecture(small_model).configs["scheduler"])


@pytest.fixture(scope="module")
def transformer(small_model):
    return load_transformer(small_model, "float32").eval()


def noisy_batch(levels):
    generator = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(len(TIMESTEPS), 3, 16, 8, 12, generator=generator) for _ in range(2))
    steps = torch.tensor(TIMESTEPS)
    return x0, noise, steps, levels[steps]


def test_noise_and_velocity_equal_the_schedulers(small_pipeline, levels):
    x0, noise, steps, alpha_bar = noisy_batch(levels)
    scheduler = small_pipeline.scheduler
    torch.testing.assert_close(
        add_noise(x0, noise, alpha_bar), scheduler.add_noise(x0, noise, steps), rtol=0, atol=1e-5
    )
    expected = scheduler.get_velocity(x0, noise, steps)
    torch.testing.assert_close(velocity_target(x0, noise, alpha_bar), expected, rtol=0, atol=1e-5)


def test_the_last_timestep_is_noise_alone(levels):
    assert levels[-1] == 0
    assert (levels[:-1] > levels[1:]).all()


def test_plain_error_of_v_is_the_authors_weighted_error_of_x0(small_pipeline, levels):
    """x0' = sqrt(a) x_t - sqrt(1 - a) v', and (x0' - x0)^2 / (1 - a), as its published scripts compute it."""
    x0, noise, steps, alpha_bar = (part[1:] for part in noisy_batch(levels))
    predicted = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1))
    ours = velocity_loss(predicted, velocity_target(x0, noise, alpha_bar))
    noisy = small_pipeline.scheduler.add_noise(x0, noise, steps).double()
    theirs_x0 = small_pipeline.scheduler.get_velocity(predicted.double(), noisy, steps)
    weight = 1 / (1 - alpha_bar.view(-1, 1, 1, 1, 1))
    theirs = (weight * (theirs_x0 - x0.double()).square()).flatten(1).mean(1)
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)


def test_rotary_positions_equal_the_pipelines(small_pipeline):
    ours = rotary_positions(small_pipeline.transformer.config, (HEIGHT // 4, WIDTH // 4), 3, "cpu")
    theirs = small_pipeline._prepare_rotary_positional_embeddings(HEIGHT, WIDTH, 3, torch.device("cpu"))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@torch.no_grad()
def test_a_whole_training_loss_equals_the_pipelines_own_parts(encoded, small_pipeline, transformer, levels):
    """Picture and noise by `prepare_latents`, text by `encode_prompt`, noising and target by the scheduler."""
    cache = LatentCache(encoded.latents)
    index = cache.read_index()
    stored = cache.read("clips", index.clips[0].key)
    clip = read_training_clips(encoded.table, encoded.folder)[0]
    frames, picture = read_sample(clip, index.encoding)
    timestep = torch.tensor([600])

    generator = torch.Generator().manual_seed(11)
    theirs_noise, theirs_condition = small_pipeline.prepare_latents(
        picture_tensor(picture), 1, 16, FRAMES, HEIGHT, WIDTH, torch.float32, torch.device("cpu"), generator
    )
    video = torch.cat([picture_tensor(frame) for frame in frames]).permute(1, 0, 2, 3)[None]
    posterior = small_pipeline.vae.encode(video).latent_dist
    theirs_x0 = small_pipeline.vae.config.scaling_factor * posterior.mode().permute(0, 2, 1, 3, 4)
    text, _ = small_pipeline.encode_prompt(clip.captions[0], "", False, max_sequence_length=PROMPT_LENGTH)
    rotary = small_pipeline._prepare_rotary_positional_embeddings(HEIGHT, WIDTH, 3, torch.device("cpu"))
    noised = small_pipeline.scheduler.add_noise(theirs_x0, theirs_noise, timestep)
    output = small_pipeline.transformer(
        torch.cat([noised, theirs_condition], 2), text, timestep, image_rotary_emb=rotary, return_dict=False
    )[0]
    target = small_pipeline.scheduler.get_velocity(theirs_x0, theirs_noise, timestep)
    theirs = torch.nn.functional.mse_loss(output, target)

    draws = torch.Generator().manual_seed(11)
    noise_of_posterior = torch.randn(stored["picture_mean"][0].shape, generator=draws)
    noise = torch.randn(1, *stored["video_mean"].shape, generator=draws)
    x0 = index.encoding.video_scale * stored["video_mean"][None]
    condition = torch.zeros_like(x0)
    spread = (0.5 * stored["picture_logvar"][0]).exp()
    condition[0, 0] = index.encoding.picture_scale * (stored["picture_mean"][0] + spread * noise_of_posterior)
    words = cache.read("texts", index.clips[0].texts[0])["vectors"][None]
    alpha_bar = levels[timestep]
    ours_rotary = rotary_positions(transformer.config, (HEIGHT // 4, WIDTH // 4), 3, "cpu")
    predicted = predict_velocity(
        transformer, add_noise(x0, noise, alpha_bar), condition, words, timestep, ours_rotary, torch.float32
    )
    ours = velocity_loss(predicted, velocity_target(x0, noise, alpha_bar))[0]
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)


def test_a_sample_is_what_its_parts_say(encoded, levels):
    """Row by row from the cache: scaled draws from the posteriors, the picture first, no noise beyond it."""
    cache = LatentCache(encoded.latents)
    source = Source(cache, cache.read_index(), latent_frames=3)
    params = encoded.params(text_dropout=0.0, picture_dropout=0.0)
    samples = TrainingSamples(source, source.index.of_split("train"), params, len(levels))
    for number in range(8):
        sample, clip = samples[number], samples.clip_of(number)
        stored = cache.read("clips", clip.key)
        drawn = (sample["x0"] / 0.8 - stored["video_mean"]) / (0.5 * stored["video_logvar"]).exp()
        assert abs(drawn.mean().item()) < 0.1 and drawn.std().item() == pytest.approx(1, abs=0.05)
        rows = [
            ((sample["condition"][0] / 0.8 - stored["picture_mean"][row]) / (0.5 * stored["picture_logvar"][row]).exp())
            for row in (0, 1, 2)
        ]
        spreads = [row.std().item() for row in rows]
        assert min(abs(spread - 1) for spread in spreads[1:]) < 0.1, "one of the noised pictures was drawn from"
        assert sample["condition"][1:].abs().max() == 0
        assert any(torch.equal(sample["text"], cache.read("texts", key)["vectors"]) for key in clip.texts)


def test_samples_of_a_step_show_the_same_frames_as_they_stand_in_the_clip(encoded, levels):
    cache = LatentCache(encoded.latents)
    source = Source(cache, cache.read_index(), latent_frames=3)
    params = encoded.params(frames_per_step=2, batch=2, picture_dropout=0.0)
    samples = TrainingSamples(source, source.index.of_split("train"), params, len(levels))
    shown = [samples[number] for number in range(12)]
    frames = [tuple(sample["frames"].tolist()) for sample in shown]
    assert frames[::2] == frames[1::2] and set(frames) == {(0, 1), (0, 2)}
    for number, sample in enumerate(shown):
        stored = cache.read("clips", samples.clip_of(number).key)
        mean, logvar = (stored[name][list(frames[number])] for name in ("video_mean", "video_logvar"))
        drawn = (sample["x0"] / 0.8 - mean) / (0.5 * logvar).exp()
        assert abs(drawn.mean().item()) < 0.1 and drawn.std().item() == pytest.approx(1, abs=0.05)
        assert sample["noise"].shape == sample["condition"].shape == sample["x0"].shape
        assert sample["condition"][0].any() and not sample["condition"][1:].any()


@torch.no_grad()
def test_the_loss_depends_on_the_picture_and_on_nothing_when_it_is_dropped(encoded, transformer, levels):
    """Fails where a condition is lost, misplaced or overwritten on its way into the transformer."""
    cache = LatentCache(encoded.latents)
    source = Source(cache, cache.read_index(), latent_frames=3)
    clips = source.index.of_split("train")

    def loss(picture_dropout, swap):
        params = encoded.params(text_dropout=1.0, picture_dropout=picture_dropout)
        sample = TrainingSamples(source, clips, params, len(levels))[0]
        if swap:
            other = cache.read("clips", clips[1].key)["picture_mean"][0]
            sample["condition"][0] = torch.where(sample["condition"][0] != 0, 0.8 * other, sample["condition"][0])
        rotary = rotary_positions(transformer.config, (8, 12), 3, "cpu")
        x0, noise, condition, text = (sample[name][None] for name in ("x0", "noise", "condition", "text"))
        step = sample["timestep"][None]
        predicted = predict_velocity(
            transformer, add_noise(x0, noise, levels[step]), condition, text, step, rotary, torch.float32
        )
        return velocity_loss(predicted, velocity_target(x0, noise, levels[step])).item()

    assert abs(loss(0.0, swap=True) - loss(0.0, swap=False)) > 1e-4
    assert loss(1.0, swap=True) == loss(1.0, swap=False)


def test_dropouts_happen_as_often_as_asked(encoded, levels):
    cache = LatentCache(encoded.latents)
    source = Source(cache, cache.read_index(), latent_frames=3)
    params = encoded.params(steps=200, text_dropout=0.1, picture_dropout=0.05, prompt_probability=0.7)
    samples = TrainingSamples(source, source.index.of_split("train"), params, len(levels))
    empty = cache.read("texts", source.index.empty_text)["vectors"]
    seen = [samples[number] for number in range(400)]
    lost_text = sum(torch.equal(sample["text"], empty) for sample in seen)
    lost_picture = sum(not sample["condition"].any() for sample in seen)
    prompts = sum(
        torch.equal(sample["text"], cache.read("texts", samples.clip_of(number).texts[0])["vectors"])
        for number, sample in enumerate(seen)
    )
    # Within four standard deviations of a binomial.
    for found, share in ((lost_text, 0.1), (lost_picture, 0.05), (prompts, 0.9 * 0.7)):
        assert abs(found - 400 * share) < 4 * (400 * share * (1 - share)) ** 0.5
    steps = torch.stack([sample["timestep"] for sample in seen]).float()
    assert steps.min() < 50 and steps.max() > 949 and abs(steps.mean() - 500) < 4 * 289 / 20


def test_every_clip_is_seen_once_an_epoch_in_a_new_order(encoded):
    cache = LatentCache(encoded.latents)
    source = Source(cache, cache.read_index(), latent_frames=3)
    clips = source.index.of_split("train")
    samples = TrainingSamples(source, clips, encoded.params(steps=100), 1000)
    epochs = [[samples.clip_of(4 * epoch + place).clip_id for place in range(4)] for epoch in range(10)]
    assert all(sorted(epoch) == [clip.clip_id for clip in clips] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 3


def test_held_out_cases_are_the_same_whatever_the_run(encoded, levels):
    cache = LatentCache(encoded.latents)
    source = Source(cache, cache.read_index(), latent_frames=3)
    clips = source.index.of_split("validation")

    def case(seed, number=1, frames_per_step=None):
        params = encoded.params(seed=seed, frames_per_step=frames_per_step)
        return HeldOutSamples(source, clips, params, len(levels))[number]

    assert all(torch.equal(one, other) for one, other in zip(case(0).values(), case(9).values(), strict=True))
    assert case(0, 0)["timestep"] == 200 and case(0, 1)["timestep"] == 800
    assert not torch.equal(case(0, 0)["noise"], case(0, 1)["noise"])
    assert case(0)["frames"].tolist() == [0, 1, 2]
    few = case(0, frames_per_step=2)
    assert few["frames"][0] == 0 and few["x0"].shape[0] == 2
    assert all(torch.equal(one, other) for one, other in zip(few.values(), case(9, 1, 2).values(), strict=True))


@torch.no_grad()
def test_all_frames_seen_one_by_one_is_what_the_model_itself_does(transformer):
    generator = torch.Generator().manual_seed(0)
    noisy, condition = (torch.randn(1, 3, 16, 8, 12, generator=generator) for _ in range(2))
    text = torch.randn(1, PROMPT_LENGTH, 16, generator=generator)
    step = torch.tensor([500])
    rotary = rotary_positions(transformer.config, (8, 12), 3, "cpu")
    whole = predict_velocity(transformer, noisy, condition, text, step, rotary, torch.float32)
    with frame_subset(transformer, [0, 1, 2], rotary, 3, (8, 12)) as turned:
        same = predict_velocity(transformer, noisy, condition, text, step, turned, torch.float32)
    with frame_subset(transformer, [0, 2], rotary, 3, (8, 12)) as turned:
        some = predict_velocity(transformer, noisy[:, [0, 2]], condition[:, [0, 2]], text, step, turned, torch.float32)
    after = predict_velocity(transformer, noisy, condition, text, step, rotary, torch.float32)
    torch.testing.assert_close(same, whole, rtol=0, atol=0)
    torch.testing.assert_close(after, whole, rtol=0, atol=0)
    assert some.shape[1] == 2


@torch.no_grad()
def test_clips_of_another_length_than_the_bases_keep_their_positions(tmp_path):
    """A base that learned no positions knows no length; its own one must not be taken for the clip's."""
    transformer = load_transformer(write_small_model(tmp_path, learned_positions=False), "float32").eval()
    generator = torch.Generator().manual_seed(0)
    noisy, condition = (torch.randn(1, 5, 16, 8, 12, generator=generator) for _ in range(2))
    text, step = torch.randn(1, PROMPT_LENGTH, 16, generator=generator), torch.tensor([500])
    rotary = rotary_positions(transformer.config, (8, 12), 5, "cpu")
    whole = predict_velocity(transformer, noisy, condition, text, step, rotary, torch.float32)
    with frame_subset(transformer, range(5), rotary, 5, (8, 12)) as turned:
        seen = predict_velocity(transformer, noisy, condition, text, step, turned, torch.float32)
    torch.testing.assert_close(seen, whole, rtol=0, atol=0)


@torch.no_grad()
def test_a_frame_keeps_its_own_position_when_others_are_left_out(transformer):
    """Frames of the same content differ by position alone; the last one of three must not pass for the second."""
    text = torch.zeros(1, PROMPT_LENGTH, 16)
    frame = torch.randn(1, 1, 32, 8, 12, generator=torch.Generator().manual_seed(0)).expand(1, 2, 32, 8, 12)
    rotary = rotary_positions(transformer.config, (8, 12), 3, "cpu")

    def seen(frames):
        with frame_subset(transformer, frames, rotary, 3, (8, 12)) as turned:
            return predict_velocity(
                transformer, frame[:, :, :16], frame[:, :, 16:], text, torch.tensor([500]), turned, torch.float32
            )

    assert not torch.allclose(seen([0, 2])[:, 1], seen([0, 1])[:, 1], atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(("frames", "size"), [(3, (8, 12)), (5, (8, 12)), (3, (12, 16)), (4, (16, 4))])
def test_computed_positions_are_those_of_the_clip_whatever_length_and_size_the_base_was_made_for(
    tmp_path, frames, size
):
    """A base of sine-cosine positions, as CogVideoX-2B: some frames get what they get in a whole clip."""
    config = write_small_model(tmp_path, learned_positions=False) / "transformer/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"use_rotary_positional_embeddings": False}))
    embed = (transformer := load_transformer(tmp_path, "float32")).patch_embed
    pixels = torch.randn(1, frames, 32, *size, generator=torch.Generator().manual_seed(0))
    text = torch.zeros(1, PROMPT_LENGTH, 16)
    whole = embed(text, pixels)[:, PROMPT_LENGTH:].unflatten(1, (frames, -1))
    some = [0, frames - 1]
    with frame_subset(transformer, some, None, frames, size):
        seen = embed(text, pixels[:, some])[:, PROMPT_LENGTH:].unflatten(1, (2, -1))
    torch.testing.assert_close(seen, whole[:, some], rtol=0, atol=0)
    after = embed(text, pixels)[:, PROMPT_LENGTH:].unflatten(1, (frames, -1))
    torch.testing.assert_close(after, whole, rtol=0, atol=0)
