"""What scores are found again by: everything that decides them."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path

import pytest

from reelops.metrics.settings import Weights
from reelops.scoring import score_store as module
from reelops.scoring.score_store import ScoreKey, score_store, weights_of
from reelops.system.making import Making, making_of

KEY = ScoreKey(clip="c", metrics="m", settings="s", picture="p", prompt="zoom in")
ASKED = ("subject_consistency", "background_consistency", "lpips")


@pytest.mark.parametrize("name", [field.name for field in fields(ScoreKey)])
def test_every_part_of_a_key_is_looked_at(name: str, tmp_path: Path) -> None:
    store = score_store(tmp_path)
    other = (("dino", "d"),) if name == "weights" else ("lpips",) if name == "also" else "another"
    assert store.path_of(replace(KEY, **{name: other})) != store.path_of(KEY)


def test_scores_are_kept_by_the_code_and_the_libraries_that_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEY.making == making_of("reelops.metrics.suite").digest
    monkeypatch.setattr(module, "making_of", lambda *_: Making("of tomorrow", ()))
    assert ScoreKey(clip="c", metrics="m", settings="s", picture="p", prompt="zoom in") != KEY


def test_weights_are_known_by_their_bytes_and_only_those_that_are_asked_for(tmp_path: Path) -> None:
    dino, lpips = tmp_path / "dino", tmp_path / "lpips.safetensors"
    dino.mkdir()
    for path in (dino / "model.safetensors", lpips):
        path.write_bytes(b"weights of the first training")
    weights, cache = Weights(dino=str(dino), lpips=str(lpips)), tmp_path / "cache"
    before = dict(weights_of(ASKED, weights, cache))
    assert before["clip"] is None and before["dino"] and before["lpips"]
    assert weights_of((), weights, cache) == () and set(dict(weights_of(ASKED[:1], weights, cache))) == {"dino"}
    times = (dino / "model.safetensors").stat()
    (dino / "model.safetensors").write_bytes(b"weights of the other training")
    os.utime(dino / "model.safetensors", ns=(times.st_atime_ns, times.st_mtime_ns))
    after = dict(weights_of(ASKED, weights, cache))
    assert after["dino"] != before["dino"] and after["lpips"] == before["lpips"]


def test_weights_that_are_nowhere_on_this_machine_have_no_digest(tmp_path: Path) -> None:
    nowhere = Weights(dino="nobody/has-such-a-model", clip="not a name / of the hub")
    assert weights_of(ASKED, nowhere, tmp_path) == (("dino", None), ("clip", None), ("lpips", None))
