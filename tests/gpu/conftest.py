"""Everything here wants a CUDA GPU, and a project with encoded clips."""

from __future__ import annotations

import pytest
import torch
from encoded_ground import encoded, ground, one_thread

from reelops.cogvideox.load import WARM_MODEL

__all__ = ["encoded", "ground", "one_thread"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not torch.cuda.is_available():
        for item in items:
            if "tests/gpu/" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture(autouse=True)
def _cold():
    """No model is warm before a test or after it."""
    WARM_MODEL.unload()
    yield
    WARM_MODEL.unload()
