"""Follows the documentation to the letter, each page in a fresh clone: python -m scripts.follow_docs [PAGES...]

Runs every command and every piece of Python of the pages, compares what they answer with what is shown beneath them,
and checks links, files and options. `follow_docs.yaml` names what is only checked, with its reason. Writes
reports/docs.json, in which PAGES take the place of what it said of them, and ends with 1 if something is not as a page
has it. Of each page it says at which commit it was followed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reelops.tracking.commit import commit_of
from scripts import docs_checks
from scripts.docs_pages import Block, Command, Page, pages_of
from scripts.fresh_clone import Answer, FreshClone
from scripts.git_files import VERSIONED_OR_NEW, files_of

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "reports" / "docs.json"
# Where pages say that the clone is.
SHOWN_PLACE = "/home/me/reelops"
ANYTHING = "..."
# What a console shows beneath it is how the command before it ended, which is with 0 where nobody asks.
ASKS_EXIT_CODE = "echo $?"
_PROGRESS = re.compile(r"[\w ]+: \d+(%| of \d+).*|.*about \d+:\d\d:\d\d left|.*\d+ of \d+ packages found")
_RUN_ID = re.compile(r"\b[0-9a-f]{32}\b")
_SECONDS = re.compile(r"\b\d+(\.\d+)? s\b")
# What is measured differs a little between processors that compute in other number formats.
_MEASURED = re.compile(r"(?<![\d.])\d+\.\d+(?!\.?\d)|\b\d+(?=%)")


@dataclass(frozen=True)
class Rules:
    """What `follow_docs.yaml` says."""

    not_run: Mapping[str, str]
    python_not_run: Mapping[str, str]
    stand_ins: Mapping[str, str]
    answer_not_compared: Mapping[str, str]
    may_end_with_1: Mapping[str, str]
    foreign_options: frozenset[str]
    not_here: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> Rules:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls(
            not_run=_turned(told["not_run"]),
            python_not_run=_turned(told["python_not_run"]),
            stand_ins=told["stand_ins"],
            answer_not_compared=_turned(told["answer_not_compared"]),
            may_end_with_1=_turned(told["may_end_with_1"]),
            foreign_options=frozenset(told["foreign_options"]),
            not_here=frozenset(_turned(told["not_here"])),
        )


def _turned(by_reason: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {thing: reason for reason, things in by_reason.items() for thing in things}


RULES = Rules.read(Path(__file__).with_suffix(".yaml"))


def lay_out(clone: FreshClone, page: Page) -> None:
    """What a page takes for granted: a photograph and clips of the reader's own; not the clips that it makes itself."""
    media = clone.folder / "data" / "media" / "video"
    some = sorted(media.glob("cogvideox-generated-*.mp4"))[:2]
    shutil.copy(clone.folder / "data" / "samples" / "coffee.jpg", clone.folder / "photo.jpg")
    shutil.copy(media / "intel-asl-walk.mkv", clone.folder / "in.mkv")
    made = " ".join(command.text for command in page.commands if command.text not in RULES.not_run)
    if "-o clip.mp4" not in made:
        shutil.copy(some[0], clone.folder / "clip.mp4")
    for name in ("clips", "new", "old", "good"):
        if f"-o {name}/" not in made:
            (clone.folder / name).mkdir()
            for clip in some:
                shutil.copy(clip, clone.folder / name)


def differences(promised: Sequence[str], answer: str, place: Path) -> list[str]:
    """Where an answer is not what a page shows, but for progress, the clone's place and ids of runs.

    Seconds, shares and decimals are not compared, so a page may show those of its writer's machine.
    `...` on a line of its own stands for any lines.
    """
    told = [_comparable(line.replace(str(place), SHOWN_PLACE)) for line in _without_progress(answer.splitlines())]
    wanted = [_comparable(line) for line in _without_progress(promised)]
    missing: list[str] = []
    at, skipping = 0, False
    for line in wanted:
        if line == ANYTHING:
            skipping = True
            continue
        found = next((i for i in range(at, len(told)) if told[i] == line), None) if skipping else at
        if found is None or found >= len(told) or told[found] != line:
            missing.append(line)
        else:
            at, skipping = found + 1, False
    if not missing and not skipping and at < len(told):
        return [f"says more than the page: {line}" for line in told[at:]]
    return [f"does not say: {line}" for line in missing] + ([f"but: {line}" for line in told] if missing else [])


def _without_progress(lines: Iterable[str]) -> list[str]:
    return [line.rstrip() for line in lines if line.strip() and not _PROGRESS.fullmatch(line)]


def _comparable(line: str) -> str:
    return _MEASURED.sub("0", _SECONDS.sub("0 s", _RUN_ID.sub("0" * 32, line)))


def follow_command(command: Command, clone: FreshClone, wanted: int = 0) -> dict[str, Any]:
    """A row of the report: how a command ended, or why it was not run, and what was wrong.

    Args:
        command: what the page shows.
        clone: where it runs.
        wanted: the exit code that it has to have.
    """
    row: dict[str, Any] = {"command": command.text}
    if reason := RULES.not_run.get(command.text):
        problem = docs_checks.problem_of(command.words) if command.words else None
        return row | {"not_run": reason, "wrong": [problem] if problem else []}
    begin = time.monotonic()
    line = command.text
    for told, stand_in in RULES.stand_ins.items():
        line = line.replace(told, stand_in)
    answer = clone.run(line)
    row |= {"exit_code": answer.exit_code, "seconds": round(time.monotonic() - begin, 1)}
    return row | {"wrong": list(_wrong_in(command, answer, wanted, clone.folder))}


def _wrong_in(command: Command, answer: Answer, wanted: int, place: Path) -> Iterator[str]:
    if answer.exit_code != wanted and not (answer.exit_code == 1 and command.text in RULES.may_end_with_1):
        yield f"ended with {answer.exit_code}, not {wanted}: {answer.output[-1500:]}"
    elif command.answer and command.text not in RULES.answer_not_compared:
        yield from differences(command.answer, answer.output, place)


def follow_python(page: Page, block: Block, clone: FreshClone) -> dict[str, Any]:
    """A row for a block of Python; under `__main__`, as what starts processes wants."""
    row: dict[str, Any] = {"python": block.text.strip().splitlines()[-1]}
    if reason := RULES.python_not_run.get(page.name):
        compile(block.text, page.name, "exec")
        return row | {"not_run": reason, "wrong": []}
    indented = "".join(f"    {line}" for line in block.text.splitlines(keepends=True))
    (clone.folder / "of_the_page.py").write_text(f'if __name__ == "__main__":\n{indented}')
    begin = time.monotonic()
    answer = clone.run("python of_the_page.py")
    row |= {"exit_code": answer.exit_code, "seconds": round(time.monotonic() - begin, 1)}
    return row | {"wrong": [answer.output[-1500:]] if answer.exit_code else []}


def follow_page(page: Page, clone: FreshClone) -> list[dict[str, Any]]:
    """Rows for all that a page shows, in its order, as in one shell in which the environment is active."""
    if not any(command.text.startswith("source ") for command in page.commands):
        clone.run("source .venv/bin/activate")
    rows = []
    for block in page.blocks:
        if block.language == "python":
            rows.append(follow_python(page, block, clone))
        for command, after in itertools.pairwise([*block.commands, None]):
            if command is None or command.text == ASKS_EXIT_CODE:
                continue
            asked = after is not None and after.text == ASKS_EXIT_CODE
            rows.append(follow_command(command, clone, int(after.answer[0]) if after and asked else 0))
            print(f"{page.name}: {command.text}{_ending(rows[-1])}", flush=True)
    return rows


def _ending(row: Mapping[str, Any]) -> str:
    ended = f"  not run: {row['not_run']}" if "not_run" in row else f"  {row['seconds']} s"
    return ended + "".join(f"\n    {line}" for wrong in row["wrong"] for line in wrong.splitlines())


def problems_at_rest(repository: Path, pages: Sequence[Page]) -> list[str]:
    """What is wrong in pages without following them."""
    tracked = files_of(repository, *VERSIONED_OR_NEW)
    shown = {command.text for page in pages for command in page.commands}
    found = [f"follow_docs.yaml: no page shows {command}" for command in RULES.not_run if command not in shown]
    for page in pages:
        found += docs_checks.problems_of_links(page, repository, pages)
        found += docs_checks.problems_of_files(page, tracked, RULES.not_here)
        found += docs_checks.problems_of_options(page, RULES.foreign_options)
        found += docs_checks.problems_of_commands_in_prose(page)
        for command in page.commands:
            if docs_checks.is_ours(command.words) and (problem := docs_checks.problem_of(command.words)):
                found.append(f"{page.name}: {command.text}: {problem}")
    return found


def _kept_of(pages: Sequence[Page]) -> dict[str, dict[str, Any]]:
    """What the report says of pages that are still there."""
    there = {page.name for page in pages}
    said: dict[str, dict[str, Any]] = json.loads(REPORT.read_text(encoding="utf-8"))["pages"]
    return {name: page for name, page in said.items() if name in there}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", help="follow these only; the report keeps what it says of others")
    parser.add_argument("--at-rest", action="store_true", help="run nothing; only check what can be checked so")
    arguments = parser.parse_args()
    asked = arguments.pages
    pages = list(pages_of(ROOT))
    wrong = problems_at_rest(ROOT, pages)
    if arguments.at_rest:
        print("\n".join(wrong))
        return 1 if wrong else 0
    commit = commit_of(ROOT)
    followed = _kept_of(pages) if asked else {}
    for page in pages:
        if page.blocks and (not asked or page.name in asked):
            with tempfile.TemporaryDirectory() as scratch:
                clone = FreshClone(ROOT, Path(scratch))
                lay_out(clone, page)
                followed[page.name] = {"commit": commit, "rows": follow_page(page, clone)}
    followed = dict(sorted(followed.items()))
    every = [row for page in followed.values() for row in page["rows"]]
    wrong += [f"{name}: {line}" for name, page in followed.items() for row in page["rows"] for line in row["wrong"]]
    ran = sum("not_run" not in row for row in every)
    report = {"shown": len(every), "ran": ran, "checked": len(every) - ran, "wrong": wrong, "pages": followed}
    REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(*wrong, f"{ran} of {len(every)} ran, the rest was checked; {len(wrong)} are wrong.", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
