"""Dual TV-L1 over many pairs of frames at once, in torch: the algorithm of `tvl1`, step by step, on any device.

Every pair stops when its own flow has converged, whatever else is in the batch. Results are those of `TvL1` up to the
order in which floats are added: within some thousandths of a pixel where the pictures determine the flow. Where they do
not, as in what becomes covered, rounding may decide between two answers. OpenCV's arithmetic is not imitated here.

Shapes: B pairs, C the flow's two components, A the two axes, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the name it has everywhere)
from torch import Tensor

from reelops.errors import SettingsError
from reelops.optical_flow.contract import check_pair
from reelops.optical_flow.threads import one_opencv_thread
from reelops.optical_flow.tvl1.affine import GRID, NEAR, ROUNDS
from reelops.optical_flow.tvl1.data import BORDER, FLAT
from reelops.optical_flow.tvl1.engine import Pyramid, pyramid
from reelops.optical_flow.tvl1.parameters import TvL1Parameters


class TvL1Torch:
    """Dual TV-L1 on a GPU, or wherever torch runs.

    Args:
        parameters: how it is solved.
        device: where; None for the GPU if there is one.
        batch: pairs at once in `flows`.

    Raises:
        SettingsError: the parameters ask for OpenCV's arithmetic.
    """

    name = "tvl1-torch"

    def __init__(
        self, parameters: TvL1Parameters | None = None, device: str | torch.device | None = None, batch: int = 16
    ) -> None:
        self.parameters = parameters or TvL1Parameters()
        if self.parameters.as_opencv:
            raise SettingsError("Dual TV-L1 in torch cannot imitate OpenCV's arithmetic. Use the engine tvl1 for that.")
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._batch = batch

    def flow(self, previous_HW: np.ndarray, next_HW: np.ndarray) -> np.ndarray:
        """See `FlowEngine`."""
        return next(self.flows([previous_HW, next_HW]))

    def flows(self, frames_HW: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `FlowEngine`; `batch` pairs go to the device at once."""
        frames = iter(frames_HW)
        seen: list[np.ndarray] = list(islice(frames, 1))
        while following := list(islice(frames, self._batch)):
            seen += following
            for previous_HW, next_HW in zip(seen, following, strict=False):
                check_pair(previous_HW, next_HW)
            with one_opencv_thread():
                pyramids = [pyramid(frame, self.parameters) for frame in seen]
            yield from self._between(pyramids)
            seen = seen[-1:]

    @torch.inference_mode()
    def _between(self, pyramids: list[Pyramid]) -> np.ndarray:
        """The flow (B, H, W, 2) of neighbours among B + 1 pyramids."""
        flow_BCHW = torch.zeros(len(pyramids) - 1, 2, 1, 1, device=self.device)
        for level in reversed(range(len(pyramids[0]))):
            pictures = torch.from_numpy(np.stack([pictures[level] for pictures in pyramids])).to(self.device)
            flow_BCHW = _enlarged(flow_BCHW, pictures.shape[1], pictures.shape[2])
            flow_BCHW = refine(pictures[:-1], pictures[1:], flow_BCHW, self.parameters)
        flow: np.ndarray = flow_BCHW.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return flow


def _enlarged(flow_BCHW: Tensor, height: int, width: int) -> Tensor:
    ratios = [width / flow_BCHW.shape[3], height / flow_BCHW.shape[2]]
    larger = F.interpolate(flow_BCHW, (height, width), mode="bilinear", align_corners=False)
    return larger * torch.tensor(ratios, device=larger.device).view(1, 2, 1, 1)


def refine(previous_BHW: Tensor, next_BHW: Tensor, flow_BCHW: Tensor, parameters: TvL1Parameters) -> Tensor:
    """The improved flow: all warps of one level."""
    source = _with_gradient(next_BHW)
    base = _dominant_motion(flow_BCHW) if parameters.around_dominant_motion else torch.zeros_like(flow_BCHW)
    u = flow_BCHW - base
    p_BCAHW = torch.zeros(*u.shape[:2], 2, *u.shape[2:], device=u.device)
    enough = parameters.tolerance**2 * previous_BHW[0].numel()
    moving = torch.ones(len(u), 1, 1, 1, dtype=torch.bool, device=u.device)
    for _ in range(parameters.warps):
        gradient, rho = _linearise(previous_BHW, source, base, u)
        for count in range(parameters.iterations):
            if parameters.median > 1 and count % parameters.between_medians == 0:
                u = torch.where(moving, _median(u, parameters.median), u)
            new_u, new_p = _iterate(gradient, rho, u, p_BCAHW, parameters)
            change = ((new_u - u).double() ** 2).sum((1, 2, 3), keepdim=True)
            u = torch.where(moving, new_u, u)
            p_BCAHW = torch.where(moving[..., None], new_p, p_BCAHW)
            moving = moving & (change > enough)
        if not bool(moving.any()):
            break
    return u + base


def _with_gradient(picture_BHW: Tensor) -> Tensor:
    """Picture and its central differences in x and y, (B, 3, H + 2 BORDER, W + 2 BORDER)."""
    padded = F.pad(picture_BHW[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    gx = 0.5 * (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2])
    gy = 0.5 * (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1])
    return F.pad(torch.stack([picture_BHW, gx, gy], dim=1), (BORDER,) * 4, mode="replicate")


def _linearise(previous_BHW: Tensor, source: Tensor, base: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient (B, C, H, W) where the flow leads, and the residual's constant part (B, H, W)."""
    height, width = previous_BHW.shape[1:]
    rows = torch.arange(height, dtype=torch.float32, device=u.device)[:, None]
    columns = torch.arange(width, dtype=torch.float32, device=u.device)
    x, y = columns + base[:, 0] + u[:, 0], rows + base[:, 1] + u[:, 1]
    value, gx, gy = _looked_up(source, x.clamp(-1, width), y.clamp(-1, height)).unbind(1)
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    gx, gy = gx * inside, gy * inside
    return torch.stack([gx, gy], dim=1), value - gx * u[:, 0] - gy * u[:, 1] - previous_BHW


def _looked_up(source: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The source (B, 3, ...) at the positions (B, H, W), by cubic interpolation."""
    cell_x, cell_y = x.floor(), y.floor()
    weights_x, weights_y = _cubic(x - cell_x), _cubic(y - cell_y)
    stride = source.shape[3]
    first = (cell_y.long() + BORDER - 1) * stride + cell_x.long() + BORDER - 1
    flat = source.flatten(2)
    total = torch.zeros(1, device=source.device)
    for i in range(4):
        column = torch.zeros(1, device=source.device)
        for j in range(4):
            at = (first + j * stride + i).flatten(1)[:, None].expand(-1, 3, -1)
            column = column + flat.gather(2, at).view(*source.shape[:2], *x.shape[1:]) * weights_y[j][:, None]
        total = total + column * weights_x[i][:, None]
    return total


def _cubic(t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Catmull-Rom weights of the four taps around a position `t` past the second one."""
    s = 1 - t
    far_left, far_right = -0.5 * t * s * s, -0.5 * s * t * t
    left = (1.5 * t - 2.5) * t * t + 1
    return far_left, left, 1 - far_left - left - far_right, far_right


def _iterate(
    gradient: Tensor, rho: Tensor, u: Tensor, p_BCAHW: Tensor, parameters: TvL1Parameters
) -> tuple[Tensor, Tensor]:
    """One iteration: flow and duals."""
    square = (gradient * gradient).sum(1)
    inverse = torch.where(square > float(FLAT), 1 / square, 0)
    limit, theta, rate = float(parameters.limit), float(parameters.theta), float(parameters.rate)
    residual = rho + (gradient * u).sum(1)
    step = (-residual * inverse).clamp(-limit, limit)
    u = u + step[:, None] * gradient + theta * _divergence(p_BCAHW)
    slope = _slope(u)
    p_BCAHW = (p_BCAHW + rate * slope) / (1 + rate * torch.linalg.vector_norm(slope, dim=2, keepdim=True))
    return u, p_BCAHW


def _divergence(p_BCAHW: Tensor) -> Tensor:
    """Backward differences; nothing flows in from outside."""
    px, py = p_BCAHW.unbind(2)
    return px - F.pad(px, (1, 0))[..., :-1] + py - F.pad(py, (0, 0, 1, 0))[..., :-1, :]


def _slope(u: Tensor) -> Tensor:
    """Forward differences (B, C, A, H, W); none beyond the last row and column."""
    return torch.stack([F.pad(u.diff(dim=3), (0, 1)), F.pad(u.diff(dim=2), (0, 0, 0, 1))], dim=2)


def _median(u: Tensor, size: int) -> Tensor:
    """Of the `size` x `size` values around each, the edge repeated outwards."""
    padded = F.pad(u, (size // 2,) * 4, mode="replicate")
    windows = padded.unfold(2, size, 1).unfold(3, size, 1)
    return windows.flatten(4).median(dim=4).values


def _dominant_motion(flow_BCHW: Tensor) -> Tensor:
    """The affine motion that most of each flow follows; see `tvl1_affine.dominant_motion`."""
    height, width = flow_BCHW.shape[2:]
    apart_y, apart_x = max(1, height // GRID), max(1, width // GRID)
    design = _affine_design(height, width, flow_BCHW.device)
    grid = (slice(apart_y // 2, None, apart_y), slice(apart_x // 2, None, apart_x))
    points = design[grid].reshape(-1, 3)
    wanted = flow_BCHW[(..., *grid)].flatten(2).transpose(1, 2).double()
    motion = torch.zeros(len(flow_BCHW), 3, 2, dtype=torch.float64, device=flow_BCHW.device)
    weight = torch.ones(*wanted.shape[:2], 1, dtype=torch.float64, device=flow_BCHW.device)
    ridge = 1e-9 * torch.eye(3, dtype=torch.float64, device=flow_BCHW.device)
    for _ in range(ROUNDS):
        weighted = (points * weight).transpose(1, 2)
        motion = torch.linalg.solve(weighted @ points + ridge, weighted @ wanted)
        weight = 1 / (torch.linalg.vector_norm(wanted - points @ motion, dim=2, keepdim=True) + NEAR)
    return (design @ motion[:, None]).permute(0, 3, 1, 2).float()


def _affine_design(height: int, width: int, device: torch.device) -> Tensor:
    """1, x and y of every pixel (H, W, 3), from the picture's middle in units of its width."""
    y = (torch.arange(height, dtype=torch.float64, device=device) - 0.5 * (height - 1)) / width
    x = (torch.arange(width, dtype=torch.float64, device=device) - 0.5 * (width - 1)) / width
    y, x = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([torch.ones_like(x), x, y], dim=2)
