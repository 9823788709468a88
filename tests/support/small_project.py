"""The project's params.yaml but for its embedded model, in whose place is a very small one."""

from __future__ import annotations

from pathlib import Path

import yaml
from training_ground import small_profile


def params_of_small_clips(repository: Path, folder: Path, model: Path) -> Path:
    """A params.yaml in that folder whose profile `tiny` takes no time worth speaking of, for tests of what is around
    it: its clips are 9 frames of noise."""
    params = yaml.safe_load((repository / "params.yaml").read_text())
    params["profiles"]["tiny"] = small_profile(model) | {"size": "96p"}
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(params))
    return path
