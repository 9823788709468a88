"""A network without its training, to measure time and memory where the weights cannot be had. It makes noise."""

from __future__ import annotations

from typing import Any

from reelops.cogvideox.architecture import Architecture
from reelops.system.device_lock import on_device

SEED = 0


def build_random_pipeline(architecture: Architecture, dtype: Any, device: str) -> Any:
    """The architecture's pipeline with random weights, built where it will run.

    Its tokenizer counts bytes, which needs no vocabulary file; a sequence is padded to full length all the same.
    """
    import torch
    from diffusers import (
        AutoencoderKLCogVideoX,
        CogVideoXDDIMScheduler,
        CogVideoXImageToVideoPipeline,
        CogVideoXTransformer3DModel,
    )
    from transformers import ByT5Tokenizer, T5Config, T5EncoderModel

    configs = {part: _without_names(config) for part, config in architecture.configs.items()}
    with torch.device("meta"):
        transformer = CogVideoXTransformer3DModel(**configs["transformer"])
        vae = AutoencoderKLCogVideoX(**configs["vae"])
        text_encoder = T5EncoderModel(T5Config(**configs["text_encoder"]))
    generator = torch.Generator(on_device(device)).manual_seed(SEED)
    for network in (transformer, vae, text_encoder):
        network.to(dtype).to_empty(device=device)
        _fill(network, generator)
        network.eval()
    text_encoder.tie_weights()
    return CogVideoXImageToVideoPipeline(
        tokenizer=ByT5Tokenizer(),
        text_encoder=text_encoder,
        vae=vae,
        transformer=transformer,
        scheduler=CogVideoXDDIMScheduler.from_config(dict(architecture.configs["scheduler"])),
    )


def random_transformer(architecture: Architecture, dtype: Any, device: str) -> Any:
    """The architecture's frozen transformer alone, with random weights, built where it will run."""
    import torch

    from reelops.cogvideox.denoiser import meta_transformer

    transformer = meta_transformer(architecture).to(dtype).to_empty(device=on_device(device))
    _fill(transformer, torch.Generator(device).manual_seed(SEED))
    return transformer


def _without_names(config: Any) -> dict[str, Any]:
    return {key: value for key, value in config.items() if not key.startswith("_")}


def _fill(network: Any, generator: Any) -> None:
    """Small weights, norms at one, biases and buffers at zero: numbers stay finite through any depth."""
    import torch

    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim >= 2:
                parameter.normal_(0.0, 0.02, generator=generator)
            else:
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
        for buffer in network.buffers():
            buffer.zero_()
