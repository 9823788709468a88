"""The project's params.yaml but for the length of clips, for tests of what is around them."""

from __future__ import annotations

from pathlib import Path

import yaml

FRAMES = 9


def params_of_short_clips(repository: Path, folder: Path) -> Path:
    """A params.yaml in that folder whose embedded model makes clips of 9 frames."""
    params = yaml.safe_load((repository / "params.yaml").read_text())
    params["profiles"]["tiny"]["num_frames"] = FRAMES
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(params))
    return path
