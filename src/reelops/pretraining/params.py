"""pretrain.yaml: how the embedded model is trained and measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from reelops.errors import SettingsError
from reelops.params import Amount, Count, ParamsBlock, Seed, find_files
from reelops.pretraining.text import TextConfig
from reelops.pretraining.transformer import TransformerConfig
from reelops.pretraining.vae import VaeConfig


@dataclass(frozen=True)
class PretrainConfig:
    """All of the stage. `clips` is how many encoded clips the transformer learns from."""

    text: TextConfig = field(default_factory=TextConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    decoder_seconds: float = 3000.0
    clips: int = 1500
    seed: Seed = 0


class PretrainParams(ParamsBlock):
    """What to learn from, what to be judged by, and for how long to train.

    Attributes:
        pictures, videos: globs of files to learn from, relative to the project; what is not there is left
            out, with a note.
        held_out: globs of pictures to evaluate on; never trained on.
        evaluation_pictures: how many of the held-out pictures, by name, are evaluated.
        vae_minutes, transformer_minutes, decoder_minutes: wall time of the phases.
        clips: how many clips are filmed and encoded for the transformer.
    """

    pictures: list[str]
    videos: list[str] = Field(default_factory=list)
    held_out: list[str]
    evaluation_pictures: Count = 8
    vae_minutes: Amount
    transformer_minutes: Amount
    decoder_minutes: Amount
    clips: Count
    seed: Seed = 0

    def config(self) -> PretrainConfig:
        return PretrainConfig(
            vae=VaeConfig(seconds=self.vae_minutes * 60, seed=self.seed),
            transformer=TransformerConfig(seconds=self.transformer_minutes * 60, seed=self.seed),
            decoder_seconds=self.decoder_minutes * 60,
            clips=self.clips,
            seed=self.seed,
        )


def held_out_pictures(params: PretrainParams, root: Path) -> list[Path]:
    """The pictures to evaluate on.

    Raises:
        SettingsError: there are none.
    """
    pictures, _ = find_files(params.held_out, root, "held_out in pretrain.yaml")
    if not pictures:
        raise SettingsError(f"held_out in pretrain.yaml matches no picture under {root}; name some.")
    return pictures[: params.evaluation_pictures]
