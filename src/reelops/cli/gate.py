"""`reelops gate`: what has to do with the gate itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml

from reelops.errors import InputError
from reelops.gate.limits import DEFAULT
from reelops.params import load_config
from reelops.scoring.batch import ScoringOrder, score_clips
from reelops.scoring.voting.calibrate import Calibration
from reelops.scoring.voting.calibrate import calibrate as held_against
from reelops.scoring.voting.votes import VOTES_NAME, read_votes
from reelops.system.digest import sha256_of
from reelops.views import scores as score_view
from reelops.views.console import note


def register(app: typer.Typer) -> None:
    gate = typer.Typer(no_args_is_help=True, help="Hold the gate against what people say.")
    gate.command("calibrate")(calibrate)
    app.add_typer(gate, name="gate")


def calibrate(
    folder: Annotated[Path, typer.Argument(help="A folder of clips that people voted on.")],
    votes: Annotated[
        Path | None, typer.Option(help="The table of votes.", show_default=f"{VOTES_NAME} in the folder")
    ] = None,
    profile: Annotated[str, typer.Option(help="Whose limits.")] = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", "-j", help="Processes.", min=1, max=1024, show_default="one per core")
    ] = None,
) -> None:
    """Say how often the gate agrees with people, and which limits would agree more often.

    Nothing is changed: what is found is shown as lines for params.yaml, with what it is worth on clips that it was not
    fitted to.

    Example: reelops gate calibrate clips/
    """
    table = votes or folder / VOTES_NAME
    found = read_votes(table)
    if not found:
        raise InputError(
            f"there are no votes in {table}, so the gate cannot be held against people; `reelops vote` collects some."
        )
    config = load_config()
    order = ScoringOrder.of(config, profile=None if profile == DEFAULT else profile)
    names = {one for vote in found for one in (vote.left, vote.right)}
    clips = [folder / name for name in sorted(names) if (folder / name).is_file()]
    if missing := len(names) - len(clips):
        note(f"{missing} of {len(names)} clips that were voted on are not in {folder}; votes on them do not count.")
    if not clips:
        raise InputError(f"none of the clips that were voted on is in {folder}; name the folder that was voted on.")
    with score_view.progress(clips) as context:
        scored = score_clips(clips, order, workers, context)
    known = {sha256_of(one.path): one for one in scored if one.scores}
    scores = {sha256: one.scores for sha256, one in known.items() if one.scores}
    finished = {sha256 for sha256, one in known.items() if one.origin and one.origin.is_finished}
    of_finished = order.gate_settings.limits_of(profile, finished=True)
    result = held_against(found, scores, order.gate_settings.limits_of(profile), dict.fromkeys(finished, of_finished))
    typer.echo(json.dumps(result.to_json(), indent=2) if as_json else _words(result))


def _words(found: Calibration) -> str:
    lines = [
        f"{found.votes} votes of {found.voters} people.",
        f"The gate agrees with them on {found.agreed} clips, and prefers what they prefer in {found.pairs} pairs.",
        f"Of clips that they would use it holds back {found.held_back}; "
        f"of those that they would not it accepts {found.let_through}.",
    ]
    if found.among_people.of:
        lines.append(f"Among themselves they agree in {found.among_people} answers.")
    if not found.changed:
        return "\n".join([*lines, "No limit would agree with them noticeably more often."])
    limits = {name: limit.model_dump(exclude_defaults=True) for name, limit in found.changed.items()}
    then = f", on clips that they were not fitted to on {found.agreed_then}" if found.agreed_then else ""
    return "\n".join(
        [*lines, f"These limits would agree more often{then}:", yaml.safe_dump(limits, sort_keys=False).rstrip()]
    )
