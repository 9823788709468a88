"""A clip as a source lists it, before anybody has its video, and what became of it when it was fetched."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from reelops.foreign import printable
from reelops.system.plain_text import without_half_letters

Split = Literal["train", "validation", "test"]
OnNote = Callable[[str], None]
"""Told in a sentence of each thing in a source that was left out or understood in a roundabout way."""

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})

_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")

_SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "public_test", "private_test"), "test"),
}

# What stands beside a split's word in the name of a folder without making it another thing.
_SET_WORD = re.compile(r"sets?|data|dataset|split|subset|full|videos?|clips?|[0-9]+k?")


@dataclass(frozen=True)
class Segment:
    """Part of a longer video: from `start` to just before `end`, in seconds after its first frame."""

    start: Fraction
    end: Fraction

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"from {float(self.start):g} s to {float(self.end):g} s is no part of a video")


@dataclass(frozen=True)
class Entry:
    """A clip as its source lists it.

    Attributes:
        source: the source's name in params.yaml.
        clip_id: the publisher's own name for it, unique within the source and the same for ever.
        captions: as published, in the publisher's order; may be empty. What UTF-8 cannot hold of them, and of the other
            words here, is replaced.
        licence: of the video.
        origin: what it was cut from or filmed over, named alike in every source (`youtube:9lZi22qLlEo`): clips of one
            origin belong in one split.
        category: the publisher's, in words.
        split: the publisher's, where there is one.
        segment: where the clip lies in the whole video.
        page: the web page that shows the whole video.
    """

    source: str
    clip_id: str
    captions: tuple[str, ...]
    licence: str
    origin: str
    category: str | None = None
    split: Split | None = None
    segment: Segment | None = None
    page: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "captions", tuple(map(without_half_letters, self.captions)))
        object.__setattr__(self, "licence", without_half_letters(self.licence))
        object.__setattr__(self, "category", without_half_letters(self.category) if self.category is not None else None)

    @property
    def video_id(self) -> str:
        """The publisher's name for the whole video: `9lZi22qLlEo`."""
        return self.origin.partition(":")[2]


@dataclass(frozen=True)
class Fetched:
    """An entry whose video is here.

    Attributes:
        path: a whole file.
        segment: what of the file is the clip; None when it is all of it.
        new: whether this run brought it.
    """

    entry: Entry
    path: Path
    segment: Segment | None = None
    new: bool = False


@dataclass(frozen=True)
class Lost:
    """An entry whose video cannot be had, with what each place said, the first one asked first."""

    entry: Entry
    reasons: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "reasons", tuple(map(printable, self.reasons)))


def is_clip_name(name: object) -> bool:
    """Whether a publisher's name for a clip can be a file's name anywhere, and leads nowhere else."""
    return isinstance(name, str) and _FILE_NAME.fullmatch(name) is not None


def split_in(word: object) -> Split | None:
    """The split that a publisher's word or file name speaks of: `validate` and `msrvtt_ret_train7k` mean one each."""
    if not isinstance(word, str | int):
        return None
    return next(filter(None, map(_split_word, _parts(str(word)))), None)


def split_of_folder(name: str) -> Split | None:
    """The split that a folder holds by its name: `train`, `val2014`, `test_set`. `training_dog` is a class of clips."""
    splits = {_split_word(part) for part in _parts(name) if not _SET_WORD.fullmatch(part)}
    return splits.pop() if len(splits) == 1 else None


def _parts(name: str) -> list[str]:
    text = name.lower().replace("-", "_")
    return [text] if text in _SPLIT_WORDS else re.split(r"[_. ]+", text)


def _split_word(part: str) -> Split | None:
    return _SPLIT_WORDS.get(part.rstrip("0123456789k") if part[-1:] in "0123456789k" else part)


def youtube_id(url: str) -> str | None:
    """The video that a YouTube address shows."""
    for mark in ("watch?v=", "&v=", "?v=", "youtu.be/", "/embed/", "/shorts/"):
        _, found, rest = url.partition(mark)
        if found and (match := _YOUTUBE_ID.match(rest)):
            return match[0]
    return None


def youtube_page(video_id: str) -> str:
    return f"https://www.youtube.com/watch?v={video_id}"
