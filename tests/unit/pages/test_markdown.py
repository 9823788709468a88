"""Other people's words stay words in Markdown."""

from __future__ import annotations

from reelops.pages.markdown import inline


def test_marks_and_tags_are_shown_as_they_are() -> None:
    assert inline("a|b *c* <img>") == r"a\|b \*c\* \<img\>"


def test_lines_become_one() -> None:
    assert inline("zoom in\n\n# on\tthe cat ") == r"zoom in \# on the cat"
