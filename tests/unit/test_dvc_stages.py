"""dvc.yaml: a stage runs again when any code changes that it computes with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reelops.system.making import SOURCE, modules_of

STAGES = ("fetch", "metadata", "latents", "train", "validate")


@pytest.fixture(scope="module")
def stages(repository: Path) -> dict[str, Any]:
    return yaml.safe_load((repository / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def code_of(stage: str, repository: Path) -> list[Path]:
    """The files of all modules that the stage's command computes with."""
    found = modules_of(f"reelops.cli.{stage}", apart_from=("reelops.views",))
    files = [path for name, path in found.items() if name.split(".")[1] != "cli"]
    return [repository / "src" / path.relative_to(SOURCE) for path in files]


def test_every_stage_is_a_command_of_ours(stages: dict[str, Any]) -> None:
    assert tuple(stages) == STAGES
    assert all(stages[name]["cmd"] == f"reelops {name}" for name in STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_code_that_it_computes_with_and_on_no_other(
    stage: str, stages: dict[str, Any], repository: Path
) -> None:
    files = code_of(stage, repository)
    named = [repository / one for one in stages[stage]["deps"] if one.startswith("src/")]
    assert files and named
    forgotten = [path for path in files if not any(one == path or one in path.parents for one in named)]
    assert not forgotten
    assert not [one for one in named if not any(one == path or one in path.parents for path in files)]
