"""Where training reads and writes in a project, and what its files are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reelops.params import Config
from reelops.training.cache import FOLDER as LATENTS

ADAPTERS = Path("models/adapters")
CHECKPOINTS = Path(".cache/checkpoints")
REPORTS = Path("reports/train")
ADAPTER_FACTS = "adapter.json"
RUN_FACTS = "run.json"


@dataclass(frozen=True)
class TrainingPaths:
    """Folders of one adapter's training.

    Attributes:
        latents: the cache that `reelops latents` fills.
        checkpoints: of all runs, each in a folder named by its identity. DVC does not own them: it deletes a stage's
            outputs before it runs the stage again.
        adapter: where it is published.
        reports: figures and curves.
    """

    latents: Path
    checkpoints: Path
    adapter: Path
    reports: Path

    @classmethod
    def of(cls, config: Config, name: str) -> TrainingPaths:
        """The project's own, for the adapter of this name."""
        root = config.root
        return cls(root / LATENTS, root / CHECKPOINTS, root / ADAPTERS / name, root / REPORTS)
