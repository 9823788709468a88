"""Text that any file, database or page takes.

A file's name on Linux is bytes, and Python keeps those that are no UTF-8 as lone surrogates; JSON from strangers may
hold such, too. UTF-8 has no bytes for them, so here each is spelt out: the name `caf\\xe9.jpg` in Latin-1 is told as
`caf\\udce9.jpg`. Inside JSON this is the escape of that very character: what reads it has the name back, to the byte.
"""

from __future__ import annotations


def to_utf8(text: str) -> bytes:
    """The text in UTF-8, with what UTF-8 cannot say spelt out."""
    return text.encode("utf-8", "backslashreplace")


def spelt_out(text: str) -> str:
    """The text with what UTF-8 cannot say spelt out; any other text as it is."""
    return to_utf8(text).decode("utf-8")


def without_half_letters(text: str) -> str:
    """The words of a stranger as UTF-8 takes them: two halves become their letter, a lone one becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
