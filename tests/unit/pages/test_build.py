"""Every page takes what strangers wrote for text, and tells the browser to refuse all but its own style and script."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reelops.pages.build import security, template

OURS = {"css", "script", "entry.facts", "facts_json", "picture"}
"""What pages hold as it is: their own files, and JSON and plots whose `<` are escaped where these are made."""


def templates(repository: Path) -> list[Path]:
    return sorted((repository / "src").rglob("*.j2"))


def test_no_template_lets_anything_but_our_own_files_be_markup(repository: Path) -> None:
    assert len(templates(repository)) > 3
    for path in templates(repository):
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"\{\{\s*([\w.]+)\s*\|\s*safe", text)) <= OURS, path
        assert "autoescape" not in text and "Markup" not in text, path


def test_every_page_has_a_policy_that_refuses_what_is_not_its_own(repository: Path) -> None:
    pages = [path for path in templates(repository) if "<!doctype" in path.read_text(encoding="utf-8").lower()]
    assert len(pages) > 2
    served = repository / "src/reelops/service"  # with a policy in the header, see tests/e2e/service
    for path in pages:
        if path.is_relative_to(served):
            continue
        assert 'http-equiv="Content-Security-Policy"' in path.read_text(encoding="utf-8"), path
    assert security("", None).startswith("default-src 'none'; style-src 'sha256-")


def test_pages_are_made_in_one_place_only(repository: Path) -> None:
    makers = [
        path.name
        for path in (repository / "src").rglob("*.py")
        if re.search(r"jinja2\.(Environment|Template)\(|\bEnvironment\(|Markup\(", path.read_text(encoding="utf-8"))
    ]
    assert makers == ["build.py"]


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", '" onload="alert(1)'])
def test_words_of_strangers_are_no_markup(words: str) -> None:
    environment = template("reelops.pages", "verdict.html.j2").environment
    page = environment.from_string('<a title="{{ words }}">{{ words }}</a>').render(words=words)
    assert page.count("<") == 2 and page.count('"') == 2
