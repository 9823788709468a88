"""Sentences that ask for a camera that does not move."""

from __future__ import annotations

from collections.abc import Sequence

from reelops.camera import lexicon
from reelops.camera.moves import CameraMove
from reelops.camera.phrases import ENDS, Said, direction_after, is_pointed_at, stem


def stillness_at(words: Sequence[str], place: int) -> Said | None:
    """A camera that does not move, where the words for it begin."""
    stop = (
        _still_noun(words, place)
        or _still_alone(words, place)
        or _camera_stays(words, place)
        or _camera_does_not_move(words, place)
        or _no_camera_motion(words, place)
        or _camera_has_no_motion(words, place)
    )
    return Said(CameraMove.STATIC, place, stop) if stop else None


def _still_noun(words: Sequence[str], place: int) -> int | None:
    """ "Static wide shot", "locked-off camera", "tripod shot"."""
    word = words[place]
    if word == "tripod" and words[place + 1 : place + 2] == ["shot"]:
        return place + 2
    nouns = lexicon.STILL_NOUNS if word in lexicon.STILL else lexicon.STILL_NOUNS_AFTER_CALM
    if word not in lexicon.STILL | lexicon.STILL_OR_CALM or _is_had(words, place):
        return None
    if word == "locked" and words[place + 1 : place + 2] in (["off"], ["down"]):
        return place + 2
    for there in range(place + 1, min(len(words), place + 4)):
        if words[there] in ENDS:
            return None
        if words[there] in nouns:
            return there + 1
    return None


def _is_had(words: Sequence[str], place: int) -> bool:
    """ "A man holding a still camera": a thing in the picture."""
    before = [word for word in words[max(0, place - 2) : place] if word not in lexicon.ARTICLES]
    return bool(before) and before[-1] in lexicon.HAVING - {"with"}


def _still_alone(words: Sequence[str], place: int) -> int | None:
    """ "Static" as a whole phrase, or over what is seen."""
    if words[place] != "static":
        return None
    start = place
    while start > 0 and (words[start - 1].endswith("ly") or words[start - 1] in ("not", "no")):
        start -= 1
    begins = start == 0 or words[start - 1] in ENDS
    ends = place + 1 == len(words) or words[place + 1] in ENDS
    over = words[place + 1 : place + 2] == ["over"] and not lexicon.HEARD & set(words[place + 2 : place + 5])
    return place + 1 if begins and (ends or over) else None


def _camera_stays(words: Sequence[str], place: int) -> int | None:
    """ "The camera remains completely still", "camera static", "keep the camera still"."""
    if words[place] not in ("camera", "cam", "shot", "frame", "view") or is_pointed_at(words, place):
        return None
    at = place + 1
    while at < len(words) and (words[at] in lexicon.STAYING | lexicon.AUXILIARY | {":"} or words[at].endswith("ly")):
        at += 1
    if at >= len(words):
        return None
    if words[at : at + 2] in (["in", "place"], ["not", "static"]):
        return at + 2 if words[at] == "in" else None
    if words[at] in lexicon.STILL:
        return at + 1
    told = at > place + 1 or any(word in lexicon.HOLDING for word in words[max(0, place - 2) : place])
    return at + 1 if words[at] in lexicon.STILL_OR_CALM and told else None


def _camera_does_not_move(words: Sequence[str], place: int) -> int | None:
    """ "The camera does not move", "never moves", "is not moving", and no further word of where to."""
    if words[place] not in ("camera", "cam") or is_pointed_at(words, place):
        return None
    at, denied = place + 1, False
    while at < len(words) and (words[at] in lexicon.AUXILIARY or words[at] in ("not", "never") or words[at] == "once"):
        denied = denied or words[at] in ("not", "never")
        at += 1
    if not denied or at >= len(words) or stem(words[at])[0] != "move":
        return None
    moved = direction_after(words, at + 1, lexicon.MOVING["move"], "move")
    return None if moved else at + 1


def _no_camera_motion(words: Sequence[str], place: int) -> int | None:
    """ "No camera movement", "without moving the camera", "do not move the camera"."""
    if words[place] not in ("no", "without", "not", "zero"):
        return None
    after = [word for word in words[place + 1 : place + 5] if word not in lexicon.ARTICLES]
    if len(after) < 2 or any(word in ENDS for word in after[:2]):
        return None
    pair = (after[0], after[1])
    motion_first = stem(pair[0])[0] == "move" or pair[0] in lexicon.MOTION
    if (pair[0] == "camera" and pair[1] in lexicon.MOTION) or (motion_first and pair[1] == "camera"):
        return place + 3
    return place + 4 if motion_first and after[1:3] == ["of", "camera"] else None


def _camera_has_no_motion(words: Sequence[str], place: int) -> int | None:
    """ "The camera has no movement", "camera without any motion"."""
    if words[place] not in ("camera", "cam") or is_pointed_at(words, place):
        return None
    at = place + 1 + (words[place + 1 : place + 2] in (["has"], ["shows"], ["with"]))
    if words[at : at + 1] not in (["no"], ["without"]):
        return None
    at += 1 + (words[at + 1 : at + 2] == ["any"])
    return at + 1 if at < len(words) and words[at] in lexicon.MOTION else None
