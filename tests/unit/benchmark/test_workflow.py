"""What measures pull requests and runs every night names commands and flows that are there."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import yaml
from prefect import Flow

from scripts.docs_checks import problem_of


def test_the_workflow_for_pull_requests_calls_commands_that_exist(repository: Path) -> None:
    told = yaml.safe_load((repository / ".github/workflows/benchmark.yml").read_text())
    steps = [step for job in told["jobs"].values() for step in job["steps"]]
    scripts = "\n".join(step["run"] for step in steps if "run" in step)
    commands = re.findall(r"^\s*\.venv/bin/(reelops .*)$", scripts, re.MULTILINE)
    assert commands and [problem_of(shlex.split(command)) for command in commands] == [None] * len(commands)
    assert all(step["uses"].partition("@")[2] for step in steps if "uses" in step)
    assert told["permissions"] == {"contents": "read", "pull-requests": "write"}


def test_every_deployment_names_a_flow_that_is_there_and_takes_its_parameters(repository: Path) -> None:
    told = yaml.safe_load((repository / "prefect.yaml").read_text())
    names = [one["name"] for one in told["deployments"]]
    assert "run-benchmark" in names
    for one in told["deployments"]:
        module, _, name = one["entrypoint"].rpartition(".")
        found = getattr(importlib.import_module(module), name)
        assert isinstance(found, Flow), one["entrypoint"]
        found.validate_parameters(one.get("parameters", {})) if one.get("parameters") else None
    (nightly,) = [one for one in told["deployments"] if one["name"] == "run-benchmark"]
    assert nightly["schedules"][0]["active"] and nightly["parameters"] == {"against": "champion"}
