"""The production line's steps as tasks of Prefect."""

from __future__ import annotations

from typing import get_args

import pytest

pytest.importorskip("prefect", reason='Prefect comes with pip install "reelops[orchestration]"')

from reelops.production.producer import Step
from tasks.generation import STEPS


def test_every_step_of_the_line_is_a_task_with_a_name_and_a_time_limit_of_its_own() -> None:
    assert tuple(STEPS) == get_args(Step)
    assert len({how["name"] for how in STEPS.values()}) == len(STEPS)
    assert all(how["timeout_seconds"] > 0 for how in STEPS.values())
