"""What a prompt asks of the camera, in whatever language it is written, and how that is said back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain

from reelops.camera.foreign_moves import foreign_moves
from reelops.camera.moves import CameraMove, CameraSpeed
from reelops.camera.phrases import words_of
from reelops.camera.sentence import moves_said, words_about
from reelops.camera.words import SPEED_WORDS, UNNAMED_MOVE

_SINGLE_BREAK = re.compile(r"(?<!\n)[ \t\r]*\n[ \t]*(?!\s*\n)")


@dataclass(frozen=True)
class CameraRequest:
    """What a prompt asks of the camera.

    Attributes:
        moves: asked for, in the order in which they are named, each once.
        denied: named as not wanted.
        speed: of the first move; where a prompt names none, any word of speed counts. Normal where nothing says it.
        is_english: whether the move is named in English.
    """

    moves: tuple[CameraMove, ...]
    denied: tuple[CameraMove, ...]
    speed: CameraSpeed
    is_english: bool

    @property
    def move(self) -> CameraMove | None:
        """The one that counts: the first."""
        return self.moves[0] if self.moves else None

    @property
    def phrase(self) -> str:
        """The first move in plain English, "slow pan left"; of a prompt that names none, what it gets."""
        move, speed = (self.moves[0], self.speed) if self.moves else UNNAMED_MOVE
        is_plain = speed is CameraSpeed.NORMAL or move is CameraMove.STATIC
        return move.words if is_plain else f"{speed} {move.words}"

    def described(self) -> str:
        """What was understood, in a sentence without its full stop."""
        not_wanted = f"; not wanted: {_listed(self.denied)}" if self.denied else ""
        if not self.moves:
            return f"the prompt names no camera move that is known ({_listed(tuple(CameraMove))}){not_wanted}"
        if len(self.moves) > 1:
            several = f"the prompt names several camera moves ({_listed(self.moves)})"
            return f"{several}, and only one is made: {self.phrase}{not_wanted}"
        return f"the camera move asked for is {self.phrase}{not_wanted}"


def camera_request(prompt: str) -> CameraRequest:
    """Reads a prompt: as English, unless another language explains more of it.

    A line ends a thought; but a prompt that names a move only across the end of one was wrapped by an editor.
    """
    request = _read(prompt)
    if request.moves or request.denied or "\n" not in prompt:
        return request
    return _read(_SINGLE_BREAK.sub(" ", prompt))


def _read(prompt: str) -> CameraRequest:
    words = words_of(prompt)
    wanted, unwanted = moves_said(words)
    moves = tuple(dict.fromkeys(said.move for said in wanted))
    denied = tuple(dict.fromkeys(said.move for said in unwanted if said.move not in moves))
    foreign = foreign_moves(prompt)
    if foreign is not None and len(foreign.moves) + len(foreign.denied) > len(moves) + len(denied):
        return CameraRequest(foreign.moves, foreign.denied, foreign.speed, is_english=False)
    near = words_about(words, wanted[0]) if wanted else words
    speed = next((speed for speed, pairs in SPEED_WORDS.items() if {*chain(*pairs)} & set(near)), CameraSpeed.NORMAL)
    return CameraRequest(moves, denied, speed, is_english=True)


def asked_move(prompt: str) -> CameraMove | None:
    """The camera move a prompt asks for; the first one where it asks for several, None where it asks for none.

    What somebody or something in the picture does is none, and neither is what the prompt does not want.
    """
    return camera_request(prompt).move


def _listed(moves: tuple[CameraMove, ...]) -> str:
    return ", ".join(move.words for move in moves)
