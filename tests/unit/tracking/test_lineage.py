"""One id says which code, data and weights made a clip."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from reelops.clip import ClipOrder
from reelops.errors import InputError
from reelops.tracking.lineage import Lineage, code_commit, data_digest, provenance, trace_lineage

LOCK = """
schema: '2.0'
stages:
  metadata:
    cmd: reelops metadata
    outs:
    - {path: data/metadata, md5: aaaa.dir, size: 3}
  train:
    cmd: reelops train
    outs:
    - {path: models/adapters/press, md5: bbbb.dir, size: 3}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "dvc.lock").write_text(LOCK)
    return folder


def test_id_is_read_back_as_it_was_written() -> None:
    lineage = Lineage("3f2a91c07b1e-dirty", None, "17be0c9d2a33", "a06d41f0b7c2", None)
    assert str(lineage) == "3f2a91c07b1e-dirty.-.17be0c9d2a33.a06d41f0b7c2.-"
    assert Lineage.parse(str(lineage)) == lineage


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d.e.f", "a..c.d.e", "a.b.c.d.e f"])
def test_what_is_no_id_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="is not a lineage id"):
        Lineage.parse(text)


def test_data_part_changes_with_the_data_and_not_with_other_outputs(project: Path) -> None:
    lock = project / "dvc.lock"
    before = data_digest(lock)
    lock.write_text(LOCK.replace("bbbb", "cccc"))
    assert data_digest(lock) == before
    lock.write_text(LOCK.replace("aaaa", "cccc"))
    assert data_digest(lock) != before


def test_lineage_takes_each_part_from_its_own_source(project: Path) -> None:
    facts = {"base_revision": "a6f0f4858a8395e7429d82493864ce92bf73af11", "adapter_sha256": "5" * 64}
    lineage = trace_lineage(facts, project)
    assert lineage.base_revision == "a6f0f4858a83"
    assert lineage.adapter == "5" * 12
    assert lineage.dvc_lock == hashlib.sha256(LOCK.encode()).hexdigest()[:12]
    assert lineage.data == data_digest(project / "dvc.lock")
    assert Lineage.parse(str(lineage)) == lineage


def test_a_project_of_its_own_gives_its_data_and_never_its_commit(project: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    as_somebody = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *as_somebody, "commit", "-q", "-m", "first"], cwd=project, check=True)
    assert trace_lineage({}, project).git == (code_commit() or "unknown")


@pytest.mark.parametrize("damaged", ["{", "- a\n- b\n", "stages: {a: {outs: [{md5: x}]}}", "<<<<<<< HEAD\n\tx", "\x00"])
def test_a_lock_that_cannot_be_read_is_unknown_and_stops_no_clip(project: Path, damaged: str) -> None:
    (project / "dvc.lock").write_text(damaged)
    lineage = trace_lineage({}, project)
    assert lineage.data == "unknown" and Lineage.parse(str(lineage)) == lineage


def test_a_project_without_a_lock_has_neither_stages_nor_data(tmp_path: Path) -> None:
    lineage = trace_lineage({}, tmp_path)
    assert (lineage.dvc_lock, lineage.data) == (None, None)


def test_a_revision_that_is_a_name_with_dots_still_reads_back(tmp_path: Path) -> None:
    assert trace_lineage({"base_revision": "sha256:" + "ab" * 32}, tmp_path).base_revision == "ab" * 6
    lineage = trace_lineage({"base_revision": "v1.0"}, tmp_path)
    assert Lineage.parse(str(lineage)) == lineage and lineage.base_revision == "v1_0"


def test_provenance_holds_what_it_takes_to_make_the_clip_again() -> None:
    order = ClipOrder(picture=Path("/somewhere/private/kodim03.png"), prompt="slow zoom in", seed=7)
    facts = {
        "base": "tiny-i2v",
        "base_revision": "abc",
        "steps": 12,
        "guidance": 3.5,
        "picture_sha256": "ff",
        "seed": 7,
    }
    told = json.loads(json.dumps(provenance(order, facts, Lineage(git="abc"))))
    assert told["prompt"] == "slow zoom in"
    assert (told["seed"], told["steps"], told["guidance"]) == (7, 12, 3.5)
    assert told["lineage"] == "abc.-.-.-.-"
    assert told["picture"] == "kodim03.png", "a folder's name is nobody's business"
