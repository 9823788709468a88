"""One id says which code, data and weights made a clip."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from reelops.clip import ClipOrder
from reelops.errors import InputError
from reelops.tracking.lineage import Lineage, commit_of, data_digest, provenance, trace_lineage

IDENTITY = {
    "GIT_AUTHOR_NAME": "T",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "T",
    "GIT_COMMITTER_EMAIL": "t@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
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


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **IDENTITY},
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "code.py").write_text("x = 1\n")
    (folder / "dvc.lock").write_text(LOCK)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_id_is_read_back_as_it_was_written() -> None:
    lineage = Lineage("3f2a91c07b1e-dirty", None, "17be0c9d2a33", "a06d41f0b7c2", None)
    assert str(lineage) == "3f2a91c07b1e-dirty.-.17be0c9d2a33.a06d41f0b7c2.-"
    assert Lineage.parse(str(lineage)) == lineage


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d.e.f", "a..c.d.e", "a.b.c.d.e f"])
def test_what_is_no_id_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="is not a lineage id"):
        Lineage.parse(text)


def test_commit_is_the_checkouts_and_a_changed_file_marks_it(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    assert commit_of(checkout) == head[:12]
    (checkout / "code.py").write_text("x = 2\n")
    assert commit_of(checkout) == f"{head[:12]}-dirty"


def test_a_package_inside_another_projects_checkout_does_not_borrow_its_commit(checkout: Path) -> None:
    installed = checkout / ".venv" / "site-packages"
    installed.mkdir(parents=True)
    assert commit_of(installed) is None


def test_data_part_changes_with_the_data_and_not_with_other_outputs(checkout: Path) -> None:
    lock = checkout / "dvc.lock"
    before = data_digest(lock)
    lock.write_text(LOCK.replace("bbbb", "cccc"))
    assert data_digest(lock) == before
    lock.write_text(LOCK.replace("aaaa", "cccc"))
    assert data_digest(lock) != before


def test_lineage_takes_each_part_from_its_own_source(checkout: Path) -> None:
    facts = {"base_revision": "a6f0f4858a8395e7429d82493864ce92bf73af11", "adapter_sha256": "5" * 64}
    lineage = trace_lineage(facts, checkout)
    assert lineage.git == git(checkout, "rev-parse", "HEAD")[:12]
    assert lineage.base_revision == "a6f0f4858a83"
    assert lineage.adapter == "5" * 12
    assert lineage.dvc_lock and lineage.data and lineage.dvc_lock != lineage.data
    assert Lineage.parse(str(lineage)) == lineage


def test_a_revision_that_is_a_name_with_dots_still_reads_back(tmp_path: Path) -> None:
    assert trace_lineage({"base_revision": "sha256:" + "ab" * 32}, tmp_path).base_revision == "ab" * 6
    lineage = trace_lineage({"base_revision": "v1.0"}, tmp_path)
    assert Lineage.parse(str(lineage)) == lineage == Lineage(base_revision="v1_0")


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
