"""The CogVideoX generator beyond the contract: defaults, facts, adapters, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_model import HEIGHT, PLAIN_CPU, PROMPT_LENGTH, WIDTH

from reelops.clip import ClipOrder
from reelops.cogvideox.load import WARM_MODEL
from reelops.cogvideox.profiles import find_profile
from reelops.cogvideox.weights import content_digest
from reelops.errors import Cancelled, InputError, MachineError, OutOfMemory, SettingsError, WeightsError
from reelops.generators.cogvideox import CogVideoXGenerator
from reelops.params import load_config
from reelops.progress import RunContext
from reelops.system.digest import sha256_of


@pytest.fixture
def project(small_model, small_picture, tmp_path):
    """params.yaml with the small model as tiny, and a picture of exactly its size."""
    Image.fromarray(small_picture).save(tmp_path / "picture.png")
    (tmp_path / "params.yaml").write_text(
        f"profiles:\n  tiny: {{folder: {small_model}, num_frames: 9, fps: 8, width: {WIDTH}, height: {HEIGHT}, "
        f"steps: 2, guidance: 3.0, prompt_length: {PROMPT_LENGTH}}}\n"
        f"  gone: {{folder: gone, num_frames: 9, fps: 8, width: {WIDTH}, height: {HEIGHT}}}\n"
    )
    return tmp_path


@pytest.fixture
def generator(project):
    return CogVideoXGenerator(load_config(params_file=project / "params.yaml"), PLAIN_CPU)


@pytest.fixture
def order(project):
    return ClipOrder(picture=project / "picture.png", prompt="pan left")


def test_facts_say_what_made_the_clip(generator, order, small_model, tmp_path):
    made = generator.generate(order)
    facts = made.facts.to_json()
    assert (facts["profile"], facts["base"], facts["steps"], facts["guidance"]) == ("tiny", "small", 2, 3.0)
    assert facts["base_revision"] == content_digest(small_model, tmp_path / "cache")
    assert (facts["dtype"], facts["device"], facts["offload"]) == ("float32", "cpu", "none")
    assert facts["picture_sha256"] == sha256_of(order.picture)
    assert set(made.seconds) == {"device", "load", "encode", "denoise", "decode"}
    assert not facts["random_weights"]


def test_the_clip_is_the_diffusers_pipelines_own(generator, order, small_pipeline, small_picture):
    import torch

    made = generator.generate(order)
    video = small_pipeline(
        image=Image.fromarray(small_picture),
        prompt=order.prompt,
        num_frames=9,
        num_inference_steps=2,
        guidance_scale=3.0,
        generator=torch.Generator().manual_seed(0),
        max_sequence_length=PROMPT_LENGTH,
        output_type="np",
    ).frames[0]
    assert np.abs(made.read_frames().astype(int) - (video * 255).round().astype(int)).max() <= 1


def write_adapter(path, header=None):
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    matrices = {"lora_A.weight": torch.randn(2, 32), "lora_B.weight": torch.randn(32, 2)}
    layer = "transformer.transformer_blocks.0.attn1.to_q"
    save_file({f"{layer}.{name}": value for name, value in matrices.items()}, path, header)
    return path


@pytest.fixture
def lora(tmp_path):
    """An adapter for one layer, without a word on its alpha or its base."""
    return write_adapter(tmp_path / "lora.safetensors")


def test_an_adapter_changes_the_clip_and_is_gone_for_the_next_order(generator, order, lora):
    plain_THWC = generator.generate(order).read_frames()
    adapted = generator.generate(order.but(adapter=lora, adapter_strength=0.7))
    assert not np.array_equal(plain_THWC, adapted.read_frames())
    assert adapted.facts.own["adapter_sha256"] == sha256_of(lora)
    assert (adapted.facts.own["adapter_rank"], adapted.facts.own["adapter_strength"]) == (2, 0.7)
    assert any("states no alpha" in note for note in adapted.facts.notes)
    assert np.array_equal(generator.generate(order).read_frames(), plain_THWC)


def test_of_several_adapters_each_is_applied_at_its_strength_and_all_are_gone_for_the_next_order(
    generator, order, lora, tmp_path
):
    plain_THWC = generator.generate(order).read_frames()
    half = f"{write_adapter(tmp_path / 'half.safetensors')}=0.5"
    both = generator.generate(order.but(adapter=lora, adapter_strength=0.5, more_adapters=half))
    whole = generator.generate(order.but(adapter=lora))
    assert np.abs(both.read_frames().astype(int) - whole.read_frames()).max() <= 1, "two halves are one whole"
    assert both.facts.own["adapter_sha256"] not in (None, sha256_of(lora))
    assert [one["strength"] for one in both.facts.own["more_adapters"]] == [0.5]
    assert np.array_equal(generator.generate(order).read_frames(), plain_THWC)
    away = generator.generate(order.but(adapter=lora, more_adapters=half.replace("=0.5", "=0")))
    assert np.array_equal(away.read_frames(), whole_frames(generator, order, lora))


def whole_frames(generator, order, lora):
    return generator.generate(order.but(adapter=lora)).read_frames()


@pytest.mark.parametrize("given", ["a=much", "=1", "a=11", "a=nan"])
def test_further_adapters_that_cannot_be_are_refused(order, lora, given):
    with pytest.raises(InputError, match="more_adapters"):
        order.but(adapter=lora, more_adapters=given)
    with pytest.raises(InputError, match="name the first one"):
        order.but(more_adapters="a=1")


def test_an_adapter_of_another_base_is_refused_before_and_while_generating_unless_asked_for(
    generator, order, small_model, tmp_path
):
    facts = {"base": "small", "base_revision": "sha256:another"}
    stranger = order.but(adapter=write_adapter(tmp_path / "lora.safetensors", {"reelops": json.dumps(facts)}))
    for door in (generator.check, generator.generate):
        with pytest.raises(WeightsError, match=r"was trained on small sha256:another.*--other-base"):
            door(stranger)
    asked = stranger.but(other_base=True)
    generator.check(asked)
    assert any("applied to another base" in note for note in generator.generate(asked).facts.notes)


def test_an_adapter_of_this_base_is_applied_without_a_note(generator, order, small_model, tmp_path):
    facts = {"base": "renamed", "base_revision": content_digest(small_model, tmp_path / "cache")}
    own = order.but(adapter=write_adapter(tmp_path / "lora.safetensors", {"reelops": json.dumps(facts)}))
    generator.check(own)
    assert not any("base" in note for note in generator.generate(own).facts.notes)


def test_what_the_user_should_know_is_in_the_notes(generator, order):
    made = generator.generate(order.but(prompt="pan left " * 40, negative_prompt="zoom out", guidance=1.0))
    assert any("left out" in note for note in made.facts.notes)
    assert any("negative prompt changes nothing" in note for note in made.facts.notes)


@pytest.mark.parametrize(
    ("change", "error", "word"),
    [
        ({"profile": "tinny"}, SettingsError, "mean tiny"),
        ({"profile": "gone"}, WeightsError, "no such folder"),
        ({"adapter": Path("/nowhere/lora")}, SettingsError, "/nowhere/lora"),
    ],
)
def test_wrong_orders_are_one_line(generator, order, change, error, word):
    with pytest.raises(error, match=word) as caught:
        generator.generate(order.but(**change))
    assert "\n" not in str(caught.value)


def test_a_machine_that_is_too_small_is_told_so(project, order):
    WARM_MODEL.unload()
    poor = replace(PLAIN_CPU, ram_free_bytes=200_000_000)
    generator = CogVideoXGenerator(load_config(params_file=project / "params.yaml"), poor)
    with pytest.raises(MachineError, match=r"0\.2 GB of memory free"):
        generator.generate(order)


def test_orders_from_several_threads_take_turns_and_each_gets_its_own_clip(generator, order):
    from concurrent.futures import ThreadPoolExecutor

    orders = [order.but(seed=seed) for seed in (1, 2, 1)]
    alone = [generator.generate(one).read_frames() for one in orders[:2]]
    with ThreadPoolExecutor(3) as pool:
        together = [made.read_frames() for made in pool.map(generator.generate, orders)]
    assert all(np.array_equal(a, b) for a, b in zip(together, [*alone, alone[0]], strict=True))


def test_a_waiting_order_can_be_stopped(generator, order):
    from concurrent.futures import ThreadPoolExecutor

    from reelops.cogvideox.load import WARM_MODEL

    with ThreadPoolExecutor(1) as pool, WARM_MODEL.exclusive():
        waiting = pool.submit(generator.generate, order, RunContext(should_stop=lambda: True))
        with pytest.raises(Cancelled, match="while waiting"):
            waiting.result(timeout=60)


def full_gpu(*_, **__):
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_where_memory_runs_out_the_model_is_held_in_a_way_that_needs_less_and_the_clip_says_so(generator, order):
    generator.generate(order)
    warm = WARM_MODEL.load(find_profile("tiny", generator._config), PLAIN_CPU, generator._config.cache)
    warm.pipeline.transformer.register_forward_pre_hook(full_gpu)
    made, told = generator.generate(order), []
    note = "memory ran out with everything in memory; made with everything in memory, decoding in tiles"
    assert note in made.facts.notes and made.facts.to_json()["vae_tiling"] is True
    again = generator.generate(order, RunContext(told.append))
    assert again.facts.to_json()["vae_tiling"] is True, "the next order does not run out of memory first"
    assert np.array_equal(made.read_frames(), again.read_frames())


def test_a_full_gpu_is_one_line_and_the_next_order_plans_anew(generator, order, monkeypatch):
    from diffusers import CogVideoXTransformer3DModel

    with monkeypatch.context() as patched:
        patched.setattr(CogVideoXTransformer3DModel, "forward", full_gpu)
        with pytest.raises(OutOfMemory, match=r"with offload none \(planned: \d\.\d GB\)\. Free it of other work"):
            generator.generate(order)
    facts = generator.generate(order).facts.to_json()
    assert (facts["profile"], facts["vae_tiling"]) == ("tiny", False)


def test_memory_returns_to_its_level_after_each_order_and_no_model_is_loaded_again(generator, order, lora):
    import gc

    import torch

    def held() -> int:
        gc.collect()
        kinds = (torch.Tensor, torch.nn.Parameter)  # a compiler's stand-ins for tensors hold nothing
        return sum(one.nbytes for one in gc.get_objects() if type(one) in kinds)

    orders = [order.but(seed=number, adapter=lora if number % 2 else None) for number in range(10)]
    generator.generate(orders[1]).read_frames()
    model = WARM_MODEL.load(find_profile("tiny", generator._config), PLAIN_CPU, generator._config.cache)
    level = held()
    for one in orders:
        generator.generate(one).read_frames()
        assert held() == level, f"after seed {one.seed}"
    assert WARM_MODEL.load(find_profile("tiny", generator._config), PLAIN_CPU, generator._config.cache) is model


def test_a_gpu_that_is_full_while_a_model_or_an_adapter_is_loaded_is_no_fault_of_their_files(
    generator, order, lora, monkeypatch
):
    from diffusers import CogVideoXImageToVideoPipeline, CogVideoXTransformer3DModel

    WARM_MODEL.unload()
    with monkeypatch.context() as patched:
        patched.setattr(CogVideoXTransformer3DModel, "load_lora_adapter", full_gpu)
        with pytest.raises(OutOfMemory, match=r"ran out of memory reading .*lora"):
            generator.generate(order.but(adapter=lora))
    with monkeypatch.context() as patched:
        patched.setattr(CogVideoXImageToVideoPipeline, "from_pretrained", full_gpu)
        with pytest.raises(OutOfMemory, match="ran out of memory reading"):
            generator.generate(order)
