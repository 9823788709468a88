"""A page: its template, the common style, and what the browser is told to refuse."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reelops.pages.numbers import human


def template(package: str, name: str) -> Any:
    """A Jinja template that lies in a package, as `report.html.j2` does; what lies here it can import.

    Raises:
        jinja2.TemplateNotFound: it does not.
    """
    from jinja2 import ChoiceLoader, Environment, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([_assets_of(package), _assets_of(__package__)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: "" if value is None else human(value)
    environment.filters["short"] = lambda value: human(value, 3)
    environment.filters["signed"] = lambda value: human(value, 3, signed=True)
    return environment.get_template(name)


def _assets_of(package: str) -> Any:
    from jinja2 import FunctionLoader

    def load(name: str) -> str | None:
        return asset(package, name) if resources.files(package).joinpath(name).is_file() else None

    return FunctionLoader(load)


def asset(package: str, name: str) -> str:
    """A text file that lies in a package."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def style(package: str, name: str) -> str:
    """The common style, and after it a page's own."""
    return asset(__package__, "page.css") + asset(package, name)


def safe_json(value: Any) -> str:
    """JSON that no text in it can leave: a name such as `</script>` stays a name inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def security(css: str, script: str | None = None, also: str = "") -> str:
    """The content security policy: everything but this file's own style, script and pictures is refused.

    Args:
        also: more directives, each with its semicolon.
    """
    scripts = f"script-src '{_digest(script)}'; " if script is not None else ""
    return (
        f"default-src 'none'; {scripts}style-src '{_digest(css)}'; img-src data:; {also}"
        "base-uri 'none'; form-action 'none'"
    )


def link_to(file: Path, page: Path) -> str:
    """A file's address, seen from the page's folder."""
    return quote(Path(os.path.relpath(file.resolve(), page.resolve().parent)).as_posix())


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
