"""Words in pictures, in any script and direction.

A text is drawn in runs, each with the first font that has its characters, and shaped by Raqm (HarfBuzz and FriBidi),
which joins Arabic letters and orders Devanagari's. What no font here has is named in brackets instead of drawn as
boxes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from PIL import ImageDraw, features

from reelops.video.typefaces import SHIPPED, Face, face_for

Direction = Literal["ltr", "rtl"]
Colour = tuple[int, int, int]

_ELLIPSIS = "…"
_JOINERS = "\u200c\u200d"
# Their letters change shape or place with their neighbours. Those written from right to left are known by themselves.
_SHAPED_SCRIPTS = (
    *("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM"),
    *("SINHALA", "KHMER", "MYANMAR", "TIBETAN"),
)
# Written without spaces: a line may end behind any of their characters.
_SPACELESS_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO")
_RIGHT_TO_LEFT = ("R", "AL")


@dataclass(frozen=True)
class Run:
    """A part of a text that one font draws."""

    text: str
    face: Face


@cache
def shapes() -> bool:
    """Whether letters can be joined and ordered here; where libfribidi is missing, Pillow sets one after another."""
    return bool(features.check("raqm"))


def direction_of(text: str) -> Direction:
    """Which way a text is read, by its first letter that says so."""
    for character in text:
        if (kind := unicodedata.bidirectional(character)) == "L":
            return "ltr"
        if kind in _RIGHT_TO_LEFT:
            return "rtl"
    return "ltr"


def undrawable_note(text: str, where: str) -> tuple[str, ...]:
    """What to tell of a text that cannot be drawn whole: one sentence, or none.

    Args:
        where: "The contact sheet".
    """
    missing = [group for group in _clusters(_plain(text)) if _face(group) is None]
    if not missing:
        return ()
    kind = f"{_scripts(''.join(missing)) or 'some'} characters"
    if all(face_for(_visible(group)) for group in missing):
        return (f"{where} leaves out {kind}, which Pillow joins only with libfribidi; install that.",)
    return (f"{where} leaves out {kind}: no font here has them. Install one that does, such as Noto Sans.",)


def text_width(text: str, size: int) -> float:
    """Pixels that a line takes."""
    return sum(_run_width(run, size, direction_of(text)) for run in runs_of(text))


def draw_text(
    draw: ImageDraw.ImageDraw, xy: tuple[float, float], text: str, fill: Colour, size: int, anchor: str = "la"
) -> None:
    """Draws one line.

    Args:
        xy: the point that `anchor` stands on.
        size: of the letters in pixels.
        anchor: l or r (the line's left or right end), and Pillow's a (ascender), m (middle) or s (baseline).
    """
    direction = direction_of(text)
    runs = runs_of(text)
    widths = [_run_width(run, size, direction) for run in runs]
    left = xy[0] - (sum(widths) if anchor[0] == "r" else 0)
    baseline = xy[1] + _to_baseline(anchor[1], size)
    order = range(len(runs)) if direction == "ltr" else reversed(range(len(runs)))
    for number in order:
        run = runs[number]
        draw.text((left, baseline), run.text, fill, run.face.at(size), anchor="ls", direction=_told(direction))
        left += widths[number]


def wrapped(text: str, size: int, width: int, most_lines: int, ending: str = "") -> list[str]:
    """A text in lines that fit; what is over `most_lines` is cut, and an ellipsis says so.

    Args:
        width: of a line in pixels.
        ending: words that stay behind the text, even where it is cut.
    """
    whole = f"{_plain(text)} {ending}".strip()
    lines = _lines(whole, size, width, most_lines + 1)
    if len(lines) <= most_lines:
        return lines
    behind = f"{_ELLIPSIS} {ending}".rstrip()
    last = "".join(lines[: most_lines - 1])
    rest = _plain(text)[_end_of(_plain(text), last) :].strip()
    return [*lines[: most_lines - 1], _cut(rest, behind, size, width)]


def cut_to(text: str, size: int, width: int) -> str:
    """A text on one line that fits; what is over is cut, and an ellipsis says so."""
    plain = _plain(text)
    return plain if text_width(plain, size) <= width else _cut(plain, _ELLIPSIS, size, width)


def runs_of(text: str) -> list[Run]:
    """A text by fonts; what none has is there as words in brackets."""
    runs: list[Run] = []
    for part, face in _parts_by_face(text):
        if runs and runs[-1].face == (face or SHIPPED):
            runs[-1] = Run(runs[-1].text + (part if face else _in_brackets(part)), runs[-1].face)
        else:
            runs.append(Run(part if face else _in_brackets(part), face or SHIPPED))
    return runs


def _parts_by_face(text: str) -> list[tuple[str, Face | None]]:
    """A text's parts and the font of each; spaces and marks keep to the font before them, if it has them."""
    parts: list[tuple[str, Face | None]] = []
    for group in _clusters(_plain(text)):
        last = parts[-1][1] if parts else None
        face = last if last and _is_neutral(group) and last.has(group) else _face(group)
        if parts and face == last:
            parts[-1] = (parts[-1][0] + group, face)
        # What stands between two parts that nobody can draw goes with them: one pair of brackets for a sentence.
        elif face is None and len(parts) > 1 and parts[-2][1] is None and all(map(_is_neutral, parts[-1][0])):
            between, _ = parts.pop()
            parts[-1] = (parts[-1][0] + between + group, None)
        else:
            parts.append((group, face))
    return parts


def _plain(text: str) -> str:
    """On one line, composed where there is a composed form, without what is no character."""
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(one for one in composed if one in _JOINERS or unicodedata.category(one)[0] != "C")


def _clusters(text: str) -> Iterator[str]:
    """What a reader takes for one character: a letter with its marks, an emoji with its joiners."""
    group = ""
    for character in text:
        joined = character in _JOINERS or unicodedata.category(character).startswith("M") or "🏻" <= character <= "🏿"
        if group and not joined and not group.endswith("\u200d"):
            yield group
            group = ""
        group += character
    if group:
        yield group


def _face(group: str) -> Face | None:
    """The font for what a reader takes for one character."""
    visible = _visible(group)
    if not shapes() and any(_needs_shaping(character) for character in visible):
        return None
    return face_for(visible)


def _visible(group: str) -> str:
    """Without joiners and variation selectors, which need no glyph."""
    return "".join(one for one in group if one not in _JOINERS and not "\ufe00" <= one <= "\ufe0f")


def _needs_shaping(character: str) -> bool:
    return unicodedata.bidirectional(character) in _RIGHT_TO_LEFT or _script(character) in _SHAPED_SCRIPTS


def _is_neutral(group: str) -> bool:
    return unicodedata.category(group[0])[0] in "PZS"


def _script(character: str) -> str:
    """The first word of a letter's name, which is its script: LATIN, CJK, HANGUL; "" for what is no letter."""
    return unicodedata.name(character, "").split(" ")[0] if unicodedata.category(character)[0] == "L" else ""


def _scripts(text: str) -> str:
    """The scripts of a text's letters: "Hiragana and Chinese"."""
    scripts = dict.fromkeys(script for character in text if (script := _script(character)))
    return " and ".join("Chinese" if script == "CJK" else script.capitalize() for script in scripts)


def _in_brackets(lost: str) -> str:
    number = sum(not _is_neutral(group) for group in _clusters(lost)) or 1
    words = f"{_scripts(lost)} character{'' if number == 1 else 's'}".strip()
    return f"[{number} {words}]"


def _told(direction: Direction) -> Direction | None:
    return direction if shapes() else None


def _run_width(run: Run, size: int, direction: Direction) -> float:
    return run.face.at(size).getlength(run.text, direction=_told(direction))


def _to_baseline(anchor: str, size: int) -> float:
    """From an anchor down to the line that letters stand on, which is the same whatever fonts a line has."""
    ascent, descent = SHIPPED.at(size).getmetrics()
    return {"a": ascent, "m": (ascent - descent) / 2, "s": 0}[anchor]


def _lines(text: str, size: int, width: int, enough: int) -> list[str]:
    """A text in lines, or the first of them where there are more than are asked for."""
    lines = [""]
    for word in text.split(" "):
        if len(lines) > enough:
            break
        between = " " if lines[-1] else ""
        if text_width(lines[-1] + between + word, size) <= width:
            lines[-1] += between + word
            continue
        spaceless = any(_script(character) in _SPACELESS_SCRIPTS for character in word)
        if lines[-1] and not spaceless:
            lines.append("")
            between = ""
        for part in _clusters(between + word) if spaceless or text_width(word, size) > width else [word]:
            if len(lines) > enough:
                break
            if lines[-1] and text_width(lines[-1] + part, size) > width:
                lines.append("")
            lines[-1] += part if lines[-1] else part.lstrip()
    return [line.rstrip() for line in lines if line]


def _cut(text: str, behind: str, size: int, width: int) -> str:
    """As many characters as fit with `behind` after them."""
    kept = ""
    for group in _clusters(text):
        if text_width(kept + group + behind, size) > width:
            break
        kept += group
    return kept.rstrip() + behind


def _end_of(text: str, shown: str) -> int:
    """Where in a text the lines end that were made of its beginning, and have lost spaces at their own ends."""
    left = sum(not character.isspace() for character in shown)
    for place, character in enumerate(text):
        if not left:
            return place
        left -= not character.isspace()
    return len(text)
