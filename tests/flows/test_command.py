"""`python -m flows`: every flow is there, under its own words, and listing them loads no Prefect."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.__main__ import FLOWS, load_command


def test_the_list_of_flows_loads_no_prefect(repository: Path) -> None:
    program = (
        "import sys; from flows.__main__ import build_app\n"
        "try: build_app()(['--help'], standalone_mode=False)\n"
        "finally: print('prefect' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=repository)
    assert all(name in done.stdout for name in FLOWS)
    assert done.stdout.splitlines()[-1] == "False", done.stderr


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_has_the_name_the_line_and_the_parameters_of_its_command(name: str) -> None:

    module = importlib.import_module(f"flows.{name.replace('-', '_')}")
    flow = getattr(module, name.replace("-", "_"))
    assert flow.name == name
    assert FLOWS[name] == (flow.fn.__doc__ or "").partition("\n")[0]
    own = {"order"} | ({"overwrite"} if name == "generate-video" else set())
    options = {parameter.name for parameter in load_command(name).params}
    assert set(flow.parameters.properties) - own <= options


@pytest.mark.parametrize("arguments", [["nothing"], ["score-clips"], ["train-lora", "--rank", "3"]])
def test_wrong_usage_exits_2(arguments: list[str], repository: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "flows", *arguments], capture_output=True, text=True, cwd=repository)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_an_argument_that_is_no_unicode_is_refused_in_a_line(repository: Path) -> None:
    command = [sys.executable, "-m", "flows", "generate-video", os.fsdecode(b"caf\xe9.jpg"), "pan left"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=repository)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and r"caf\udce9.jpg is no Unicode" in done.stderr


def test_a_home_that_cannot_be_written_is_one_line(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    done = subprocess.run(
        [sys.executable, "-m", "flows", "--help"],
        capture_output=True,
        text=True,
        cwd=repository,
        env={**os.environ, "REELOPS_HOME": str(tmp_path / "a-file" / "home")},
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "Set REELOPS_HOME" in done.stderr
