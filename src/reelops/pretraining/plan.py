"""The plan of a pretraining run: what it learns from, for how long, and where it works."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from reelops.cogvideox.architecture import read_architecture
from reelops.params import Config, find_files
from reelops.pretraining.facts import read_facts
from reelops.pretraining.params import PretrainConfig, PretrainParams
from reelops.pretraining.transformer import TransformerConfig, with_shape_of

ONLY_BUNDLED = "no pictures are here, so only the photographs that scikit-image brings are learnt from"


@dataclass(frozen=True)
class PretrainingPlan:
    """A run that can begin, or resume.

    Attributes:
        pictures, videos: files to learn from, beside the photographs that come with ReelOps.
        work: where every phase leaves its file, its checkpoint until then.
        candidate: the folder that the trained model is written to.
        start_from: a trained model in diffusers layout: its text encoder and VAE are taken as they are, only its
            transformer and decoder are trained further.
        notes: for the user.
    """

    config: PretrainConfig
    pictures: tuple[Path, ...]
    videos: tuple[Path, ...]
    work: Path
    candidate: Path
    start_from: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def transformer(self) -> TransformerConfig:
        """The shape that is trained: a published transformer keeps its own."""
        if self.start_from is None:
            return self.config.transformer
        return with_shape_of(self.start_from / "transformer" / "config.json", self.config.transformer)


def plan_pretraining(
    params: PretrainParams,
    config: Config,
    work: Path,
    hours: float | None = None,
    start_from: Path | None = None,
) -> PretrainingPlan:
    """What is here to learn from; nothing is trained or written.

    Args:
        hours: in all, in place of the minutes in pretrain.yaml.

    Raises:
        SettingsError: a glob has a star in a folder.
        WeightsError: `start_from` is no whole model.
    """
    if start_from:
        read_architecture(start_from).check()
        read_facts(start_from)
    pictures, no_pictures = find_files(params.pictures, config.root, "pictures in pretrain.yaml")
    videos, no_videos = find_files(params.videos, config.root, "videos in pretrain.yaml")
    notes = [f"nothing matches {pattern}; training runs without it" for pattern in (*no_pictures, *no_videos)]
    return PretrainingPlan(
        config=params.config() if hours is None else _within(params.config(), hours * 3600),
        pictures=tuple(pictures),
        videos=tuple(videos),
        work=work,
        candidate=work / "candidate",
        start_from=start_from,
        notes=(*notes, *([] if pictures else [ONLY_BUNDLED])),
    )


def _within(config: PretrainConfig, seconds: float) -> PretrainConfig:
    """The same shares of time for VAE, transformer and decoder, within `seconds` in all."""
    factor = seconds / (config.vae.seconds + config.transformer.seconds + config.decoder_seconds)
    return replace(
        config,
        vae=replace(config.vae, seconds=config.vae.seconds * factor),
        transformer=replace(config.transformer, seconds=config.transformer.seconds * factor),
        decoder_seconds=config.decoder_seconds * factor,
    )
