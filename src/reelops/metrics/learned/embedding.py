"""Embeddings of frames by DINO or CLIP, from a folder or the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from reelops.errors import WeightsError
from reelops.foreign import reading_foreign, reason_of
from reelops.system.weight_files import check_safetensors_only

if TYPE_CHECKING:
    import torch

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_CLIP_TYPE = "clip"
_DINO_TYPES = ("vit", "dinov2", "dinov2_with_registers", "dinov3_vit")


class Embedder:
    """Turns a frame into the vector that VBench compares: DINO's class token, or CLIP's projected image embedding.

    Frames go through one by one, so that no batch size can change a result.

    Args:
        weights: a folder in transformers' layout, or a hub name such as `facebook/dino-vitb16` (VBench's) or
            `openai/clip-vit-base-patch32` (VBench's).

    Raises:
        WeightsError: it is neither there nor to be had from the hub, or is another kind of model.
    """

    def __init__(self, weights: str) -> None:
        config = _loaded("AutoConfig", weights)
        self._is_clip = config.model_type == _CLIP_TYPE
        if not self._is_clip and config.model_type not in _DINO_TYPES:
            known = ", ".join((*_DINO_TYPES, _CLIP_TYPE))
            raise WeightsError(f"{weights} is a model of type {config.model_type}; one of {known} is wanted")
        if (folder := Path(weights)).is_dir():
            check_safetensors_only(folder)
        model, loaded = _loaded("AutoModel", weights, use_safetensors=True, output_loading_info=True)
        # What a checkpoint lacks is filled with random numbers. DINO's has no pooler, and its class token needs none.
        lacking = [key for key in loaded["missing_keys"] if not key.startswith("pooler.")]
        if lacking or loaded["mismatched_keys"]:
            raise WeightsError(
                f"{weights} lacks weights such as {(lacking or ['of the right size'])[0]}; download it again"
            )
        self._model: Any = model.eval()
        vision = config.vision_config if hasattr(config, "vision_config") else config
        with reading_foreign(weights, WeightsError, "has an odd config", "download it again"):
            self._side, self._patch = int(vision.image_size), int(vision.patch_size)
            self.dimensions = int(config.projection_dim if self._is_clip else config.hidden_size)

    def embed(self, frame_HWC: np.ndarray) -> np.ndarray:
        """A unit vector, float32, of an RGB uint8 frame."""
        import torch

        pixels = self._cropped(frame_HWC) if self._is_clip else self._whole(frame_HWC)
        with torch.inference_mode():
            vector = self._vector(torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0))
            unit: np.ndarray = torch.nn.functional.normalize(vector, dim=0).numpy()
        return unit

    def _vector(self, pixels_1CHW: torch.Tensor) -> torch.Tensor:
        if self._is_clip:
            embedding: torch.Tensor = self._model.get_image_features(pixel_values=pixels_1CHW).pooler_output[0]
            return embedding
        # ViT interpolates its positions only when told to; DINOv2 and v3 always do.
        also = {"interpolate_pos_encoding": True} if self._model.config.model_type == "vit" else {}
        token: torch.Tensor = self._model(pixel_values=pixels_1CHW, **also).last_hidden_state[0, 0]
        return token

    def _whole(self, frame_HWC: np.ndarray) -> np.ndarray:
        """The shorter side at DINO's own size, the longer one to whole patches, nothing cut off."""
        height, width = frame_HWC.shape[:2]
        ratio = min(self._side, 224) / min(height, width)
        rows, columns = (max(1, round(side * ratio / self._patch)) * self._patch for side in (height, width))
        return _normalised(_resized(frame_HWC, columns, rows), *_IMAGENET)

    def _cropped(self, frame_HWC: np.ndarray) -> np.ndarray:
        """The shorter side at CLIP's own size, and the square in the middle."""
        height, width = frame_HWC.shape[:2]
        ratio = self._side / min(height, width)
        small = _resized(frame_HWC, max(self._side, round(width * ratio)), max(self._side, round(height * ratio)))
        top, left = (small.shape[0] - self._side) // 2, (small.shape[1] - self._side) // 2
        return _normalised(small[top : top + self._side, left : left + self._side], *_CLIP)


def _loaded(kind: str, weights: str, **options: Any) -> Any:
    """What transformers makes of it; code that comes with it is never run."""
    import transformers

    try:
        return getattr(transformers, kind).from_pretrained(weights, trust_remote_code=False, **options)
    except Exception as error:  # a network that fails has three libraries' kinds, and an odd config any kind
        what_to_do = "give a folder that holds it, in safetensors"
        raise WeightsError(f"{weights} cannot be loaded; {what_to_do} ({reason_of(error)})") from error


def _resized(frame_HWC: np.ndarray, width: int, height: int) -> np.ndarray:
    interpolation = cv2.INTER_AREA if height < frame_HWC.shape[0] else cv2.INTER_CUBIC
    resized: np.ndarray = cv2.resize(frame_HWC, (width, height), interpolation=interpolation)
    return resized


def _normalised(picture_HWC: np.ndarray, mean: tuple[float, ...], spread: tuple[float, ...]) -> np.ndarray:
    scaled = picture_HWC.astype(np.float32) / 255 - np.asarray(mean, np.float32)
    normal: np.ndarray = scaled / np.asarray(spread, np.float32)
    return normal
