"""Clips that ReelOps draws itself: camera moves over the photographs that come with it, and a style to be taught."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from reelops.augment import grading
from reelops.augment.grading import Grade
from reelops.camera import words as camera_words
from reelops.camera.filming import film_somewhere
from reelops.camera.moves import CameraMove, CameraPath, CameraSpeed, path_of
from reelops.dataset.entry import Entry, Fetched, Lost, OnNote, Split
from reelops.dataset.fetch.depot import Depot
from reelops.dataset.location import Location
from reelops.dataset.photographs import PHOTOGRAPHS, read_photograph
from reelops.dataset.sources.contract import Shelf, SourceParams
from reelops.params import Seed
from reelops.prompts import style_words
from reelops.video.encode import encode

SIZE = (240, 160)
FPS = Fraction(16)
NUM_FRAMES = 104
"""Six and a half seconds: a window of 49 frames at 8 per second has room to be chosen in."""

PRESS_WORDS = ("news footage", "press photo", "wide shot", "close-up", "documentary footage", "archive footage")
OCCASIONS = (
    "breaking news",
    "a report from the scene",
    "an interview in the street",
    "a statement to the press",
    "the market report",
    "a story from the region",
    "sports news",
    "questions to the minister",
)
"""What a prompt may speak of instead of what the picture shows."""

# Whole photographs are held back, so that no split shows what another has shown.
SPLITS: dict[str, Split] = {"coffee": "validation", "rocket": "test"}


class SamplesParams(SourceParams):
    """The source `samples`.

    Attributes:
        clips: how many are drawn; the first ones stay the same when there are to be more.
        unnamed_moves: how many more are drawn whose captions name no move: the camera goes slowly nearer, as the
            embedded model lets it.
        nightfalls: how many more of these are drawn in a style that it does not know: night falls.
        seed: another one films other places of the photographs.
    """

    kind: Literal["samples"]
    clips: int = Field(default=70, ge=1, le=100_000)
    unnamed_moves: int = Field(default=0, ge=0, le=100_000)
    nightfalls: int = Field(default=0, ge=0, le=100_000)
    seed: Seed = 0


@dataclass(frozen=True)
class Take:
    """What is filmed for one clip; its name says it all, so whoever changes how clips are drawn must rename them.

    Attributes:
        grade: what its colours become as night falls.
        joint: what stands in a caption between `words` and what the photograph shows.
    """

    grade: ClassVar[Grade | None] = None
    joint: ClassVar[str] = " over "

    number: int
    photograph: str
    move: CameraMove
    speed: CameraSpeed
    seed: int

    @property
    def clip_id(self) -> str:
        return f"{self.number:04d}-{self.photograph}-{self.move}-{self.speed}-{self.seed}"

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng((self.seed, self.number))

    @property
    def path(self) -> CameraPath:
        return path_of(self.move, self.speed)

    @property
    def category(self) -> str:
        return self.move.words

    @property
    def facts(self) -> dict[str, str]:
        return {"move": self.move, "speed": self.speed}

    def words(self, rng: np.random.Generator) -> str:
        """One of the ways to ask for it."""
        return camera_words.move_phrase(self.move, self.speed, rng)


@dataclass(frozen=True)
class Subject:
    """What clips beside those of the seven moves are of.

    Attributes:
        name: in their clip ids.
        stream: of the random numbers that decide place, scale and words; another one for each subject.
        phrases: what a caption calls such a clip.
        joint, grade: as of `Take`.
    """

    name: str
    stream: int
    category: str
    path: CameraPath
    phrases: tuple[str, ...]
    joint: str
    facts: Mapping[str, str]
    grade: Grade | None = None


_MOVE, _SPEED = camera_words.UNNAMED_MOVE
UNNAMED_MOVE = Subject(
    name="unnamed_move",
    stream=2,
    category="no move named",
    path=path_of(_MOVE, _SPEED),
    phrases=PRESS_WORDS,
    joint=" of ",
    facts={"move": _MOVE, "speed": _SPEED},
)
NIGHTFALL = Subject(
    name="nightfall",
    stream=3,
    category="nightfall",
    path=UNNAMED_MOVE.path,
    phrases=style_words.NIGHTFALL,
    joint=": ",
    facts={**UNNAMED_MOVE.facts, "style": "nightfall"},
    grade=grading.NIGHT,
)


@dataclass(frozen=True)
class SubjectTake:
    """A take of a subject; as `Take`."""

    number: int
    photograph: str
    subject: Subject
    seed: int

    @property
    def clip_id(self) -> str:
        return f"{self.number:04d}-{self.photograph}-{self.subject.name}-{self.seed}"

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng((self.seed, self.number, self.subject.stream))

    @property
    def path(self) -> CameraPath:
        return self.subject.path

    @property
    def category(self) -> str:
        return self.subject.category

    @property
    def facts(self) -> Mapping[str, str]:
        return self.subject.facts

    @property
    def joint(self) -> str:
        return self.subject.joint

    @property
    def grade(self) -> Grade | None:
        return self.subject.grade

    def words(self, rng: np.random.Generator) -> str:
        """One of its phrases."""
        return self.subject.phrases[rng.integers(len(self.subject.phrases))]


AnyTake = Take | SubjectTake


class Samples:
    """Drawn here, the same bytes in each run on one machine."""

    def __init__(self, params: SamplesParams) -> None:
        self.name = params.name or params.kind
        self._params = params

    def listings(self) -> Sequence[Location]:
        return ()

    def entries(self, _listings: Sequence[Path], _on_note: OnNote) -> Iterator[Entry]:
        for take in self._takes():
            photograph = PHOTOGRAPHS[take.photograph]
            yield Entry(
                source=self.name,
                clip_id=take.clip_id,
                captions=_captions(take, photograph.shows),
                licence=photograph.licence,
                origin=f"skimage:{take.photograph}",
                category=take.category,
                split=SPLITS.get(take.photograph, "train"),
            )

    def shelves(self) -> Sequence[Shelf]:
        return (Studio({take.clip_id: take for take in self._takes()}),)

    def _takes(self) -> Iterator[AnyTake]:
        params = self._params
        yield from takes(params.clips, params.seed)
        for subject, count in ((UNNAMED_MOVE, params.unnamed_moves), (NIGHTFALL, params.nightfalls)):
            for number in range(count):
                yield SubjectTake(number, list(PHOTOGRAPHS)[number % len(PHOTOGRAPHS)], subject, params.seed)


@dataclass(frozen=True)
class Studio:
    """Where takes are filmed."""

    takes: dict[str, AnyTake]

    def __str__(self) -> str:
        return "the studio, which films photographs"

    def supply(self, entries: Sequence[Entry], depot: Depot) -> Iterator[Fetched | Lost]:
        return depot.run(partial(self._film, entry, depot.videos) for entry in entries)

    def _film(self, entry: Entry, folder: Path) -> Fetched | Lost:
        take = self.takes[entry.clip_id]
        times = np.linspace(0, 1, NUM_FRAMES)
        frames = film_somewhere(_photograph(take.photograph), take.path, SIZE, times, take.rng, 2.5)
        if take.grade is not None:
            frames = grading.grade(frames, take.grade, grading.nightfall(times))
        facts = {"photograph": take.photograph, **take.facts, "licence": entry.licence}
        clip = encode(frames, folder / f"{entry.clip_id}.mp4", FPS, "medium", facts)
        return Fetched(entry, clip.path, new=True)


def takes(count: int, seed: int) -> Iterator[Take]:
    """Photographs, moves and speeds in turn: after each round of photographs comes the next move."""
    moves = [*product(CameraSpeed, CameraMove)]
    for number in range(count):
        turn, photograph = divmod(number, len(PHOTOGRAPHS))
        speed, move = moves[turn % len(moves)]
        yield Take(number, list(PHOTOGRAPHS)[photograph], move, speed, seed)


def _captions(take: AnyTake, shows: str) -> tuple[str, ...]:
    """Three of what is shown and how, in the ways people put it, and three that leave the one to the picture."""
    rng = take.rng
    phrases = [take.words(rng) for _ in range(6)]
    occasion, press_words = (of[rng.integers(len(of))] for of in (OCCASIONS, PRESS_WORDS))
    return (
        _sentence(f"{shows}, {phrases[0]}"),
        _sentence(f"{phrases[1]}{take.joint}{shows}"),
        f"{_sentence(shows)} {_sentence(phrases[2])}",
        _sentence(f"{occasion}, {phrases[3]}"),
        f"{_sentence(press_words)} {_sentence(phrases[4])}",
        phrases[5],
    )


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


@cache
def _photograph(name: str) -> np.ndarray:
    return read_photograph(name)
