"""The stage `pretrain`: from photographs to a folder in diffusers' layout, phase by phase, resumable at any moment.

    text -> vae -> latents -> transformer -> decoder -> candidate

Every phase leaves a file under the work folder and is skipped when that file is complete; a phase that was stopped
goes on from its checkpoint. The candidate replaces the published model only when its evaluation is better.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from reelops.pretraining.bundle import build_pipeline, save_pipeline
from reelops.pretraining.latents import LatentPool, film_latents
from reelops.pretraining.pictures import load_pictures, load_videos, sources
from reelops.pretraining.text import (
    TextConfig,
    build_text_encoder,
    token_ids,
    train_text_encoder,
    train_tokenizer,
)
from reelops.pretraining.transformer import TransformerConfig, build_transformer, shaped_like, train_transformer
from reelops.pretraining.vae import VaeConfig, build_vae, film_pool, normalise_latents, train_vae

OnReport = Callable[[str, dict[str, Any]], None]
WEIGHTS_NAME = "diffusion_pytorch_model.safetensors"


@dataclass(frozen=True)
class PretrainConfig:
    """All of the stage. `clips` is how many encoded clips the transformer learns from."""

    text: TextConfig = field(default_factory=TextConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    decoder_seconds: float = 3000.0
    clips: int = 1500
    seed: int = 0


class Pretraining:
    """One run in one work folder; call `run` again to go on where it stopped.

    Args:
        start_from: a trained model in diffusers layout: its text encoder and VAE are taken as they are, only its
            transformer and decoder are trained further.
    """

    def __init__(
        self,
        config: PretrainConfig,
        pictures: list[Path],
        videos: list[Path],
        work: Path,
        on_report: OnReport,
        start_from: Path | None = None,
    ) -> None:
        self.config = config
        self.work = work
        self.start_from = start_from
        self.report = on_report
        self.picture_files = pictures
        self.video_files = videos
        self._pictures: list[np.ndarray] | None = None
        self._videos: list[np.ndarray] | None = None
        work.mkdir(parents=True, exist_ok=True)

    @property
    def pictures(self) -> list[np.ndarray]:
        """Photographs and stills of videos."""
        if self._pictures is None:
            self._pictures = load_pictures([*self.picture_files, *self.video_files])
        return self._pictures

    @property
    def videos(self) -> list[np.ndarray]:
        if self._videos is None:
            self._videos = load_videos(self.video_files, self.config.vae.size)
        return self._videos

    def run(self, candidate: Path) -> int:
        """All phases; writes the candidate and returns the bytes of its weights."""
        tokenizer, encoder = self.text()
        vae = self.vae()
        pool = self.latents(vae)
        transformer = self.transformer(pool, tokenizer, encoder)
        vae = self.decoder(vae)
        return save_pipeline(build_pipeline(vae, transformer, encoder, tokenizer), candidate)

    def text(self) -> tuple[Any, Any]:
        from transformers import T5EncoderModel, T5Tokenizer

        if self.start_from:
            return (
                T5Tokenizer.from_pretrained(self.start_from / "tokenizer"),
                T5EncoderModel.from_pretrained(self.start_from / "text_encoder").float().eval(),
            )
        folder = self.work / "text"
        if not folder.exists():
            tokenizer = train_tokenizer(self.config.text)
            encoder = build_text_encoder(self.config.text, len(tokenizer))
            facts = train_text_encoder(tokenizer, encoder, self.config.text, lambda row: self.report("text", row))
            self.report("text", facts)
            partial = self.work / "text.partial"
            shutil.rmtree(partial, ignore_errors=True)
            tokenizer.save_pretrained(partial)
            encoder.save_pretrained(partial)
            partial.replace(folder)
        return T5Tokenizer.from_pretrained(folder), T5EncoderModel.from_pretrained(folder).eval()

    def vae(self) -> Any:
        """The trained VAE with its latents scaled to unit variance."""
        if self.start_from:
            from diffusers import AutoencoderKLCogVideoX

            return AutoencoderKLCogVideoX.from_pretrained(self.start_from / "vae").float().eval()
        vae = build_vae(self.config.vae)
        finished = self.work / "vae-normalised.pt"
        if not finished.exists():
            checkpoint = self.work / "vae.pt"
            train_vae(vae, self.pictures, self.videos, self.config.vae, checkpoint, lambda row: self.report("vae", row))
            rng = np.random.default_rng((self.config.seed, 5))
            sample = dataclasses.replace(self.config.vae, pool=60, crop=(17, *self.config.vae.crop[1:]))
            deviations = normalise_latents(vae, film_pool(self.pictures, [], sample, rng))
            self.report("vae", {"latent_deviations": deviations})
            partial = finished.with_suffix(".partial")
            torch.save(vae.state_dict(), partial)
            partial.replace(finished)
        vae.load_state_dict(torch.load(finished, weights_only=True))
        return vae.eval()

    def latents(self, vae: Any) -> LatentPool:
        return film_latents(
            vae,
            self.pictures,
            self.config.vae.size,
            self.config.clips,
            self.work / "latents",
            self.config.seed,
            lambda row: self.report("latents", row),
        )

    def transformer(self, pool: LatentPool, tokenizer: Any, encoder: Any) -> Any:
        config = self.transformer_config()
        model = build_transformer(config)
        if self.start_from:
            model.load_state_dict(load_file(self.start_from / "transformer" / WEIGHTS_NAME))

        @torch.no_grad()
        def embed(captions: list[str], length: int) -> Tensor:
            hidden: Tensor = encoder(token_ids(tokenizer, captions, length)).last_hidden_state
            return hidden

        average = train_transformer(
            model,
            pool,
            embed,
            config,
            self.work / "transformer.pt",
            lambda row: self.report("transformer", row),
        )
        average.copy_to(model)
        return model.eval()

    def transformer_config(self) -> TransformerConfig:
        """The shape that is trained: a published transformer keeps its own."""
        if not self.start_from:
            return self.config.transformer
        return shaped_like(self.start_from / "transformer" / "config.json", self.config.transformer)

    def decoder(self, vae: Any) -> Any:
        """Trains the decoder further under the encoder that the transformer knows, on longer crops, to move evenly."""
        config = dataclasses.replace(
            self.config.vae,
            crop=(17, *self.config.vae.crop[1:]),
            batch=max(1, self.config.vae.batch // 2),
            lr=self.config.vae.lr * 2 / 3,
            adam_lr=self.config.vae.adam_lr * 2 / 3,
            change_weight=5.0,
            seconds=self.config.decoder_seconds,
            seed=self.config.vae.seed + 1,
        )
        checkpoint = self.work / "decoder.pt"
        train_vae(
            vae.train(),
            self.pictures,
            self.videos,
            config,
            checkpoint,
            lambda row: self.report("decoder", row),
            frozen_encoder=True,
        )
        return vae.eval()

    def facts(self) -> dict[str, Any]:
        """What the card tells of the training: seconds of each phase, sources, parameters."""
        earlier = json.loads((self.start_from / "training.json").read_text()) if self.start_from else {}
        seconds = {phase: int(value) for phase, value in earlier.get("seconds", {}).items()}
        for phase in ("vae", "transformer", "decoder"):
            checkpoint = self.work / f"{phase}.pt"
            if checkpoint.exists():
                saved = torch.load(checkpoint, weights_only=True)["state"]
                seconds[phase] = seconds.get(phase, 0) + round(float(saved["seconds"]))
        sizes = {
            "vae": build_vae(self.config.vae),
            "transformer": build_transformer(self.transformer_config()),
            "text_encoder": self.text()[1],
        }
        return {
            "seconds": seconds,
            "sources": sources(self.picture_files, self.video_files),
            "parameters": {part: sum(value.numel() for value in model.parameters()) for part, model in sizes.items()},
        }
