"""JSON that lies in a project, a cache or beside an adapter, where anybody may write: whatever it is, it is one line or
counts for nothing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from reelops.cogvideox.weights import _whole
from reelops.dataset.fetch.download.partial import Partial
from reelops.dataset.fetch.known_files import KnownFiles
from reelops.dataset.journal import read_journal
from reelops.errors import DatasetError, WeightsError
from reelops.params import load_config
from reelops.system.known_digests import digest_of_files
from reelops.tables.content_store import ContentStore
from reelops.training.cache import LatentCache
from reelops.training.checkpoint import damage_of
from reelops.validation.mlflow_run import training_run
from reelops.validation.reload import read_facts
from reelops.validation.verdict import read_verdict

TEXTS = {
    "nested beyond measure": "[" * 200_000,
    "objects nested beyond measure": '{"a":' * 200_000,
    "cut": '{"key": ',
    "a list": "[1]",
    "a number": "7",
    "nothing": "",
    "no text": b"\xff\xfe{".decode("latin-1"),
}


@dataclass(frozen=True)
class Kept:
    value: float


@pytest.fixture(params=TEXTS.values(), ids=TEXTS.keys())
def text(request) -> bytes:
    return request.param.encode("latin-1")


def test_a_checkpoint_with_such_a_manifest_is_damaged(tmp_path, text):
    (tmp_path / "manifest.json").write_bytes(text)
    assert damage_of(tmp_path) == "it has no readable manifest.json"


def test_memories_count_for_nothing(tmp_path, text):
    for name in ("files.jsonl", "digests.json", "whole.mp4.json"):
        (tmp_path / name).write_bytes(text)
    assert list(read_journal(tmp_path / "files.jsonl")) == []
    assert KnownFiles(tmp_path).of(tmp_path / "digests.json") is None
    assert Partial(tmp_path / "whole.mp4").beginning is None
    weights = tmp_path / "weights"
    weights.write_bytes(b"weights")
    nowhere = digest_of_files(tmp_path, [weights], tmp_path / "none")
    assert digest_of_files(tmp_path, [weights], tmp_path) == nowhere


def test_a_kept_result_counts_for_nothing(tmp_path, text):
    store = ContentStore(tmp_path, Kept)
    store.write("key", Kept(1.0))
    assert store.read("key") == Kept(1.0)
    store.path_of("key").write_bytes(text)
    assert store.read("key") is None


def test_what_a_project_says_of_its_adapter_counts_for_nothing(tmp_path, text):
    (tmp_path / "params.yaml").write_text("{}")
    config = load_config(params_file=tmp_path / "params.yaml", home=tmp_path / "home")
    for path in ("reports/validate/verdict.json", "reports/train/run.json"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_bytes(text)
    assert read_verdict("a digest", config) is None and training_run("a digest", config) is None


def test_latents_and_facts_of_an_adapter_are_refused_by_name(tmp_path, text):
    (tmp_path / "index.json").write_bytes(text)
    with pytest.raises(DatasetError, match=r"index\.json"):
        LatentCache(tmp_path).read_index()
    (tmp_path / "adapter.json").write_bytes(text)
    with pytest.raises(WeightsError, match=r"adapter\.json"):
        read_facts(tmp_path)


def test_a_snapshot_of_the_hub_with_such_an_index_is_not_whole(tmp_path, text):
    (tmp_path / "model_index.json").write_text("{}")
    (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer" / "model.safetensors.index.json").write_bytes(text)
    assert not _whole(tmp_path)
