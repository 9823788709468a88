"""Markdown that other people's words go into."""

from __future__ import annotations


def inline(text: str) -> str:
    """Text on one line, its Markdown and HTML as plain text: prompts and names of clips come from whoever made them."""
    for mark in "\\`*_[]<>#|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
