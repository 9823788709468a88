"""The service's page as somebody uses it: opened, filled, and looked at for what shuts people out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from chromium_page import new_page
from service_client import Service, environment_of, picture, start, submit

# Pictures of these contrasts are accepted, to be reviewed, and rejected.
GOOD, FAINT, PALE = 1.0, 0.5, 0.25
_GATE = {"contrast": {"review_below": 0.055, "reject_below": 0.028}}


def start_with_gate(folder: Path, **limits: Any) -> Service:
    """A service whose gate judges by the contrast of the picture, and makes no second try by itself."""
    environment = environment_of(folder, retries=0, **limits)
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["gate"]["default"]["metrics"] = _GATE
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return start(folder, environment)


def clip(service: Service, contrast: float = GOOD, **fields: Any) -> dict[str, Any]:
    """A clip that the service has made."""
    with service.client() as client:
        image = ("photo.png", picture(int(fields.get("seed", 0)), contrast=contrast), "image/png")
        answer = submit(client, wait=120, image=image, **fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@contextmanager
def opened(service: Service, browser: Any, width: int = 1280, height: int = 900, **options: Any) -> Iterator[Any]:
    """The page as the address that `reelops serve` prints opens it, in a browser profile of its own."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    made = new_page(context)
    made.goto(f"{service.url}/session?token={service.token}")
    yield made
    context.close()


def go(page: Any, view: str) -> None:
    """Another view of the page: `clips`, `vote`, `clip/ID`, `compare/ID/ID`."""
    page.goto(f"{page.url.partition('#')[0]}#/{view}")


def fill(page: Any, prompt: str = "slow zoom in", contrast: float = GOOD) -> None:
    """The form with a picture and a sentence, for the fast profile."""
    file = {"name": "square.png", "mimeType": "image/png", "buffer": picture(contrast=contrast)}
    page.set_input_files("#image", files=[file])
    page.fill("#prompt", prompt)
    page.select_option("#profile", "moves")


_BARRIERS = (Path(__file__).parent / "barriers.js").read_text()
_NAMED = (
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "checkbox",
    "radio",
    "slider",
    "spinbutton",
    "progressbar",
)


def barriers(page: Any) -> list[str]:
    """What would shut somebody out of the page as it is shown: nameless controls, faint texts, broken references."""
    session = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    nameless = [
        f"a {node['role']['value']} without a name"
        for node in tree
        if not node.get("ignored")
        and node.get("role", {}).get("value") in _NAMED
        and not node.get("name", {}).get("value", "").strip()
    ]
    return [*nameless, *page.evaluate(_BARRIERS)]
