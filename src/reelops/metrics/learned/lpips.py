"""LPIPS: how far apart two pictures are to a network that has learned to see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reelops.errors import WeightsError
from reelops.foreign import reading_foreign
from reelops.metrics.metric import Metric

if TYPE_CHECKING:
    import torch

HOW_TO_GET_WEIGHTS = (
    "make a file of them where PyPI's lpips is installed: safetensors.torch.save_file({k: v.clone() for k, v in "
    "lpips.LPIPS(net='alex').state_dict().items()}, 'lpips-alex.safetensors'), and name it as score.weights.lpips "
    "in params.yaml"
)

# Poolings and strides divide by 16 in all; below this nothing is left to look at.
SMALLEST_SIDE = 64


LPIPS = Metric(
    name="lpips",
    title="LPIPS against reference",
    unit="",
    direction="lower is better",
    section="By a network",
    description="Zhang et al. 2018, AlexNet, version 0.1; against a reference",
    blind_to="small shifts, wrong faces",
)


@dataclass(frozen=True)
class _Layer:
    """A convolution of AlexNet (Krizhevsky 2014): its number in torchvision's `features`, and what it does.

    Attributes:
        shape: of its weights: channels out and in, rows, columns.
    """

    number: int
    shape: tuple[int, int, int, int]
    stride: int
    padding: int
    pool_before: bool


_ALEXNET = (
    _Layer(0, (64, 3, 11, 11), 4, 2, False),
    _Layer(3, (192, 64, 5, 5), 1, 2, True),
    _Layer(6, (384, 192, 3, 3), 1, 1, True),
    _Layer(8, (256, 384, 3, 3), 1, 1, False),
    _Layer(10, (256, 256, 3, 3), 1, 1, False),
)
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


class Lpips:
    """LPIPS v0.1 over AlexNet (Zhang et al. 2018).

    Unit-normalised features of five layers are subtracted, squared, weighed by learned weights for each channel, and
    averaged over the picture; the sum over layers is the distance. 0 for equal pictures, about 0.7 for unrelated ones;
    lower is better. Blind to what AlexNet is: a small shift costs little, and so does a wrong face.

    Args:
        file: safetensors with the convolutions (`features.0.weight` as in torchvision, or `net.slice1.0.weight` as in
            the lpips package) and the learned weights (`lin0.model.1.weight`).

    Raises:
        WeightsError: there is no such file, or it holds other weights.
    """

    def __init__(self, file: Path) -> None:
        from safetensors.torch import load_file

        with reading_foreign(file, WeightsError, "cannot be read as safetensors", HOW_TO_GET_WEIGHTS):
            tensors = load_file(file)
        try:
            self._layers = [_weights_of(tensors, *numbered) for numbered in enumerate(_ALEXNET)]
        except KeyError as error:
            raise WeightsError(f"{file} has no tensor {error}; {HOW_TO_GET_WEIGHTS}") from error
        except ValueError as error:
            raise WeightsError(f"{file} is of another network: {error}; {HOW_TO_GET_WEIGHTS}") from error

    def distance(self, one_HWC: np.ndarray, other_HWC: np.ndarray) -> float:
        """Between two pictures of one size, RGB uint8, no side below 64."""
        import torch

        with torch.inference_mode():
            total = 0.0
            pairs = zip(self._features(one_HWC), self._features(other_HWC), self._layers, strict=True)
            for one_1CHW, other_1CHW, (_, _, channel_weights) in pairs:
                apart = (_unit(one_1CHW) - _unit(other_1CHW)) ** 2
                total += float((apart * channel_weights.view(1, -1, 1, 1)).sum(dim=1).mean())
        return total

    def _features(self, picture_HWC: np.ndarray) -> list[torch.Tensor]:
        import torch
        from torch.nn.functional import conv2d, max_pool2d, relu

        scaled = torch.from_numpy(picture_HWC.copy()).permute(2, 0, 1).unsqueeze(0).float() / 127.5 - 1
        x_1CHW = (scaled - torch.tensor(_SHIFT).view(1, 3, 1, 1)) / torch.tensor(_SCALE).view(1, 3, 1, 1)
        features = []
        for layer, (weight, bias, _) in zip(_ALEXNET, self._layers, strict=True):
            if layer.pool_before:
                x_1CHW = max_pool2d(x_1CHW, kernel_size=3, stride=2)
            x_1CHW = relu(conv2d(x_1CHW, weight, bias, stride=layer.stride, padding=layer.padding))
            features.append(x_1CHW)
        return features


def _weights_of(
    tensors: dict[str, torch.Tensor], index: int, layer: _Layer
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Convolution, bias and learned channel weights of one layer."""
    theirs, torchvision = f"net.slice{index + 1}.{layer.number}", f"features.{layer.number}"
    prefix = theirs if f"{theirs}.weight" in tensors else torchvision
    channels = layer.shape[0]
    return (
        _numbers(tensors, f"{prefix}.weight", layer.shape),
        _numbers(tensors, f"{prefix}.bias", (channels,)),
        _numbers(tensors, f"lin{index}.model.1.weight", (1, channels, 1, 1)),
    )


def _numbers(tensors: dict[str, torch.Tensor], name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The tensor of a name, float32.

    Raises:
        KeyError: there is none.
        ValueError: it has another shape, or holds what is no number.
    """
    tensor = tensors[name].float()
    if tuple(tensor.shape) != shape:
        raise ValueError(f"its {name} has the shape {tuple(tensor.shape)}, and {shape} is wanted")
    if not tensor.isfinite().all():
        raise ValueError(f"its {name} holds what is no finite number")
    return tensor


def _unit(features_1CHW: torch.Tensor) -> torch.Tensor:
    return features_1CHW / (features_1CHW.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
