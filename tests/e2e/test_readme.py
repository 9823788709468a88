"""What README.md shows from Python works when it is copied."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys


def test_the_python_of_the_readme_makes_and_scores_a_clip(repository, tmp_path):
    (code,) = re.findall(r"^```python\n(.*?)^```", (repository / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    shutil.copy(repository / "data/samples/coffee.jpg", tmp_path / "photo.jpg")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REELOPS_", "MLFLOW_"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**kept, "REELOPS_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"(accept|review: .*) 0\.\d+\n\d+\.\d+\n$", done.stdout), done.stdout
    assert (tmp_path / "zoom.mp4").is_file()
