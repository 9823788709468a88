"""The page in a real browser: it plays, asks nobody, fits, and can be read."""

from __future__ import annotations

import pytest
from chromium import browser

from reelops.validation.verdict import FOLDER


@pytest.fixture(scope="module")
def page():
    with browser() as page:
        yield page


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (1400, "dark"), (420, "light")])
def test_it_plays_fits_the_window_and_can_be_read(page, trained, validated, width, scheme):
    page.complaints.clear()
    page.requests.clear()
    page.open((trained.folder / FOLDER / "index.html").as_uri(), width=width, height=900, scheme=scheme)
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.faint_texts() == []
    page.wait_for("document.querySelector('video').readyState >= 1")
    page.run("document.querySelector('video').play()")
    page.wait_for("document.querySelector('video').currentTime > 0.2")
    assert page.complaints == []
    assert [address for address in page.requests if not address.startswith(("file:", "data:", "about:"))] == []
