"""What is kept is found by its key and by nothing else; a file that is damaged counts as absent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reelops.tables.content_store import ContentStore


@dataclass(frozen=True)
class Question:
    clip: str
    version: int
    prompt: str | None = None


@dataclass(frozen=True)
class Answer:
    value: float


QUESTION = Question("abc", 1)


@pytest.fixture
def store(tmp_path: Path) -> ContentStore[Question, Answer]:
    return ContentStore(tmp_path / "new", Answer)


def test_a_result_is_found_by_an_equal_key_to_the_last_bit(store: ContentStore[Question, Answer]) -> None:
    store.write(QUESTION, Answer(1 / 3))
    assert store.read(Question("abc", 1)) == Answer(1 / 3)
    assert store.read(replace(QUESTION, version=2)) is None
    assert store.read(replace(QUESTION, prompt="zoom in")) is None


def test_nothing_is_found_in_a_store_that_does_not_exist(store: ContentStore[Question, Answer]) -> None:
    assert store.read(QUESTION) is None
    assert not store.folder.exists()


@pytest.mark.parametrize("damaged", ["", "[]", "3", "{}", '{"key": {"clip": "abc"}', '{"key": 1, "value": {}}', "\0"])
def test_a_file_that_cannot_be_read_counts_as_absent(damaged: str, store: ContentStore[Question, Answer]) -> None:
    store.write(QUESTION, Answer(1.0))
    store.path_of(QUESTION).write_text(damaged)
    assert store.read(QUESTION) is None


def test_a_file_under_the_name_of_another_key_is_not_believed(store: ContentStore[Question, Answer]) -> None:
    store.write(QUESTION, Answer(1.0))
    other = replace(QUESTION, clip="def")
    store.path_of(other).parent.mkdir(parents=True, exist_ok=True)
    store.path_of(QUESTION).replace(store.path_of(other))
    assert store.read(other) is None


def test_a_result_of_another_shape_counts_as_absent(store: ContentStore[Question, Answer]) -> None:
    store.write(QUESTION, Answer(1.0))
    path = store.path_of(QUESTION)
    path.write_text(path.read_text().replace('"value": 1.0', '"value": "much"'))
    assert store.read(QUESTION) is None
