"""`make demo PROMPT=...`: every prompt reaches the flow as it was typed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PYTHON = '#!/bin/sh\nprintf "%s\\n" "$@"\n'
SETUP = "#!/bin/sh\n"


@pytest.mark.parametrize("prompt", ['Say "pan left"', "it's $5, $HOME, `id` and $(id)", "-v zoom in", "é 変焦 \\ #1"])
def test_a_prompt_reaches_the_flow_as_it_was_typed(prompt: str, repository: Path, tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("there is no make here")
    shutil.copy(repository / "Makefile", tmp_path)
    for name, script in (("scripts/setup.sh", SETUP), (".venv/bin/python", PYTHON)):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    # Whoever runs these tests by `make python-report VENV=...` has said so for that checkout, not for this one.
    environment = {name: value for name, value in os.environ.items() if name not in ("VENV", "MAKEFLAGS", "MAKELEVEL")}
    command = ["make", "demo", f"PROMPT={prompt}"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *_, dashes, picture, told = done.stdout.splitlines()
    assert (dashes, picture, told) == ("--", "data/samples/coffee.jpg", prompt)
    assert (tmp_path / "outputs").is_dir(), "clips lie where people look"
