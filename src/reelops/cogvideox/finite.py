"""Numbers that are no numbers: where a network overflows, nothing of it goes on to a picture or a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelops.errors import MachineError, WeightsError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

WITHOUT_FLOAT16 = (
    "Use a GPU with bfloat16 (compute capability 8.0 and up), or the processor: set CUDA_VISIBLE_DEVICES to nothing."
)


def require_finite(
    values: Tensor, what: str, dtype: torch.dtype | None = None, without_float16: str = WITHOUT_FLOAT16
) -> Tensor:
    """The same values, known to be finite.

    Args:
        what: they are, as the subject of a sentence in the plural: "the clip's latents after step 3 of 50".
        dtype: what they were computed in; None takes their own.
        without_float16: how the user computes in another format.

    Raises:
        MachineError: they overflowed in float16, which ends at 65,504.
        WeightsError: they are not finite in a format that the weights are made for.
    """
    import torch

    if torch.isfinite(values).all():
        return values
    dtype = dtype or values.dtype
    name = str(dtype).removeprefix("torch.")
    if dtype == torch.float16:
        raise MachineError(
            f"{what} are not finite in float16, whose range ends at 65,504; nothing of them is kept. {without_float16}"
        )
    raise WeightsError(
        f"{what} are not finite in {name}; nothing of them is kept. With an adapter, leave it out or lower its "
        "strength; without one, copy the base's weights again."
    )
