"""What pages of the documentation ask of a reader: commands and their answers, Python, links, files, options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.git_files import VERSIONED_OR_NEW, files_of

SHELLS = ("sh", "bash", "console")
# Reports are written by programs, and what a version brought may have gone since.
NOT_FOLLOWED = ("reports/", "CHANGELOG.md")

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """A command line of a page, without its comment, and the lines that the page shows beneath it."""

    text: str
    answer: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The command's words as a shell would part them, without variables that are set before it."""
        words = shlex.split(self.text, comments=True)
        while words and re.match(r"\w+=", words[0]):
            words.pop(0)
        return words


@dataclass(frozen=True)
class Block:
    """A fenced block: the language behind its fence, and its text without the fences' indent."""

    language: str
    text: str

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands of a block for a shell; in a console they stand behind `$`, and their answers beneath."""
        if self.language not in SHELLS:
            return ()
        joined = self.text.replace("\\\n", " ").splitlines()
        if self.language != "console":
            return tuple(Command(line) for line in map(without_comment, joined) if line)
        told: list[tuple[str, list[str]]] = []
        for line in joined:
            if line.startswith("$ "):
                told.append((without_comment(line[2:]), []))
            elif told:
                told[-1][1].append(line)
        return tuple(Command(line, tuple(answer)) for line, answer in told)


@dataclass(frozen=True)
class Page:
    """A page in Markdown; `name` is its path in the repository."""

    name: str
    text: str

    @property
    def blocks(self) -> list[Block]:
        """Its fenced blocks in their order."""
        found = _BLOCK.findall(self.text)
        return [Block(language, re.sub(f"^{indent}", "", text, flags=re.MULTILINE)) for indent, language, text in found]

    @property
    def commands(self) -> list[Command]:
        """All commands that it shows for a shell."""
        return [command for block in self.blocks for command in block.commands]

    @property
    def prose(self) -> str:
        """What stands outside the blocks."""
        return _BLOCK.sub("", self.text)

    @property
    def spans(self) -> list[str]:
        """What it sets as code in its prose, each on one line."""
        return [" ".join(span.split()) for span in _SPAN.findall(self.prose)]

    @property
    def links(self) -> list[str]:
        """Where its links lead: addresses, paths, anchors."""
        return _LINK.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """What a link may name behind `#`, as GitHub makes it of the headings."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(self.prose)}


def without_comment(line: str) -> str:
    """A command line up to its comment; quotes stay as they are."""
    for comment in re.finditer(r"(?:^|\s)#", line):
        try:
            shlex.split(line[: comment.start()])
        except ValueError:
            continue  # it stands in quotes
        return line[: comment.start()].strip()
    return line.strip()


def pages_of(repository: Path) -> Iterator[Page]:
    """Every page that git versions and that is there to be followed."""
    for name in sorted(files_of(repository, *VERSIONED_OR_NEW, "*.md")):
        if not name.startswith(NOT_FOLLOWED) and (repository / name).is_file():
            yield Page(name, (repository / name).read_text(encoding="utf-8"))
