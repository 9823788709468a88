"""Reading a sentence of another language than English for the camera moves that it asks for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from reelops.camera.languages import LANGUAGES, Language, folded, unaccented
from reelops.camera.moves import CameraMove, CameraSpeed

# None of these is a word of a language of the table that has Latin letters. English stems are like its own: destroyed
# and a destra, apartment and aparta, a girl and gira.
_ENGLISH = re.compile(r"\b(the|of|and|with|from|at|by|to|is|are|its|his|their|this|who|while|into)\b")
_MARKS = r"[.,;:!?()\n|/\"、。؟،؛।„“”«»]|\s[-\u2013]\s|\u2014"


@dataclass(frozen=True)
class ForeignMoves:
    """Moves in the order in which they are named, and those that are not wanted.

    Attributes:
        speed: said in the clause of the first move; if it says none, anywhere.
    """

    language: str
    moves: tuple[CameraMove, ...]
    denied: tuple[CameraMove, ...]
    speed: CameraSpeed


def foreign_moves(prompt: str) -> ForeignMoves | None:
    """What a prompt asks of the camera in the language that explains most of it; None where no language does."""
    text = unicodedata.normalize("NFKC", prompt).replace("\u2019", "'").casefold()
    read = [_read(text, language) for language in LANGUAGES]
    best = max(read, key=lambda one: len(one.moves) + len(one.denied))
    return best if best.moves or best.denied else None


def _read(text: str, language: Language) -> ForeignMoves:
    moves: dict[CameraMove, None] = {}
    denied: dict[CameraMove, None] = {}
    speed: CameraSpeed | None = None
    for clause, has_camera in _clauses(text, language):
        wanted, unwanted = _moves_in(clause, has_camera, language)
        if wanted and not moves:
            speed = _speed_in(clause, language)
        moves |= dict.fromkeys(wanted)
        denied |= dict.fromkeys(unwanted)
    speed = speed or _speed_in(folded(text), language) or CameraSpeed.NORMAL
    return ForeignMoves(language.name, tuple(moves), tuple(move for move in denied if move not in moves), speed)


def _speed_in(words: str, language: Language) -> CameraSpeed | None:
    speeds = ((CameraSpeed.SLOW, language.slow), (CameraSpeed.FAST, language.fast))
    return next((speed for speed, pattern in speeds if _pattern(pattern).search(words)), None)


def _clauses(text: str, language: Language) -> Iterator[tuple[str, bool]]:
    """Each clause, folded, and whether a camera is what it speaks of: its own, or of the one that it is joined to.

    English ones are left out.
    """
    parts = re.split(rf"({_MARKS}|{language.joining})", text)
    had_camera = False
    joined = False
    for part, mark in zip(parts[::2], [*parts[1::2], ""], strict=True):
        clause = folded(part)
        if clause.isascii() and _ENGLISH.search(clause):
            had_camera = joined = False
        elif clause.strip():
            has_camera = bool(_pattern(language.camera).search(clause))
            had_camera = has_camera or (joined and had_camera)
            yield clause, had_camera
            joined = False
        joined = joined or bool(mark and re.fullmatch(language.joining, mark))


def _moves_in(clause: str, has_camera: bool, language: Language) -> tuple[list[CameraMove], list[CameraMove]]:
    """Wanted and unwanted moves of one clause."""
    whole = _first_places(clause, language.whole)
    if CameraMove.STATIC in whole:
        rest = _pattern(language.whole[CameraMove.STATIC]).sub(" ", clause)
        found, is_denied = {CameraMove.STATIC: 0}, bool(_pattern(language.negation).search(rest))
    else:
        films = _pattern(language.filming).search(clause) or (has_camera and _pattern(language.moving).search(clause))
        found = whole or (_first_places(clause, language.directions) if films else {})
        is_denied = bool(_pattern(language.negation).search(clause))
    moves = sorted(found, key=found.__getitem__)
    return ([], moves) if is_denied else (moves, [])


def _first_places(clause: str, patterns: Mapping[CameraMove, str]) -> dict[CameraMove, int]:
    matches = {move: _pattern(words).search(clause) for move, words in patterns.items()}
    return {move: match.start() for move, match in matches.items() if match}


@cache
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(unaccented(words))
