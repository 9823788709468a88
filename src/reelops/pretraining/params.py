"""The block `pretrain` of params.yaml."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, PositiveFloat, PositiveInt

from reelops.errors import SettingsError
from reelops.params import ParamsBlock, find_files
from reelops.pretraining.stage import PretrainConfig
from reelops.pretraining.transformer import TransformerConfig
from reelops.pretraining.vae import VaeConfig


class PretrainParams(ParamsBlock):
    """What to learn from, what to be judged by, and for how long to train.

    Attributes:
        pictures, videos: globs of files to learn from, relative to the project; what is not there is left out and said.
        held_out: globs of pictures to evaluate on; never trained on.
        held_out_fallback: the same, where none of `held_out` is there.
        evaluation_pictures: how many of the held-out pictures, by name, are evaluated.
        vae_minutes, transformer_minutes, decoder_minutes: wall time of the phases.
        clips: how many clips are filmed and encoded for the transformer.
    """

    pictures: list[str]
    videos: list[str] = Field(default_factory=list)
    held_out: list[str]
    held_out_fallback: list[str]
    evaluation_pictures: PositiveInt = 8
    vae_minutes: PositiveFloat
    transformer_minutes: PositiveFloat
    decoder_minutes: PositiveFloat
    clips: PositiveInt
    seed: int = 0

    def config(self) -> PretrainConfig:
        return PretrainConfig(
            vae=VaeConfig(seconds=self.vae_minutes * 60, seed=self.seed),
            transformer=TransformerConfig(seconds=self.transformer_minutes * 60, seed=self.seed),
            decoder_seconds=self.decoder_minutes * 60,
            clips=self.clips,
            seed=self.seed,
        )


def held_out_pictures(params: PretrainParams, root: Path) -> tuple[list[Path], str | None]:
    """The pictures to evaluate on, and what to say where it is not the usual set.

    Raises:
        SettingsError: there are none at all.
    """
    pictures, _ = find_files(params.held_out, root, "pretrain.held_out")
    note = None
    if not pictures:
        pictures, _ = find_files(params.held_out_fallback, root, "pretrain.held_out_fallback")
        note = f"none of {params.held_out} is here, so {params.held_out_fallback} is evaluated; figures do not compare"
    if not pictures:
        raise SettingsError(f"pretrain.held_out and held_out_fallback match no picture under {root}; name some.")
    return pictures[: params.evaluation_pictures], note
