"""A picture and a sentence become a scored, judged and tracked clip.

Alone, with an embedded server:  python -m flows.generate_video photo.jpg "slow zoom in" -o clip.mp4
As a deployment:                 prefect deploy --all; prefect worker start --pool gpu
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from prefect import flow
from prefect.states import Completed

from reelops.cli import run_guarded
from reelops.clip import ClipOrder
from reelops.errors import TrackingError
from reelops.params import Config, load_config
from reelops.production import pipeline as production
from reelops.production.pipeline import Take
from reelops.system.scratch import scratch_folder
from tasks.generation import encode_clip, generate_footage, gpu_slot, watched_by
from tasks.quiet import quieten
from tasks.scoring import judge_clip, score_clip
from tasks.stopping import heed_sigterm, sigterm_noted
from tasks.tracking import log_clip, show_clip

REJECTED = 3


@flow(name="generate-video", flow_run_name="{profile}: {prompt}", retries=0)
def generate_video(
    picture: str,
    prompt: str,
    output: str | None = None,
    profile: str = "tiny",
    seed: int = 0,
    steps: int | None = None,
    guidance: float | None = None,
    negative_prompt: str = "",
    adapter: str | None = None,
    adapter_strength: float = 1.0,
    fit: Literal["crop", "pad"] = "crop",
    quality: Literal["high", "medium", "low", "fast", "lossless"] = "high",
    track: bool = True,
    overwrite: bool = False,
) -> Take:
    """Turn a picture and a sentence into a short clip: generate, encode, score, judge, log.

    Args:
        picture: path of the picture on the machine that runs the flow.
        prompt: a sentence; it may name a camera move.
        output: path of the clip, .mp4; None makes a name from picture, prompt and seed in ReelOps' outputs folder.
        profile: a base model of params.yaml, or a folder in diffusers layout.
        seed: the same seed gives the same clip.
        steps: sampling steps; None takes the profile's.
        guidance: how strictly the prompt is followed; 1 is off; None takes the profile's.
        negative_prompt: what to steer away from.
        adapter: a LoRA, file or folder.
        adapter_strength: 1 applies the adapter as trained.
        fit: a picture of another aspect is cropped or padded.
        quality: how the file is encoded.
        track: log the run to MLflow.
        overwrite: replace an output that exists.
    """
    started = time.time()
    config = load_config()
    order = ClipOrder(
        picture=Path(picture),
        prompt=prompt,
        profile=profile,
        seed=seed,
        steps=steps,
        guidance=guidance,
        negative_prompt=negative_prompt,
        adapter=Path(adapter) if adapter else None,
        adapter_strength=adapter_strength,
        fit=fit,
    )
    production.check_order(order, config)
    path = _place(order, output, config, overwrite)
    with production.unjudged_removed(path), sigterm_noted():
        with scratch_folder(config.cache) as scratch:
            with gpu_slot(config):
                footage = generate_footage(order, scratch, config)
            heed_sigterm()
            encoded = encode_clip(footage, order, path, quality)
            heed_sigterm()
            scored = score_clip(encoded.clip, footage, order, config)
        verdict = judge_clip(scored.scores, order, config)
        take = production.assemble(order, footage, encoded, scored, verdict, started)
        if track:
            take = _logged(take, config)
        production.write_sidecar(take)
    show_clip(take)
    return _finished(take)


def _place(order: ClipOrder, output: str | None, config: Config, overwrite: bool) -> Path:
    if output is None:
        return production.default_output(order, config.outputs)
    return production.check_output(Path(output), overwrite)


def _logged(take: Take, config: Config) -> Take:
    """A clip is not lost over a tracking server: its task is seen to fail, and the take says why."""
    try:
        return replace(take, tracked=log_clip(take, config))
    except TrackingError as error:
        return replace(take, tracking_failure=str(error))


def _finished(take: Take) -> Any:
    """A completed state named after the verdict, so that a list of runs shows which clips were rejected."""
    name = {"accept": "Accepted", "review": "Review", "reject": "Rejected"}[take.verdict.decision.value]
    return Completed(name=name, message=" ".join(reason.text for reason in take.verdict.reasons) or None, data=take)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the flow here and shows what came of it; 3 when the gate rejected the clip."""
    from reelops.views.take import progress_bar, show_take

    given = _parser().parse_args(arguments)
    quieten()
    with progress_bar("Starting Prefect") as on_progress, watched_by(on_progress):
        take = generate_video(
            picture=given.picture,
            prompt=given.prompt,
            output=given.output,
            profile=given.profile,
            seed=given.seed,
            steps=given.steps,
            overwrite=given.force,
        )
    show_take(take)
    return REJECTED if take.verdict.decision.value == "reject" else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flows.generate_video", description=__doc__.splitlines()[0])
    parser.add_argument("picture")
    parser.add_argument("prompt")
    parser.add_argument("-o", "--output", help="the clip to write (default: a new name in ReelOps' outputs folder)")
    parser.add_argument("-p", "--profile", default="tiny")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("-f", "--force", action="store_true", help="overwrite the output")
    return parser


if __name__ == "__main__":
    sys.exit(run_guarded(main))
