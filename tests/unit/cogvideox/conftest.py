"""The matrices of one LoRA for the small model, to be saved as any trainer would."""

from __future__ import annotations

import pytest
import torch
from trainers import RANK, seeded_matrices


@pytest.fixture(scope="module")
def matrices(small_pipeline) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    return seeded_matrices(small_pipeline.transformer, RANK)
