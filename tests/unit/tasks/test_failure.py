"""Prefect runs a task again where its failure may pass; what passes is tested in tests/unit/test_errors.py."""

from __future__ import annotations

import pytest

pytest.importorskip("prefect", reason='Prefect comes with pip install "reelops[orchestration]"')

from prefect.states import Failed
from prefect.task_engine import TaskRunTimeoutError

from reelops.errors import PictureError
from tasks.failure import retry_if_it_may_pass


def test_prefect_asks_with_the_state_that_it_would_record() -> None:
    assert retry_if_it_may_pass(None, None, Failed(data=ConnectionResetError()))
    assert not retry_if_it_may_pass(None, None, Failed(data=PictureError("a text file")))


def test_a_task_that_took_longer_than_its_limit_is_not_run_again() -> None:
    assert not retry_if_it_may_pass(None, None, Failed(data=TaskRunTimeoutError("longer than an hour")))
