"""The service's page in a real browser, on a real service: from a picture to a clip, and all that may go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml
from chromium_page import chromium, new_page, until
from service_client import Service, environment_of, picture, start, stop

_LIMIT = {"contrast": {"review_below": 0.4, "reject_below": 0.05}}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose gate rejects what has no contrast."""
    folder = tmp_path_factory.mktemp("page")
    environment = environment_of(folder, most_upload_mb=1, retries=0)
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["gate"]["default"]["metrics"] = _LIMIT
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    served = start(folder, environment)
    yield served
    stop(served)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as made:
        yield made


@pytest.fixture
def page(service: Service, browser: Any) -> Iterator[Any]:
    with opened(service, browser) as made:
        yield made


@contextmanager
def opened(service: Service, browser: Any, width: int = 1280, height: int = 900, **options: Any) -> Iterator[Any]:
    """The page as the address that `reelops serve` prints opens it, in a browser profile of its own."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    made = new_page(context)
    made.goto(f"{service.url}/session?token={service.token}")
    yield made
    context.close()


def fill(page: Any, prompt: str = "slow zoom in", seed: int = 0) -> None:
    """The form with a picture and a sentence, for the fast profile."""
    file = {"name": "square.png", "mimeType": "image/png", "buffer": picture(seed)}
    page.set_input_files("#image", files=[file])
    page.fill("#prompt", prompt)
    page.select_option("#profile", "moves")


def test_a_picture_and_a_sentence_become_a_clip_with_verdict_and_scores(service: Service, page: Any) -> None:
    fill(page, "A tower in the rain, pan left")
    until(page, "document.getElementById('understood').textContent.includes('pan left')")
    until(page, "document.getElementById('plan').textContent.includes('64 × 48')")
    page.click("#go")
    page.wait_for_selector(".verdict")
    page.wait_for_selector(".scores tbody tr")
    assert page.inner_text(".heading .prompt") == "A tower in the rain, pan left"
    assert "at least 0.4" in page.inner_text(".scores")
    until(page, "document.querySelector('#stage-body video').currentTime > 0.1")
    assert page.complaints == []
    assert all(address.startswith((service.url, "blob:")) for address in page.asked)
