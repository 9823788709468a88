"""Which clips a base model can make: frames and sizes, and the nearest ones it can."""

from __future__ import annotations

from math import ceil, lcm, log

from reelops.clip import ClipFormat
from reelops.cogvideox.architecture import Architecture
from reelops.cogvideox.profiles import Profile
from reelops.errors import ClipFormatError

LONGEST_SHAPE = 2.0
"""Width by height, or height by width, of the longest clip that takes its picture's shape; longer ones are cropped."""
_AS_NEAR = 0.02  # of a side: cropping so little more is nothing that one sees
_FEWEST = 0.9  # of the pixels of the profile's own size


def nearest_multiple(value: int, step: int) -> int:
    """The positive multiple of `step` nearest to `value`; the lower one of two as near."""
    return max(step, (value + (step - 1) // 2) // step * step)


def nearest_frames(num_frames: int, architecture: Architecture) -> int:
    """The frame count nearest to `num_frames` that the VAE decodes to exactly that many frames."""
    step = 2 * architecture.temporal_ratio
    return nearest_multiple(max(num_frames - 1, step), step) + 1


def check_frames(num_frames: int, architecture: Architecture) -> None:
    """Refuses frame counts that the model cannot make.

    The VAE keeps the first frame and folds four into each further latent: 4k + 1. It decodes latents in pairs after an
    odd first one, and an even number of them comes out as 4 frames each, first included, so k must be even: 8k + 1.
    Learned position embeddings hold for the trained frame count only; diffusers silently falls back to sine-cosine
    ones for any other, so those are refused here.

    Raises:
        ClipFormatError
    """
    if architecture.learned_positions and num_frames != architecture.native_frames:
        raise ClipFormatError(
            f"{num_frames} frames cannot be made: {architecture.name} learned its positions for "
            f"{architecture.native_frames} frames. Ask for {architecture.native_frames}."
        )
    step = 2 * architecture.temporal_ratio
    if num_frames < 1 or (num_frames - 1) % step:
        raise ClipFormatError(
            f"{num_frames} frames cannot be made: the VAE folds {architecture.temporal_ratio} frames into one latent "
            f"after the first and takes latents in pairs, so clips hold {step}k + 1 frames. "
            f"Ask for {nearest_frames(num_frames, architecture)}."
        )


def side_step(architecture: Architecture) -> int:
    """Pixels that the sides of clips are multiples of; diffusers' pipeline itself takes multiples of 8 only."""
    return lcm(architecture.spatial_ratio * architecture.patch_size, 8)


def nearest_shape(aspect: float, architecture: Architecture, width: int, height: int) -> tuple[int, int]:
    """The size that the model can make whose shape is nearest to an aspect, of hardly more or fewer pixels than a given
    one.

    Of shapes as near as `_AS_NEAR` the one with most pixels is taken; none has more than the given size, so that none
    needs more memory.

    Args:
        aspect: width by height that is wanted. Beyond `LONGEST_SHAPE` to one it is taken as that.
        width, height: the profile's own size, in pixels.
    """
    step = side_step(architecture)
    most = width * height // step**2
    wanted = log(min(max(aspect, 1 / LONGEST_SHAPE), LONGEST_SHAPE))
    grids = [
        (columns, rows)
        for columns in range(1, most + 1)
        for rows in range(ceil(_FEWEST * most / columns), most // columns + 1)
    ]

    def distance(grid: tuple[int, int]) -> tuple[float, int]:
        columns, rows = grid
        return max(0.0, abs(log(columns / rows) - wanted) - _AS_NEAR), -columns * rows

    columns, rows = min(grids, key=distance)
    return columns * step, rows * step


def _is_near(width: int, height: int, native_width: int, native_height: int) -> bool:
    """Whether a size has about as many pixels as the native one, in no longer a shape than was measured."""
    pixels, native = width * height, native_width * native_height
    longest = max(width, height) <= LONGEST_SHAPE * (1 + _AS_NEAR) * min(width, height)
    return (width, height) == (native_width, native_height) or (_FEWEST * native <= pixels <= native and longest)


def check_size(width: int, height: int, architecture: Architecture, any_shape: bool = False) -> None:
    """Refuses sizes that the model cannot make.

    Args:
        any_shape: the positions that it learned for its own size may be stretched over another shape of about as many
            pixels.

    Raises:
        ClipFormatError
    """
    native = (architecture.native_width, architecture.native_height)
    if architecture.learned_positions and not any_shape and (width, height) != native:
        raise ClipFormatError(
            f"{width}x{height} cannot be made: {architecture.name} learned its positions for "
            f"{native[0]}x{native[1]}. Ask for {native[0]}x{native[1]}."
        )
    if architecture.learned_positions and any_shape and not _is_near(width, height, *native):
        nearest = nearest_shape(width / max(height, 1), architecture, *native)
        raise ClipFormatError(
            f"{width}x{height} cannot be made: {architecture.name} learned its positions for {native[0]}x{native[1]}, "
            f"which hold for other shapes of about as many pixels, up to {LONGEST_SHAPE:g}:1. "
            f"Ask for {nearest[0]}x{nearest[1]}."
        )
    step = side_step(architecture)
    if width < 1 or height < 1 or width % step or height % step:
        raise ClipFormatError(
            f"{width}x{height} cannot be made: width and height must be multiples of {step} "
            f"(VAE {architecture.spatial_ratio} x patch {architecture.patch_size}). "
            f"Ask for {nearest_multiple(width, step)}x{nearest_multiple(height, step)}."
        )


def choose_format(
    profile: Profile,
    architecture: Architecture,
    num_frames: int | None = None,
    width: int | None = None,
    height: int | None = None,
) -> ClipFormat:
    """The profile's format, or the one asked for.

    Raises:
        ClipFormatError: the model cannot make it; the message names the nearest that it can.
    """
    chosen = ClipFormat(
        profile.num_frames if num_frames is None else num_frames,
        profile.fps,
        profile.width if width is None else width,
        profile.height if height is None else height,
    )
    check_frames(chosen.num_frames, architecture)
    check_size(chosen.width, chosen.height, architecture, profile.picture_shape)
    return chosen
