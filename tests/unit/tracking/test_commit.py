"""Which commit code is of: what git cannot say is unknown, and never another repository's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reelops.tracking import commit
from reelops.tracking.commit import commit_of, refused_by_git

IDENTITY = {
    "GIT_AUTHOR_NAME": "T",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "T",
    "GIT_COMMITTER_EMAIL": "t@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
MODULE = "src/reelops/code.py"


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **IDENTITY},
    )
    return done.stdout.strip()


def made_checkout(folder: Path) -> Path:
    (folder / MODULE).parent.mkdir(parents=True)
    (folder / MODULE).write_text(f"x = {folder.name!r}\n")
    (folder / ".gitignore").write_text("outputs/\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", folder.name)
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return made_checkout(tmp_path / "checkout")


@pytest.fixture
def head(checkout: Path) -> str:
    return git(checkout, "rev-parse", "HEAD")[:12]


def stand_in(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """A `git` first on the path; in its script `$REAL` is the one that would have been run."""
    real = shutil.which("git")
    folder.mkdir()
    program = folder / "git"
    program.write_text(f"#!/bin/sh\nREAL={real}\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_commit_is_the_checkouts_and_a_changed_file_marks_it(checkout: Path, head: str) -> None:
    assert commit_of(checkout) == head
    (checkout / MODULE).write_text("x = 2\n")
    assert commit_of(checkout) == f"{head}-dirty"


def test_a_change_that_is_staged_marks_it(checkout: Path, head: str) -> None:
    (checkout / MODULE).write_text("x = 2\n")
    git(checkout, "add", ".")
    assert commit_of(checkout) == f"{head}-dirty"


@pytest.mark.parametrize("module", ["src/reelops/new.py", "flows/new_story.py", "src/reelops/outputs/new.py"])
def test_a_module_that_git_does_not_know_marks_it_ignored_or_not(checkout: Path, head: str, module: str) -> None:
    (checkout / module).parent.mkdir(parents=True, exist_ok=True)
    (checkout / module).touch()
    assert commit_of(checkout) == f"{head}-dirty"


def test_what_decides_no_result_does_not_mark_it(checkout: Path, head: str) -> None:
    (checkout / "src" / "reelops" / "__pycache__").mkdir()
    for name in ("notes.txt", "try.py", "src/reelops/__pycache__/code.cpython-311.pyc"):
        (checkout / name).touch()
    assert commit_of(checkout) == head


def test_an_index_that_is_damaged_leaves_it_open_whether_files_were_changed(checkout: Path, head: str) -> None:
    (checkout / ".git" / "index").write_bytes(b"garbage")
    assert commit_of(checkout) == f"{head}-unknown"


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_was_told_not_to_look_at_leaves_it_open(checkout: Path, head: str, flag: str) -> None:
    git(checkout, "update-index", flag, MODULE)
    (checkout / MODULE).write_text("x = 2\n")
    assert commit_of(checkout) == f"{head}-unknown"


@pytest.mark.parametrize("question", ["status", "ls-files"])
def test_a_question_that_git_does_not_answer_leaves_it_open(
    checkout: Path, head: str, question: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, tmp_path / "bin", f'case "$*" in *{question}*) exit 128;; esac; exec "$REAL" "$@"')
    assert commit_of(checkout) == f"{head}-unknown"


def test_a_git_that_takes_too_long_leaves_it_open(
    checkout: Path, head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, tmp_path / "bin", 'case "$*" in *status*) exec sleep 60;; esac; exec "$REAL" "$@"')
    monkeypatch.setattr(commit, "_TIMEOUT_SECONDS", 1)
    assert commit_of(checkout) == f"{head}-unknown"


def test_without_git_the_commit_of_a_checkout_is_unknown(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert commit_of(checkout) == "unknown"


def test_a_checkout_of_another_user_that_git_refuses_is_unknown(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, tmp_path / "bin", 'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec "$REAL" "$@"')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    assert commit_of(checkout) == "unknown"


def test_a_repository_without_a_commit_is_unknown(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) == "unknown"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GIT_DIR", ".git"),
        ("GIT_COMMON_DIR", ".git"),
        ("GIT_OBJECT_DIRECTORY", ".git/objects"),
        ("GIT_INDEX_FILE", ".git/index"),
        ("GIT_WORK_TREE", "."),
    ],
)
def test_a_git_hooks_environment_leads_to_no_other_repository(
    checkout: Path, head: str, variable: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = made_checkout(tmp_path / "other")
    monkeypatch.setenv(variable, str(other / value))
    assert commit_of(checkout) == head


def test_a_work_tree_has_its_own_commit(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side" / MODULE).write_text("x = 3\n")
    git(tmp_path / "side", "commit", "-q", "-a", "-m", "second")
    assert commit_of(tmp_path / "side") == git(tmp_path / "side", "rev-parse", "HEAD")[:12]


def test_a_work_tree_whose_repository_is_gone_is_unknown(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    shutil.rmtree(checkout)
    assert commit_of(tmp_path / "side") == "unknown"


def test_a_folder_inside_another_projects_checkout_does_not_borrow_its_commit(checkout: Path) -> None:
    installed = checkout / ".venv" / "site-packages"
    installed.mkdir(parents=True)
    assert commit_of(installed) is None
    (installed / ".git").mkdir()  # what is left of a repository
    assert commit_of(installed) == "unknown"


def test_a_repository_that_speaks_of_another_folder_is_unknown(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    git(checkout, "config", "core.worktree", str(tmp_path / "elsewhere"))
    assert commit_of(checkout) == "unknown"


def test_a_wheel_says_which_commit_it_was_built_from(tmp_path: Path) -> None:
    assert commit_of(tmp_path) is None
    (tmp_path / "commit").write_text("3f2a91c07b1e-dirty\n")
    assert commit_of(tmp_path) == "3f2a91c07b1e-dirty"
    (tmp_path / "commit").write_bytes(b"\xff\xfe\x00")
    assert commit_of(tmp_path) == "unknown"


def test_the_module_runs_alone_as_setup_does_it(checkout: Path, head: str) -> None:
    module = f"import runpy; print(runpy.run_path({commit.__file__!r})['commit_of'](__import__('pathlib').Path('.')))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", module], cwd=checkout, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == head


def test_a_checkout_of_another_user_is_unknown_and_said_with_what_lets_git_look(
    checkout: Path, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    assert refused_by_git(checkout) is None
    # Git's own switch for its tests: it takes every folder for somebody else's, whoever runs this.
    kept = commit._environment
    monkeypatch.setattr(commit, "_environment", lambda folder: {**kept(folder), "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert commit_of(checkout) == "unknown"
    told = refused_by_git(checkout) or ""
    assert f"{checkout} belongs to another user" in told
    assert f"git config --global --add safe.directory {checkout}" in told


def test_where_there_is_no_checkout_git_refuses_nothing(tmp_path: Path) -> None:
    assert refused_by_git(tmp_path) is None
