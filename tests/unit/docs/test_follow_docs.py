"""Links, files, options and commands of the documentation exist; and what checks that notices where one does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import docs_checks, follow_docs
from scripts.docs_pages import Page


def test_links_files_options_and_commands_of_all_pages_exist(repository: Path) -> None:
    command = [sys.executable, "-m", "scripts.follow_docs", "--at-rest"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stdout.strip()


WRONG = """# A page

`--colour-of-night`, `src/reelops/nowhere.py`, `reelops score --sharpen`, `reelops paint`, [gone](gone.md),
[nor there](#no-such-heading), [here](#a-page).

```sh
reelops generate photo.jpg "pan left" --sede 7   # misspelt
make coffee
python -m flows score-clips clips/ --worker 3
reelops generate photo.jpg "slow zoom in" --seed 7
```
"""


def test_each_kind_of_mistake_in_a_page_is_found(repository: Path) -> None:
    page = Page("docs/wrong.md", WRONG)
    found = [
        line for line in follow_docs.problems_at_rest(repository, [page]) if not line.startswith("follow_docs.yaml")
    ]
    named = ("--colour-of-night", "nowhere.py", "--sharpen", "paint", "gone.md", "#no-such-heading", "--sede", "coffee")
    for word in (*named, "--worker"):
        assert [line for line in found if word in line], (word, found)
    assert len(found) == len(named) + 1, found


def test_a_rule_for_a_command_that_no_page_shows_is_found(repository: Path) -> None:
    found = follow_docs.problems_at_rest(repository, [Page("README.md", "")])
    assert "follow_docs.yaml: no page shows make test" in found


def test_options_of_programs_of_others_are_looked_up_in_their_help() -> None:
    assert docs_checks.problem_of(["dvc", "repro", "--dry", "metadata"]) is None
    assert "--drry" in docs_checks.problem_of(["dvc", "repro", "--drry", "metadata"])


PAGE = """   ```console
   $ reelops score "a # b" --html \\
       report.html   # all
   1 clip
   $ echo done
   ```
"""


def test_commands_of_a_console_come_without_comments_and_with_what_is_shown_beneath() -> None:
    first, second = Page("a.md", PAGE).commands
    assert first.words == ["reelops", "score", "a # b", "--html", "report.html"]
    assert (first.answer, second.text, second.answer) == (("1 clip",), "echo done", ())


SHOWN = ("Accepted.", "Clip  /home/me/reelops/a.mp4", "...", "Made in 3 s, 7%")


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (
            "Generating: 1 of 1 steps, about 0:00:00 left\nAccepted.\nClip  /srv/x/a.mp4\nmore\nMade in 4.5 s, 8%\n",
            False,
        ),
        ("Accepted.\nClip  /srv/x/a.mp4\nMade in 4.5 s, 8%\n", False),
        ("Accepted.\nClip  /srv/x/b.mp4\nMade in 4.5 s, 8%\n", True),
        ("Note\nAccepted.\nClip  /srv/x/a.mp4\nMade in 4.5 s, 8%\n", True),
        ("Accepted.\nClip  /srv/x/a.mp4\nMade in 4.5 s, 8%\nand a line that the page lacks\n", True),
        ("", True),
    ],
)
def test_an_answer_may_differ_from_the_page_in_place_and_figures_only(answer: str, wrong: bool) -> None:
    assert bool(follow_docs.differences(SHOWN, answer, Path("/srv/x"))) is wrong
