"""Words, phrases and directions: the small pieces that sentences about a camera are read by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reelops.camera import lexicon
from reelops.camera.moves import CameraMove

_TOKEN = re.compile(r"[^\W_]+|[.,;:!?()\n|/\"]")
ENDS = frozenset('.,;:!?()\n|/"')
_CONTRACTIONS = ((r"\bcan't\b", "can not"), (r"\bwon't\b", "will not"), (r"n't\b", " not"), (r"'s\b", " "))
_MOST_BETWEEN = 8
# No phrase is longer: a prompt of ten thousand words is read in no time, too.
FARTHEST = 60


@dataclass(frozen=True)
class Said:
    """A camera move that a sentence asks for, and the words it stands in.

    Attributes:
        start, stop: of the words that name it, among all `words`.
    """

    move: CameraMove
    start: int
    stop: int


def words_of(text: str) -> list[str]:
    """Words in lower case and marks that end a phrase; hyphens part words."""
    text = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    for pattern, plain in _CONTRACTIONS:
        text = re.sub(pattern, plain, text)
    text = re.sub(r"\s[-\u2013]\s|\u2014", " , ", text)
    return _TOKEN.findall(text)


def _forms(verb: str) -> dict[str, tuple[str, str]]:
    ending = (f"{verb}s", f"{verb.removesuffix('y')}ies", f"{verb}es")
    going = (f"{verb}ing", f"{verb}{verb[-1]}ing", f"{verb.removesuffix('e')}ing")
    return {**dict.fromkeys(ending, (verb, "s")), **dict.fromkeys(going, (verb, "ing")), verb: (verb, "base")}


_FORMS = {
    word: form for verb in (*lexicon.FILMING, *lexicon.MOVING, *lexicon.RISING) for word, form in _forms(verb).items()
}


def stem(word: str) -> tuple[str, str]:
    """The verb or noun, and its form: `base`, `s` or `ing`; the word itself and none where it is no such verb."""
    return _FORMS.get(word, (word, ""))


def direction_after(
    words: Sequence[str], at: int, directions: Mapping[str, CameraMove], verb: str
) -> tuple[CameraMove, int] | None:
    """Where to, and the place after it."""
    for there in range(at, min(len(words), at + _MOST_BETWEEN)):
        word, before = words[there], words[there - 1]
        following = words[there + 1] if there + 1 < len(words) else ""
        if word in ENDS or (there > at and stem(word)[0] in lexicon.FILMING):
            return None
        if word in ("left", "right") and following == "to" and {"left", "right"} & set(words[there + 2 : there + 4]):
            continue  # of "from left to right" the second counts
        if word in directions and following not in _not_after(word):
            if word == "in" and verb in lexicon.MOVING and following in lexicon.OWNERS:
                return None
            far = there - at > _between(words, at, there)
            if not far or (before in ("the", "to") and word in ("left", "right")) or before == "to":
                return directions[word], there + 1
            return None
    return None


def _not_after(word: str) -> frozenset[str]:
    return lexicon.NO_DIRECTION if word in ("left", "right") else frozenset()


def _between(words: Sequence[str], at: int, there: int) -> int:
    """How many of the words between may stand there: manner, and what leads to a direction."""
    allowed = lexicon.MANNER | lexicon.FILLERS | {"to", "toward", "towards", "from", "back", "off"}
    return sum(word in allowed or word.endswith("ly") for word in words[at:there])


def is_pointed_at(words: Sequence[str], at: int) -> bool:
    """ "To the camera"."""
    there = at - 1
    while there >= 0 and words[there] in (*lexicon.ARTICLES, *lexicon.OWNERS):
        there -= 1
    return there >= 0 and words[there] in lexicon.POINTED_AT
