"""Reading a sentence for what it says of the camera: by who moves, not by the word for it.

A man who moves closer to the camera asks for no zoom, a frying pan right next to the stove for no pan, and "no zoom in"
for none. The rules look at what stands before a verb (the camera, somebody else, nothing), what after it (where to),
and at what is denied. The words are those of `lexicon`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from reelops.camera import lexicon
from reelops.camera.moves import CameraMove
from reelops.camera.phrases import ENDS, FARTHEST, Said, direction_after, is_pointed_at, stem
from reelops.camera.stillness import stillness_at

_NEAR = 4


class _Subject(Enum):
    CAMERA = "camera"
    NOBODY = "nobody"
    FILMING = "filming"  # "a slow zoom": a noun that can be nothing else
    UNKNOWN = "unknown"
    ANOTHER = "another"


def moves_said(words: Sequence[str]) -> tuple[list[Said], list[Said]]:
    """The moves that are asked for, and those that are named as not wanted, in the order of the words."""
    wanted: list[Said] = []
    denied: list[Said] = []
    for place in range(len(words)):
        said = _move_at(words, place) or stillness_at(words, place)
        if said is not None:
            (denied if _is_denied(words, said.start) else wanted).append(said)
    return wanted, denied


def words_about(words: Sequence[str], said: Said) -> list[str]:
    """The words of manner that belong to a move: just before and after it, and at the end of its phrase."""
    begin = max((at + 1 for at in range(said.start) if words[at] in ENDS), default=0)
    end = next((at for at in range(said.stop, len(words)) if words[at] in ENDS), len(words))
    last = [word for word in words[end - 1 : end] if word.endswith("ly")]
    return [*words[max(begin, said.start - _NEAR) : min(end, said.stop + 2)], *last]


def _move_at(words: Sequence[str], place: int) -> Said | None:
    verb, form = stem(words[place])
    if verb in lexicon.RISING:
        found = lexicon.RISING[verb], place + 1
        return Said(found[0], place, found[1]) if _subject(words, place, form) is _Subject.CAMERA else None
    directions = lexicon.FILMING.get(verb) or lexicon.MOVING.get(verb)
    if directions is None:
        return None
    if (named := _named_before(words, place, verb)) is not None:
        return named
    at, is_camera_moved = _after_object(words, place + 1)
    towards = direction_after(words, at, directions, verb)
    if towards is None or not _can_be(words, place, verb, form, towards, is_camera_moved):
        return None
    return Said(towards[0], place, towards[1])


def _named_before(words: Sequence[str], place: int, verb: str) -> Said | None:
    """ "A leftward pan", "forward dolly shot"."""
    before = words[place - 1] if place else ""
    move = lexicon.BEFORE_NOUN.get(verb, {}).get(before)
    if move is None or before in ("left", "right", "up", "down"):
        return None
    return Said(move, place - 1, place + 1)


def _can_be(
    words: Sequence[str], place: int, verb: str, form: str, towards: tuple[CameraMove, int], camera_moved: bool
) -> bool:
    """Whether who does it, and what stands around, let it be the camera's move."""
    subject = _subject(words, place, form)
    if camera_moved:
        return subject in (_Subject.NOBODY, _Subject.CAMERA)
    if subject is _Subject.CAMERA:
        return verb in lexicon.FILMING or form != "base" or _is_named_camera(words, place)
    if verb in lexicon.MOVING:
        return _is_tracking_shot(words, place) or (
            verb == "move" and subject is _Subject.NOBODY and _begins(words, place) and towards[0] in _NEAR_AND_FAR
        )
    if subject is _Subject.ANOTHER or (form == "s" and subject is not _Subject.NOBODY):
        return False
    if verb in lexicon.DOUBLE_MEANING:
        if _has_object(words, towards[1]) or subject not in (_Subject.NOBODY, _Subject.FILMING):
            return False
        return subject is _Subject.FILMING or form != "s"
    return not (verb == "pan" and _is_cookware(words, place, towards[1])) and not (
        verb == "zoom" and _is_call(words, place)
    )


_NEAR_AND_FAR = frozenset({CameraMove.ZOOM_IN, CameraMove.ZOOM_OUT})


def _is_named_camera(words: Sequence[str], place: int) -> bool:
    """Before a bare "move" or "track", which are nouns, too: "the camera should move left", no "video track in it"."""
    return any(word in ("camera", "cameras", "cam", "we") for word in words[max(0, place - 5) : place])


def _after_object(words: Sequence[str], at: int) -> tuple[int, bool]:
    """After "(the) camera" or "shot" as what is moved: "pan the camera to the right", "dolly shot in"."""
    there = at
    while there < len(words) and words[there] in lexicon.ARTICLES:
        there += 1
    if there < len(words) and words[there] in ("camera", "shot"):
        return there + 1, words[there] == "camera"
    return at, False


def _subject(words: Sequence[str], place: int, form: str) -> _Subject:
    """Who or what stands before a verb or noun of moving."""
    manner = starting = article = False
    at, first = place - 1, max(0, place - FARTHEST)
    while at >= first:
        word = words[at]
        if word in ENDS:
            return _inherited(words, at, form, manner)
        if word in lexicon.CAMERA:
            pointed_at = at > 0 and is_pointed_at(words, at)
            return (_Subject.FILMING if manner else _Subject.UNKNOWN) if pointed_at else _Subject.CAMERA
        if word in lexicon.IN_PLACE_OF_CAMERA:
            camera = (at > 0 and words[at - 1] in lexicon.CAMERA) or _camera_before(words, at)
            return _Subject.CAMERA if camera else _Subject.ANOTHER
        if word in lexicon.MANNER:
            manner = True
        elif word in lexicon.ARTICLES:
            article = True
        elif word in lexicon.AUXILIARY:
            starting = starting or word in lexicon.STARTING
        elif word in lexicon.JOINING:
            if manner or article:
                return _Subject.FILMING
            return _inherited(words, at, form, manner)
        elif not (word in lexicon.FILLERS or word.endswith("ly") or word in lexicon.NEGATIONS):
            break
        at -= 1
    if at < 0:
        return _Subject.FILMING if manner else _Subject.NOBODY
    if manner:
        return _Subject.FILMING
    if words[at] in lexicon.PEOPLE or starting or form == "s" or _is_aim(words, place):
        return _Subject.ANOTHER
    return _Subject.UNKNOWN


def _inherited(words: Sequence[str], at: int, form: str, manner: bool) -> _Subject:
    """At the start of a phrase: nobody for a bare form, and for "... and pans left" whoever was before."""
    if manner:
        return _Subject.FILMING
    if _camera_before(words, at):
        return _Subject.CAMERA
    if form == "s" and at > 0 and words[at] not in ".;:!?\n":
        return _Subject.ANOTHER
    if words[at] in ("and", "or", "as", "while") and not _filming_before(words, at):
        return _Subject.UNKNOWN if form == "base" else _Subject.ANOTHER
    return _Subject.NOBODY


def _camera_before(words: Sequence[str], at: int) -> bool:
    """Whether a camera, not one that is looked into, is what the sentence or the one before speaks of."""
    sentences = 0
    for there in range(at - 1, max(-1, at - FARTHEST), -1):
        sentences += words[there] in ".!?\n"
        if sentences > 1 or (words[there] in lexicon.PEOPLE and _is_who_acts(words, there)):
            return False
        if words[there] == "camera":
            return not is_pointed_at(words, there)
    return False


def _is_who_acts(words: Sequence[str], at: int) -> bool:
    """Whether somebody begins a clause, and is not followed or passed by the camera."""
    there = at - 1
    while there >= max(0, at - 3) and words[there] in lexicon.ARTICLES | lexicon.OWNERS:
        there -= 1
    return there < 0 or words[there] in ENDS or words[there] in lexicon.CLAUSES


def _filming_before(words: Sequence[str], at: int) -> bool:
    return any(stem(word)[0] in lexicon.FILMING for word in words[max(0, at - FARTHEST) : at])


def _is_aim(words: Sequence[str], place: int) -> bool:
    """ "A bus to pull out"."""
    return place > 1 and words[place - 1] == "to" and words[place - 2] not in lexicon.STARTING


def _begins(words: Sequence[str], place: int) -> bool:
    return place == 0 or words[place - 1] in ".;:!?\n"


def _has_object(words: Sequence[str], at: int) -> bool:
    """ "Pushes in the door", "pulls back the curtain"."""
    return at < len(words) and words[at] in lexicon.OWNERS


def _is_tracking_shot(words: Sequence[str], place: int) -> bool:
    return words[place].endswith("ing") and words[place + 1 : place + 2] == ["shot"]


def _is_cookware(words: Sequence[str], place: int, after: int) -> bool:
    before = words[place - 1] if place else ""
    if before in lexicon.MANNER:
        return False
    following = words[after] if after < len(words) else ""
    return before in lexicon.COOKWARE or (before in lexicon.ARTICLES and following in lexicon.LEFT_THERE)


def _is_call(words: Sequence[str], place: int) -> bool:
    return place > 0 and words[place - 1] in lexicon.CALLS


def _is_denied(words: Sequence[str], place: int) -> bool:
    """Whether a negation reaches the word at `place`: only words of filming, manner and grammar stand between."""
    for at in range(place - 1, max(-1, place - FARTHEST), -1):
        word = words[at]
        if tuple(words[max(0, at - 1) : at + 1]) in lexicon.NEGATING_PAIRS or word in lexicon.NEGATIONS:
            return True
        between = word in lexicon.MANNER | lexicon.FILLERS | lexicon.ARTICLES | lexicon.AUXILIARY | lexicon.CAMERA
        moves = stem(word)[0] in lexicon.FILMING or word in lexicon.MOVING["move"] or word == "or"
        if not (between or moves or word.endswith("ly")):
            return False
    return False
