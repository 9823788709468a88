"""The page of a data set in a real browser: its clips play, from the first picture of their windows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import published
import pytest
import yaml
from chromium import browser
from publisher import SMALL_WINDOW


def test_the_clips_of_the_page_play_their_windows_and_columns_of_one_value_are_numbers(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason='the stages come with pip install "reelops[data]"')
    for number in range(2):
        clip = published.draw_video(tmp_path / "footage" / f"a #{number} é.mp4", seed=number)
        clip.with_suffix(".txt").write_text(f"Soft shapes drift past, number {number}.\n")
    blocks = {"dataset": {"sources": [{"kind": "folder", "path": "footage"}]}, "metadata": SMALL_WINDOW}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(blocks))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REELOPS_")}
    for command in (["fetch"], ["metadata", "--no-data-docs"]):
        subprocess.run(
            [sys.executable, "-m", "reelops.cli", *command],
            cwd=tmp_path,
            env={**kept, "REELOPS_HOME": str(tmp_path / "home")},
            capture_output=True,
            check=True,
            timeout=300,
        )
    with browser() as page:
        for width in (1400, 400):
            page.open((tmp_path / "reports/data/index.html").as_uri(), width=width)
            assert page.run("document.documentElement.scrollWidth") <= width
        assert page.run("document.querySelectorAll('.cell video').length") == 2
        page.run("document.querySelector('.cell video').play()")
        page.wait_for("document.querySelector('.cell video').currentTime > 0.2")
        start = float(page.run("document.querySelector('.cell video').src.split('#t=')[1].split(',')[0]"))
        assert page.run("document.querySelector('.cell video').currentTime") >= start
        assert page.run("[...document.querySelectorAll('.one-value')].map((one) => one.textContent)"), "one height"
        assert page.complaints == []
