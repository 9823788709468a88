"""ReelOps from Python, in one call each; `import reelops` offers them by name and loads them when they are called."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from reelops.clip import order_of
from reelops.errors import VideoError
from reelops.params import load_config
from reelops.production.output_place import output_place
from reelops.production.producer import build_producer
from reelops.production.take import Take
from reelops.progress import QUIET, RunContext
from reelops.scoring.batch import ScoringOrder, score_clips
from reelops.scoring.scored_clip import ScoredClip

AnyPath = str | PathLike[str]


def generate(
    picture: AnyPath,
    prompt: str,
    output: AnyPath | None = None,
    *,
    overwrite: bool = False,
    track: bool = True,
    context: RunContext = QUIET,
    **order: Any,
) -> Take:
    """Turns a picture and a sentence into a clip, scored, judged and logged, as `reelops generate` does.

    Each call loads the model. For many clips of one kind, keep what `build_producer` returns.

    Args:
        output: an .mp4, or a folder that is there; None takes `outputs` in the working folder, and names the file
            after picture and prompt.
        overwrite: replace a clip that is there, and what lies beside it under its name.
        track: log the run to MLflow.
        context: who watches the run, and may stop it.
        order: further fields of `ClipOrder`: profile, seed, size, detail, seconds, adapter, fit, quality, ...

    Raises:
        InputError: something given cannot be used; names it.
        ReelOpsError: no clip was made, and nothing of it stays.
    """
    wanted = order_of(picture=picture, prompt=prompt, **order)
    producer = build_producer(load_config())
    producer.check(wanted)
    with output_place(wanted, _path(output), Path("outputs"), overwrite) as place:
        return producer.produce(wanted, place, context, track)


def score(
    clip: AnyPath,
    *,
    picture: AnyPath | None = None,
    prompt: str | None = None,
    profile: str | None = None,
    reference: AnyPath | None = None,
    also: Sequence[str] = (),
    fresh: bool = False,
) -> ScoredClip:
    """Scores one clip and judges it, as `reelops score` does; one that was scored before is not measured again.

    Args:
        picture, prompt, profile: None takes what the clip says of itself.
        reference: a video or picture to compare it with.
        also: more metrics by name, such as lpips.
        fresh: measure it again.

    Raises:
        VideoError: it cannot be scored; says why.
        SettingsError: there is no metric of a name in `also`.
    """
    wanted = ScoringOrder.of(
        load_config(),
        picture=_path(picture),
        prompt=prompt,
        profile=profile,
        reference=_path(reference),
        also=tuple(also),
        fresh=fresh,
    )
    (scored,) = score_clips([Path(clip)], wanted)
    if scored.error:
        raise VideoError(scored.error)
    return scored


def _path(given: AnyPath | None) -> Path | None:
    return None if given is None else Path(given)
