"""Pages of the service in a real browser, as several people have them open at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from chromium import chromium_program

PATIENCE_MILLISECONDS = 40_000


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; skips the test where there is no Chromium."""
    program = chromium_program()
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def new_page(context: Any) -> Any:
    """A page that keeps what it complains of in `complaints`, and every address that it asks for in `asked`."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.complaints, page.asked = [], []
    page.on("console", lambda one: page.complaints.append(one.text) if one.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    return page


def until(page: Any, condition: str) -> None:
    """Waits until an expression is true in the page, whose policy lets no script ask for that from within."""
    deadline = time.monotonic() + PATIENCE_MILLISECONDS / 1000
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"never came true: {condition}"
        page.wait_for_timeout(50)
