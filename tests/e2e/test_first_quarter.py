"""The first quarter of an hour of a new user, played from its page in a fresh clone; only pip has installed before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from chromium import NAMES, browser

from scripts import follow_docs
from scripts.docs_pages import Page
from scripts.fresh_clone import FreshClone

PAGE = "docs/first_quarter.md"


def test_each_command_of_the_page_answers_as_it_shows_and_the_report_opens(repository: Path, tmp_path: Path) -> None:
    if not (repository / ".git").exists():
        pytest.skip("a downloaded archive cannot be cloned")
    clone = FreshClone(repository, tmp_path)
    page = Page(PAGE, (clone.folder / PAGE).read_text(encoding="utf-8"))
    rows = follow_docs.follow_page(page, clone)
    assert [row for row in rows if row["wrong"]] == []
    assert [row["command"] for row in rows if "not_run" in row] == ["xdg-open report.html"]
    assert {row["command"].split()[0] for row in rows} >= {"make", "source", "reelops"}
    if any(map(shutil.which, NAMES)):
        assert_the_report_shows(clone.folder / "report.html", ["falls.mp4", "lighthouse.mp4", "phare.mp4"])


def assert_the_report_shows(report: Path, clips: list[str]) -> None:
    with browser() as page:
        page.open(report.as_uri())
        assert page.run("document.querySelectorAll('#table tbody tr').length") == len(clips)
        told = page.run("document.querySelector('#table tbody').textContent")
        assert all(clip in told for clip in clips) and page.complaints == []
