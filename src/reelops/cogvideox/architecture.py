"""What a CogVideoX network can take, read from its configs alone: no weights, no torch."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelops.errors import WeightsError
from reelops.foreign import reading_foreign

PIPELINE_CLASS = "CogVideoXImageToVideoPipeline"
NETWORKS = ("text_encoder", "transformer", "vae")
_LONGEST_HEADER = 100_000_000  # as the library that reads them has it
SCHEDULERS = ("CogVideoXDDIMScheduler", "CogVideoXDPMScheduler")

# What diffusers 0.42 fills in where a config does not say.
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "transformer": {
        "in_channels": 16,
        "out_channels": 16,
        "num_attention_heads": 30,
        "attention_head_dim": 64,
        "num_layers": 30,
        "sample_width": 90,
        "sample_height": 60,
        "sample_frames": 49,
        "patch_size": 2,
        "patch_size_t": None,
        "max_text_seq_length": 226,
        "text_embed_dim": 4096,
        "use_learned_positional_embeddings": False,
    },
    "vae": {
        "latent_channels": 16,
        "temporal_compression_ratio": 4,
        "block_out_channels": (128, 256, 256, 512),
    },
    "scheduler": {"prediction_type": "epsilon"},
    "text_encoder": {"d_model": 4096},
}


@dataclass(frozen=True)
class Architecture:
    """The configs of an image-to-video CogVideoX, and how many parameters each of its networks has.

    Attributes:
        name: the folder or the name it was read from, for messages.
        configs: `transformer`, `vae`, `text_encoder` and `scheduler`, as in diffusers' config.json files.
        parameters: `transformer`, `vae` and `text_encoder` -> number of weights.
    """

    name: str
    configs: Mapping[str, Mapping[str, Any]]
    parameters: Mapping[str, int] = field(default_factory=dict)

    def get(self, part: str, key: str) -> Any:
        """A config value, or diffusers' default for it."""
        return self.configs[part].get(key, _DEFAULTS[part].get(key))

    @property
    def spatial_ratio(self) -> int:
        """Pixels along one side of a latent; every VAE level but the last halves the picture."""
        return int(2 ** (len(self.get("vae", "block_out_channels")) - 1))

    @property
    def temporal_ratio(self) -> int:
        """Frames that one latent frame stands for, after the first."""
        return int(self.get("vae", "temporal_compression_ratio"))

    @property
    def patch_size(self) -> int:
        return int(self.get("transformer", "patch_size"))

    @property
    def native_frames(self) -> int:
        return int(self.get("transformer", "sample_frames"))

    @property
    def native_width(self) -> int:
        return int(self.get("transformer", "sample_width")) * self.spatial_ratio

    @property
    def native_height(self) -> int:
        return int(self.get("transformer", "sample_height")) * self.spatial_ratio

    @property
    def learned_positions(self) -> bool:
        """Whether position embeddings were learned for one frame count and size, and hold for no other."""
        return bool(self.get("transformer", "use_learned_positional_embeddings"))

    @property
    def prompt_length(self) -> int:
        return int(self.get("transformer", "max_text_seq_length"))

    @property
    def latent_channels(self) -> int:
        return int(self.get("vae", "latent_channels"))

    @property
    def width_of_transformer(self) -> int:
        return int(self.get("transformer", "num_attention_heads")) * int(self.get("transformer", "attention_head_dim"))

    def latent_frames(self, num_frames: int) -> int:
        return (num_frames - 1) // self.temporal_ratio + 1

    def check(self) -> Architecture:
        """Itself, when our sampler can drive it.

        Raises:
            WeightsError: it is another kind of network; the message says which.
        """
        in_channels = self.get("transformer", "in_channels")
        latents = self.latent_channels
        if in_channels == latents:
            raise WeightsError(
                f"{self.name} is a text-to-video model: its transformer takes {in_channels} channels and has no room "
                f"for a picture. Use image-to-video weights ({2 * latents} channels), such as zai-org/CogVideoX-5b-I2V."
            )
        if in_channels != 32 or latents != 16:
            raise WeightsError(
                f"{self.name}: the transformer takes {in_channels} channels and the VAE makes {latents}; CogVideoX "
                f"image-to-video takes 32 = 16 of the video + 16 of the picture. Check that both come from one model."
            )
        if self.get("transformer", "out_channels") != latents:
            raise WeightsError(
                f"{self.name}: the transformer returns {self.get('transformer', 'out_channels')} channels and the VAE "
                f"decodes {latents}. Check that both come from one model."
            )
        if self.get("transformer", "patch_size_t") is not None:
            raise WeightsError(
                f"{self.name} is of the CogVideoX 1.5 kind (patches in time), which is not supported. "
                f"Use zai-org/CogVideoX-5b-I2V or weights of its kind."
            )
        ratio = self.configs["transformer"].get("temporal_compression_ratio", 4)
        if ratio != self.temporal_ratio:
            raise WeightsError(
                f"{self.name}: the transformer counts {ratio} frames to a latent and the VAE {self.temporal_ratio}. "
                f"Check that both come from one model."
            )
        if self.get("transformer", "text_embed_dim") != self.get("text_encoder", "d_model"):
            raise WeightsError(
                f"{self.name}: the text encoder makes vectors of {self.get('text_encoder', 'd_model')} and the "
                f"transformer reads {self.get('transformer', 'text_embed_dim')}. Check that both come from one model."
            )
        scheduler = self.configs["scheduler"].get("_class_name", SCHEDULERS[0])
        if scheduler not in SCHEDULERS:
            raise WeightsError(f"{self.name}: scheduler {scheduler} is not one of {', '.join(SCHEDULERS)}.")
        if self.get("scheduler", "prediction_type") != "v_prediction":
            raise WeightsError(
                f"{self.name}: scheduler/scheduler_config.json says prediction_type "
                f"{self.get('scheduler', 'prediction_type')!r}; CogVideoX predicts v. Set it to 'v_prediction'."
            )
        return self


def _read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise WeightsError(f"{path} is missing; weights in diffusers layout have it. Copy the whole folder again.")
    with reading_foreign(path, WeightsError, "cannot be read as JSON", "copy the folder again"):
        content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds no JSON object. Copy the folder again.")
    return content


def count_parameters(safetensors: Path) -> int:
    """Number of weights in a safetensors file, from its header alone.

    Raises:
        WeightsError: the file is cut short or is something else.
    """
    with reading_foreign(safetensors, WeightsError, "is no whole safetensors file"):
        with safetensors.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST_HEADER:
                raise ValueError("its header is too long to be one")
            header = json.loads(file.read(length))
        tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
        end = max((tensor["data_offsets"][1] for tensor in tensors), default=0)
        if 8 + length + end != safetensors.stat().st_size:
            raise ValueError(f"it has {safetensors.stat().st_size} bytes where its header promises {8 + length + end}")
        return sum(math.prod(int(side) for side in tensor["shape"]) for tensor in tensors)


def read_architecture(folder: Path) -> Architecture:
    """The architecture of weights in diffusers layout.

    Raises:
        WeightsError: the folder is no image-to-video CogVideoX pipeline, or is not whole.
    """
    if not folder.is_dir():
        raise WeightsError(f"No folder {folder}. Give a folder with weights in diffusers layout (model_index.json).")
    index = _read_json(folder / "model_index.json")
    if index.get("_class_name") != PIPELINE_CLASS:
        hint = (
            " It is text-to-video; use image-to-video weights."
            if index.get("_class_name") == "CogVideoXPipeline"
            else ""
        )
        raise WeightsError(f"{folder} holds a {index.get('_class_name')}, not a {PIPELINE_CLASS}.{hint}")
    configs = {part: _read_json(folder / part / "config.json") for part in NETWORKS}
    configs["scheduler"] = _read_json(folder / "scheduler" / "scheduler_config.json")
    parameters = {
        part: sum(count_parameters(path) for path in sorted((folder / part).glob("*.safetensors"))) for part in NETWORKS
    }
    return Architecture(str(folder), configs, parameters)


def named_architecture(name: str) -> Architecture:
    """An architecture that ships with the package as configs only."""
    path = Path(__file__).parent / "architectures" / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.json")))
        raise WeightsError(f"No architecture {name!r}; there are: {known}.")
    content = _read_json(path)
    configs = {part: content[part] for part in (*NETWORKS, "scheduler")}
    return Architecture(name, configs, content["parameters"])
