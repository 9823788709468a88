"""Whatever strangers hand over is data: nothing of it is run, wherever it is opened."""

from __future__ import annotations

import ast
import json
import pickle
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelops.cogvideox.architecture import count_parameters, read_architecture
from reelops.cogvideox.profiles import Profile
from reelops.cogvideox.weights import locate_weights
from reelops.errors import WeightsError
from reelops.metrics.learned.embedding import Embedder
from reelops.metrics.learned.lpips import Lpips
from reelops.training.encode import load_text_encoder

ROOMS = ("src", "flows", "tasks", "scripts")
# What opens pickles, or runs what it reads. `worker_pool` unpickles the name of its own function from its own pipe.
UNSAFE = {
    ("pickle", "load"), ("pickle", "loads"), ("pickle", "Unpickler"), ("dill", "load"), ("cloudpickle", "load"),
    ("joblib", "load"), ("shelve", "open"), ("marshal", "load"), ("marshal", "loads"), ("pandas", "read_pickle"),
    ("yaml", "unsafe_load"), ("yaml", "full_load"), ("os", "system"), ("hub", "load"),
}  # fmt: skip
ALLOWED = {("worker_pool.py", "pickle.loads")}


def calls(repository: Path) -> Iterator[tuple[Path, ast.Call]]:
    for room in ROOMS:
        for path in sorted((repository / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield path, node


def named(node: ast.expr) -> list[str]:
    """`torch.load` as [torch, load]; what stands before a dot and is no name is a question mark."""
    if isinstance(node, ast.Attribute):
        return [*named(node.value), node.attr]
    return [node.id if isinstance(node, ast.Name) else "?"]


def said(call: ast.Call) -> dict[str | None, object]:
    return {keyword.arg: keyword.value.value for keyword in call.keywords if isinstance(keyword.value, ast.Constant)}


def test_nothing_opens_a_pickle_or_runs_what_it_reads(repository: Path) -> None:
    found = {
        (path.name, ".".join(named(call.func)))
        for path, call in calls(repository)
        if tuple(named(call.func)[-2:]) in UNSAFE or named(call.func) in (["eval"], ["exec"])
    }
    assert found <= ALLOWED
    assert not [path for path, call in calls(repository) if said(call).get("shell") is True]


def test_what_could_open_a_pickle_is_told_not_to(repository: Path) -> None:
    for path, call in calls(repository):
        name, told = named(call.func)[-2:], said(call)
        where = f"{path.relative_to(repository)}:{call.lineno}"
        if name == ["torch", "load"]:
            assert told.get("weights_only") is True, where
        if name == ["np", "load"]:
            assert told.get("allow_pickle") is False, where
        if name[-1:] == ["from_pretrained"] and not name[0].endswith(("Tokenizer", "Scheduler")):
            any_class = name[0] == "?"
            assert told.get("use_safetensors") is True or any_class, where
            assert told.get("trust_remote_code") is False or not any_class, where
        if name[0].startswith("Auto") and name[-1] == "from_pretrained":
            assert name[0].endswith("Tokenizer") or told.get("use_safetensors") is True, where
            if not name[0].startswith("Autoencoder"):
                assert told.get("trust_remote_code") is False, where
        if name == ["yaml", "load"]:
            assert "_StrictLoader" in ast.dump(call), where


class _Mark:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self._path,)


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """A file that only a stranger's code would make."""
    path = tmp_path / "mark"
    yield path
    assert not path.exists(), "a stranger's code was run"


@pytest.fixture
def dino(tmp_path: Path) -> Path:
    transformers = pytest.importorskip("transformers")
    config = transformers.Dinov2Config(
        image_size=28, patch_size=14, hidden_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    transformers.Dinov2Model(config).save_pretrained(tmp_path / "dino")
    return tmp_path / "dino"


def test_a_metrics_weights_in_a_pickle_are_refused_by_name(dino: Path, mark: Path) -> None:
    (dino / "model.safetensors").unlink()
    (dino / "pytorch_model.bin").write_bytes(pickle.dumps(_Mark(mark)))
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin is a pickle, which can run code"):
        Embedder(str(dino))


def test_sound_weights_of_a_metric_in_a_pickle_are_refused_too(dino: Path) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(dino / "model.safetensors"), dino / "pytorch_model.bin")
    assert Embedder(str(dino)).dimensions == 32, "a pickle beside safetensors does no harm"
    (dino / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match="is a pickle"):
        Embedder(str(dino))


@pytest.mark.parametrize("target", ["weights.bin", "../elsewhere.safetensors", "weights.safetensors.pt"])
def test_an_index_that_leads_to_anything_but_safetensors_is_refused(dino: Path, mark: Path, target: str) -> None:
    (dino / target).write_bytes(pickle.dumps(_Mark(mark)))
    (dino / "model.safetensors").unlink()
    (dino / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": {"a": target}}))
    with pytest.raises(WeightsError, match="is no safetensors file beside it"):
        Embedder(str(dino))


@pytest.mark.parametrize("text", ["[]", "{}", "[" * 100_000, '{"weight_map": 3}'])
def test_an_odd_index_is_told_by_its_name(dino: Path, text: str) -> None:
    (dino / "model.safetensors.index.json").write_text(text)
    with pytest.raises(WeightsError, match=r"index\.json is no index of weights"):
        Embedder(str(dino))


def test_code_that_comes_with_a_metrics_weights_is_not_run(dino: Path, mark: Path) -> None:
    config = json.loads((dino / "config.json").read_text())
    config |= {"model_type": "odd", "auto_map": {"AutoConfig": "odd.Config", "AutoModel": "odd.Model"}}
    (dino / "config.json").write_text(json.dumps(config))
    (dino / "odd.py").write_text(f"import pathlib; pathlib.Path({str(mark)!r}).touch()")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        Embedder(str(dino))


def test_weights_of_lpips_in_a_pickle_are_refused(tmp_path: Path, mark: Path) -> None:
    (path := tmp_path / "lpips.safetensors").write_bytes(pickle.dumps(_Mark(mark)))
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        Lpips(path)


@pytest.fixture
def base(small_model: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_model, tmp_path / "base")


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder"])
def test_a_base_whose_index_leads_to_a_pickle_is_refused(base: Path, mark: Path, tmp_path: Path, part: str) -> None:
    weights = next((base / part).glob("*.safetensors"))
    (base / part / "weights.bin").write_bytes(pickle.dumps(_Mark(mark)))
    index = weights.with_name(f"{weights.name}.index.json")
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": "weights.bin"}}))
    profile = Profile(name="a", folder=base, num_frames=9, fps=8, width=48, height=32)
    with pytest.raises(WeightsError, match=r"leads to 'weights\.bin', which is no safetensors file"):
        locate_weights(profile, tmp_path)


def test_code_that_comes_with_a_base_is_not_run(base: Path, mark: Path) -> None:
    code = f"import pathlib; pathlib.Path({str(mark)!r}).touch()"
    (base / "tokenizer" / "odd.py").write_text(code)
    config = base / "tokenizer" / "tokenizer_config.json"
    odd = {"tokenizer_class": "Odd", "auto_map": {"AutoTokenizer": ["odd.Odd", "odd.Odd"]}}
    config.write_text(json.dumps(json.loads(config.read_text()) | odd))
    with pytest.raises(WeightsError, match=r"tokenizer cannot be read: .* contains custom code"):
        load_text_encoder(base, "float32", "cpu")


def test_code_beside_a_network_of_a_base_is_not_run(base: Path, mark: Path, tmp_path: Path) -> None:
    from small_model import PLAIN_CPU

    from reelops.cogvideox.load import WARM_MODEL

    (base / "transformer" / "odd.py").write_text(f"import pathlib; pathlib.Path({str(mark)!r}).touch()")
    index = json.loads((base / "model_index.json").read_text())
    (base / "model_index.json").write_text(json.dumps(index | {"transformer": ["odd", "Odd"]}))
    profile = Profile(name="a", folder=base, num_frames=9, fps=8, width=48, height=32)
    with pytest.raises(WeightsError):
        WARM_MODEL.load(profile, PLAIN_CPU, tmp_path)


@pytest.mark.parametrize("data", [b"", b"\xff" * 8, b"\x02" + bytes(7) + b"[]", b"\x0d" + bytes(7) + b'{"a":{"b":1}}'])
def test_an_odd_header_of_weights_is_told_by_its_name(tmp_path: Path, data: bytes) -> None:
    (path := tmp_path / "odd.safetensors").write_bytes(data)
    with pytest.raises(WeightsError, match=f"^{path} is no whole safetensors file: .*$"):
        count_parameters(path)


def test_a_config_nested_beyond_measure_is_told_by_its_name(base: Path) -> None:
    (base / "vae" / "config.json").write_text('{"a":' * 100_000)
    with pytest.raises(WeightsError, match=r"config\.json cannot be read as JSON"):
        read_architecture(base)


def test_every_guard_that_is_promised_names_a_test_that_is_there(repository: Path) -> None:
    promises = (repository / "SECURITY.md").read_text().split("## What ReelOps guards")[1].split("\n## ")[0]
    for promise in promises.split("\n- ")[1:]:
        tests = re.findall(r"\]\((tests/[^)]+\.py)\)", promise)
        assert tests and all((repository / test).is_file() for test in tests), promise
