"""The demonstration adapter that may be shipped beside the embedded model, in models/nightfall."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelops.cogvideox.adapter_file import read_adapter
from reelops.cogvideox.adapter_layers import adapter_applied
from reelops.cogvideox.weights import locate_weights
from reelops.params import load_config


@pytest.fixture
def nightfall(repository: Path) -> Path:
    folder = repository / "models" / "nightfall"
    if not folder.is_dir():
        pytest.skip("it is not shipped in this checkout")
    return folder


def test_the_shipped_adapter_is_of_the_embedded_model_and_applied_to_it(nightfall: Path) -> None:
    import torch
    from diffusers import CogVideoXImageToVideoPipeline

    from reelops.cogvideox.profiles import find_profile

    config = load_config()
    weights = locate_weights(find_profile("tiny", config), config.cache, download=False)
    adapter = read_adapter(nightfall)
    assert adapter.for_diffusers and not adapter.notes and (nightfall / "card.md").is_file()
    pipeline = CogVideoXImageToVideoPipeline.from_pretrained(str(weights.folder), dtype=torch.float32)
    with adapter_applied(pipeline, adapter, weights.identity) as notes:
        assert notes == ()
