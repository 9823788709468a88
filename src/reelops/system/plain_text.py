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


_CONTROLS = {
    number: f"\\x{number:02x}" for number in (*range(0x20), *range(0x7F, 0xA0)) if chr(number) not in "\n\t"
} | {number: f"\\u{number:04x}" for number in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def printable(text: str) -> str:
    """Text for a terminal: what would move its cursor, set its title or colours or turn its letters round is spelt out.

    Prompts, names of files and tags of videos are a stranger's, and a terminal obeys what is between their letters.
    """
    return text.translate(_CONTROLS)
