"""Where a file or a folder of a data set is, as params.yaml names it."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import Field, field_validator, model_validator

from reelops.dataset.fetch.download.settings import Remote
from reelops.dataset.fetch.known_files import KnownFiles
from reelops.errors import DatasetError
from reelops.params import ParamsBlock
from reelops.system.file_names import shortened

_HUB = re.compile(r"hf://datasets/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+?)(?:@(?P<revision>[^/]+))?/(?P<file>.+)$")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
# Room is left for what stands before and after it.
_LONGEST_BEGINNING, _LONGEST_SUFFIX = 100, 20
HUB_ENDPOINT = "https://huggingface.co"


class Location(ParamsBlock):
    """One of: a path; or a file's addresses, all of which give the same bytes.

    In params.yaml a plain text will do: a path, `https://...`, or `hf://datasets/owner/name@revision/file` for a file
    of a data set on the Hugging Face hub.

    Attributes:
        path: a file or a folder, from the project's folder.
        url: mirrors, the best one first. `{clip}` and `{video}` in them stand for the names of a clip and of the whole
            video it is from.
        sha256, size_bytes: what the file must be.
    """

    path: Path | None = None
    url: tuple[str, ...] = ()
    sha256: str | None = None
    size_bytes: int | None = Field(default=None, ge=1, lt=2**63)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"url": given} if "://" in given else {"path": given}
        return given

    @field_validator("url", mode="before")
    @classmethod
    def _one_or_many(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("url", mode="after")
    @classmethod
    def _known_schemes(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not (_HUB.match(url) or (urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname)):
                raise ValueError(f"{url!r} is neither http(s):// nor hf://datasets/owner/name/file")
        return urls

    @field_validator("sha256", mode="after")
    @classmethod
    def _hexadecimal(cls, digest: str | None) -> str | None:
        if digest is not None and not _SHA256.fullmatch(digest):
            raise ValueError("a sha256 has 64 hexadecimal digits")
        return digest.lower() if digest else None

    @model_validator(mode="after")
    def _either_or(self) -> Location:
        if bool(self.url) == (self.path is not None):
            raise ValueError("give either a path or a url")
        if self.is_template and (self.sha256 or self.size_bytes):
            raise ValueError("a sha256 or a size is one file's; for a file of each clip give `checksums`")
        return self

    @property
    def name(self) -> str:
        """The file's own name, without a query."""
        return self.path.name if self.path else Path(urlsplit(self.url[0]).path).name

    @property
    def marked_name(self) -> str:
        """A file name for what is there: `mark` and as much of the end of its own name as any disk takes."""
        beginning = self.name.removesuffix(suffix := "".join(Path(self.name).suffixes[-2:])[-_LONGEST_SUFFIX:])
        return f"{self.mark}-{shortened(beginning, _LONGEST_BEGINNING)}{suffix}"

    @property
    def places(self) -> tuple[str, ...]:
        """The path, or the addresses."""
        return (str(self.path),) if self.path else self.url

    @property
    def mark(self) -> str:
        """Tells the file from one of other addresses, or of another checksum."""
        return hashlib.sha256(" ".join((*self.places, self.sha256 or "")).encode()).hexdigest()[:12]

    @property
    def is_template(self) -> bool:
        """Whether there is a file for each clip or video."""
        return any("{clip}" in url or "{video}" in url for url in self.url)

    def find(self, root: Path, known: KnownFiles) -> Path:
        """The file at `path`.

        Raises:
            DatasetError: it is not there, or has other bytes than its sha256 says.
        """
        assert self.path
        path = root / self.path
        if not path.is_file():
            raise DatasetError(f"There is no file {path}; correct the path in params.yaml.")
        if self.sha256 and known.digest(path) != self.sha256:
            raise DatasetError(f"{path} has other bytes than its sha256 in params.yaml says; correct one of them.")
        return path

    def remote(self, clip: str = "", video: str = "") -> Remote:
        """The addresses of a file on the network, of one clip's where they are templates."""
        named = (
            url.replace("{clip}", quote(clip, safe="")).replace("{video}", quote(video, safe="")) for url in self.url
        )
        return Remote(urls=tuple(map(_resolved, named)), sha256=self.sha256, size_bytes=self.size_bytes)

    def __str__(self) -> str:
        return " or ".join(self.places)


def hub_endpoint() -> str:
    """Where the Hugging Face hub is; its libraries read the same variable."""
    return os.environ.get("HF_ENDPOINT", HUB_ENDPOINT).rstrip("/")


def _resolved(url: str) -> str:
    match = _HUB.match(url)
    if not match:
        return url
    revision = quote(match["revision"] or "main", safe="")
    return f"{hub_endpoint()}/datasets/{match['owner']}/{match['name']}/resolve/{revision}/{quote(match['file'])}"
