"""`reelops vote`: people judge clips, two at a time, without knowing which is which."""

from __future__ import annotations

import getpass
import webbrowser
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from reelops.errors import InputError
from reelops.scoring.batch import find_clips
from reelops.scoring.outputs import check_files
from reelops.scoring.voting.pairs import drawn_pairs
from reelops.scoring.voting.server import Answer, VotingServer
from reelops.scoring.voting.votes import VOTES_NAME, Vote, add_vote, read_votes
from reelops.system.digest import sha256_of
from reelops.views.console import note


def register(app: typer.Typer) -> None:
    app.command("vote")(vote)


def vote(
    folder: Annotated[Path, typer.Argument(help="A folder of clips.")],
    pairs: Annotated[int, typer.Option(help="How many pairs to show.", min=1, max=10_000)] = 20,
    votes: Annotated[
        Path | None, typer.Option(help="The table of votes.", show_default=f"{VOTES_NAME} in the folder")
    ] = None,
    voter: Annotated[
        str | None, typer.Option(help="Who votes; kept with each vote.", show_default="your user name")
    ] = None,
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 0,
    seed: Annotated[
        int | None, typer.Option(help="Of the order.", min=0, max=2**32 - 1, show_default="another each time")
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
) -> None:
    """Judge clips: two side by side, blind and in random order, on a page that this machine alone can open.

    Of each pair you say which is better, and which you would use. Every answer is kept at once, so you can stop with
    Ctrl-C at any time and go on later; `reelops gate calibrate` holds the gate against what was said.

    Example: reelops vote clips/
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name one that holds clips.")
    table = votes or folder / VOTES_NAME
    name = voter or _user()
    clips = find_clips([folder], note)
    check_files([table], clips)
    by_name = {_path_in(folder, clip): clip for clip in clips}
    earlier = [one for one in read_votes(table) if one.voter == name]
    seen = [(by_name[one.left], by_name[one.right]) for one in earlier if {one.left, one.right} <= by_name.keys()]
    drawn = list(islice(drawn_pairs(clips, seen, np.random.default_rng(seed)), pairs))
    if not drawn:
        typer.echo(f"{name} has voted on all pairs of {folder}.")
        return

    def keep(pair: tuple[Path, Path], answer: Answer) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        left, right = pair
        usable = answer.left_usable, answer.right_usable
        paths, digests = (_path_in(folder, left), _path_in(folder, right)), (sha256_of(left), sha256_of(right))
        add_vote(table, Vote(*paths, *digests, answer.better, *usable, name, now))

    server = VotingServer(iter(drawn), len(drawn), keep, port)
    typer.echo(f"Vote at {server.address}\nThe address is yours alone; Ctrl-C ends it.")
    if browser:
        webbrowser.open(server.address)
    try:
        server.serve()
    except KeyboardInterrupt:
        pass  # as good an end as the last pair
    finally:
        mine = sum(one.voter == name for one in read_votes(table)) - len(earlier)
        typer.echo(f"{mine} votes were added to {table}.")


def _user() -> str:
    """Who runs this.

    Raises:
        InputError: the system does not know, as in a container of another user.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise InputError("this machine has no name for you; give one with --voter.") from error


def _path_in(folder: Path, clip: Path) -> str:
    return clip.relative_to(folder).as_posix()
