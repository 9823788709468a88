"""The block `dataset` of params.yaml: which sources, how much of each, and how to download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from reelops.dataset.fetch.download.settings import DownloadSettings
from reelops.dataset.sources.contract import Source
from reelops.dataset.sources.folder import Folder, FolderParams
from reelops.dataset.sources.msr_vtt import MsrVtt, MsrVttParams
from reelops.dataset.sources.panda70m import Panda70m, Panda70mParams
from reelops.dataset.sources.samples import Samples, SamplesParams
from reelops.dataset.sources.vatex import Vatex, VatexParams
from reelops.params import Count, ParamsBlock, Seed

AnySourceParams = Annotated[
    SamplesParams | FolderParams | MsrVttParams | VatexParams | Panda70mParams, Field(discriminator="kind")
]


class DatasetParams(ParamsBlock):
    """Sources and their mixture.

    Attributes:
        seed: decides which clips are taken where not all are.
        clips: how many in all, shared out by the sources' weights; None takes all that their limits allow.
        sources: one mapping each, with its `kind`.
    """

    seed: Seed = 0
    clips: Count | None = None
    sources: tuple[AnySourceParams, ...] = Field(min_length=1)
    download: DownloadSettings = DownloadSettings()

    @property
    def names(self) -> list[str]:
        """Of all sources."""
        return [source.name or source.kind for source in self.sources]

    @model_validator(mode="after")
    def _consistent(self) -> DatasetParams:
        names = self.names
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two sources are called {name!r}; give each a `name` of its own")
        if self.clips is None and len({source.weight for source in self.sources}) > 1:
            raise ValueError("weights share out `clips`, which is not given; say how many clips you want in all")
        return self


def open_source(params: AnySourceParams, root: Path) -> Source:
    """The source that a mapping under `dataset.sources` means."""
    match params:
        case SamplesParams():
            return Samples(params)
        case FolderParams():
            return Folder(params, root)
        case MsrVttParams():
            return MsrVtt(params)
        case VatexParams():
            return Vatex(params)
        case Panda70mParams():
            return Panda70m(params)
