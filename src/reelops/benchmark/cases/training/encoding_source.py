"""Encoders in the latent cache's place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.params import Config
from reelops.training.cache import Index, LatentCache
from reelops.training.params import LatentParams

if TYPE_CHECKING:
    from torch import Tensor

    from reelops.training.encode import TextEncoder


class EncodingSource(LatentCache):
    """In a cache's place: encodes whatever is asked for, as a trainer without one has to at every step."""

    def __init__(self, folder: Path, index: Index, latents: LatentParams, config: Config) -> None:
        from reelops.cogvideox.profiles import find_profile
        from reelops.cogvideox.weights import locate_weights
        from reelops.system.hardware import inspect_machine
        from reelops.training.encode import load_text_encoder, load_vae

        super().__init__(folder)
        self._index = index
        self._clips = clips_by_key(index, latents, config)
        self._captions = {
            key: text for entry in index.clips for key, text in zip(entry.texts, entry.captions, strict=True)
        }
        self._captions[index.empty_text] = ""
        weights = locate_weights(find_profile(latents.profile, config), config.cache)
        device = inspect_machine().device
        self._vae = load_vae(weights.folder, latents.dtype, device)
        self._text: TextEncoder = load_text_encoder(weights.folder, latents.dtype, device)

    def read(self, kind: str, key: str) -> dict[str, Tensor]:
        from reelops.cogvideox.latents import encode_clip, encode_texts
        from reelops.training.encode import read_sample

        encoding, text = self._index.encoding, self._text
        if kind == "texts":
            length = encoding.prompt_length
            vectors, _ = encode_texts(text.tokenizer, text.network, [self._captions[key]], length)
            return {"vectors": vectors[0]}
        frames_THWC, picture_HWC = read_sample(self._clips[key], encoding)
        return dict(vars(encode_clip(self._vae, frames_THWC, picture_HWC, encoding.noised_pictures, seed=0)))


def clips_by_key(index: Index, latents: LatentParams, config: Config) -> dict[str, Any]:
    from reelops.training.clips import read_training_clips

    known = {clip.clip_id: clip for clip in read_training_clips(config.root / latents.table, config.root)}
    return {entry.key: known[entry.clip_id] for entry in index.clips}
