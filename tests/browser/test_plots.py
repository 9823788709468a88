"""`dvc plots` draws in a browser that reaches no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chromium import browser

# Pixels of the drawing that are in colour, which neither axes nor letters are.
COLOURED_PIXELS = """(() => {
  const canvas = document.querySelector('canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let number = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [r, g, b, a] = data.slice(at, at + 4);
    number += a > 0 && Math.max(r, g, b) - Math.min(r, g, b) > 60;
  }
  return number;
})()"""


def test_the_page_of_dvc_plots_draws_without_a_network(repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("dvc", reason='DVC comes with pip install "reelops[data]"')
    shutil.copytree(repository / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "*.local"))
    (tmp_path / ".dvc" / "config.local").write_text("[core]\n    no_scm = true\n")
    shutil.copy(repository / "reports/train/plots/loss.csv", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "plots", "show", "loss.csv", "-x", "step", "-y", "loss", "-o", "drawn"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "DVC_NO_ANALYTICS": "true"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    with browser() as page:
        page.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        page.open((tmp_path / "drawn" / "index.html").as_uri())
        page.wait_for("document.querySelector('canvas, svg.marks') !== null")
        assert [address for address in page.requests if address.startswith("http")] == []
        assert not [one for one in page.complaints if "Error" in one or "ERR_" in one], page.complaints
        assert page.run(COLOURED_PIXELS) > 100, "a curve in colour is on it"
