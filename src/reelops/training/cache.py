"""Encoded clips on disk, each under a name made of everything that decided its bytes.

    data/latents/clips/3f/3f2a91....safetensors    posteriors of one clip and its pictures
    data/latents/texts/8c/8c1d0a....safetensors    vectors of one caption
    data/latents/index.json                        which clip of which split is which file; written last
    data/latents/quarantine.json                   clips that could not be encoded, with the reason

A name is a digest over the video's bytes, the picture's, the window, the size, the encoder's weights, the number
format, the kind of device, tiling, and the code and libraries that decode and encode. Whatever of these changes, the
name does, so what is there is never stale; what no index names is removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.clip import ClipFormat
from reelops.errors import DatasetError
from reelops.foreign import NO_JSON, reading_foreign, refuse_machine_fault
from reelops.system.files import write_atomically, write_text_atomically
from reelops.system.temporary import remove_abandoned_partials

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = Path("data/latents")
INDEX = "index.json"
QUARANTINE = "quarantine.json"
VERSION = 3
HOW_TO_REMAKE = "Make the latents again with `dvc repro latents`."
_DRAWS = 1  # another number draws other noise for all clips
_KINDS = ("clips", "texts")


@dataclass(frozen=True)
class Encoding:
    """What all of a cache was encoded with.

    Attributes:
        vae_revision, text_revision: digests of the encoders' weights and configs.
        video_scale, picture_scale: what drawn latents are multiplied by.
        prompt_length: tokens per caption.
        noised_pictures, seed: see `LatentParams`.
        dtype: what the encoders computed in.
        text_device, vae_device: `cpu` or `cuda`; they round differently.
        vae_tiling: clips were encoded in tiles, which differ at their seams.
        making: digest of the code and the libraries, see `reelops.system.making`.
    """

    base: str
    vae_revision: str
    text_revision: str
    format: ClipFormat
    video_scale: float
    picture_scale: float
    prompt_length: int
    noised_pictures: int
    seed: int
    dtype: str
    text_device: str
    vae_device: str
    vae_tiling: bool
    making: str

    @property
    def stored_dtype(self) -> str:
        """What tensors are stored in: float16 holds every bfloat16 of a latent's size exactly."""
        return "float32" if self.dtype == "float32" else "float16"

    def clip_key(self, video_sha256: str, picture_sha256: str, start: Fraction) -> str:
        """The name of a clip's file."""
        return _digest(
            version=VERSION,
            **self._sample(video_sha256, picture_sha256, start),
            device=self.vae_device,
            tiling=self.vae_tiling,
            making=self.making,
        )

    def noise_seed(self, video_sha256: str, picture_sha256: str, start: Fraction) -> int:
        """What a clip's conditioning noise is drawn from: the same on every machine and by any version of the code, so
        that an adapter can be trained again."""
        return int(_digest(version=_DRAWS, **self._sample(video_sha256, picture_sha256, start))[:8], 16)

    def _sample(self, video_sha256: str, picture_sha256: str, start: Fraction) -> dict[str, Any]:
        shape = self.format
        return {
            "kind": "clip",
            "video": video_sha256,
            "picture": picture_sha256,
            "start": str(start),
            "frames": shape.num_frames,
            "fps": str(shape.fps),
            "size": [shape.width, shape.height],
            "fit": "crop",
            "vae": self.vae_revision,
            "noised": self.noised_pictures,
            "seed": self.seed,
            "dtype": self.dtype,
        }

    def text_key(self, caption: str) -> str:
        """The name of a caption's file."""
        return _digest(
            kind="text",
            version=VERSION,
            caption=caption,
            encoder=self.text_revision,
            length=self.prompt_length,
            dtype=self.dtype,
            device=self.text_device,
            making=self.making,
        )


@dataclass(frozen=True)
class EncodedClip:
    """A clip in the cache: its name, split and file, what its noise is drawn from, and its captions' files in the order
    of its captions."""

    clip_id: str
    split: str
    key: str
    noise_seed: int
    captions: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    """All of a cache.

    Attributes:
        table_sha256: of the table it was made from.
        empty_text: the file of the caption "".
    """

    encoding: Encoding
    table_sha256: str
    empty_text: str
    clips: tuple[EncodedClip, ...]

    def of_split(self, split: str) -> tuple[EncodedClip, ...]:
        return tuple(clip for clip in self.clips if clip.split == split)

    def digest(self) -> str:
        """Over every name in it: the data's part of a training run's identity."""
        return _digest(clips=[asdict(clip) for clip in self.clips], empty=self.empty_text)


class LatentCache:
    """The files under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, kind: str, key: str) -> Path:
        """Where a file of a kind (`clips`, `texts`) is; 256 folders keep each of them small."""
        return self.folder / kind / key[:2] / f"{key}.safetensors"

    def has(self, kind: str, key: str) -> bool:
        """Whether the file is there and whole, and is what its name says."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path(kind, key), "pt") as tensors:
                return (tensors.metadata() or {}).get("key") == key
        except (SafetensorError, OSError):
            return False

    def write(self, kind: str, key: str, tensors: Mapping[str, Tensor], dtype: str) -> int:
        """Stores a file in one step; returns its bytes.

        Raises:
            DatasetError: a value is not finite, or does not fit the number format.
        """
        import torch
        from safetensors.torch import save_file

        kept = {name: value.to("cpu", getattr(torch, dtype)).contiguous() for name, value in tensors.items()}
        for name, value in kept.items():
            if not torch.isfinite(value).all():
                raise DatasetError(f"its {name.replace('_', ' ')} holds values that are no finite {dtype} numbers")
        path = self.path(kind, key)
        with write_atomically(path) as partial:
            save_file(kept, partial, {"key": key})
        return path.stat().st_size

    def read(self, kind: str, key: str) -> dict[str, Tensor]:
        """The tensors of a file, as they are stored.

        Raises:
            DatasetError: it is missing or broken.
            MachineError: it cannot be read on this machine now.
        """
        from safetensors.torch import load_file

        path = self.path(kind, key)
        with reading_foreign(path, DatasetError, "is no whole safetensors file", f"delete it. {HOW_TO_REMAKE}"):
            if not path.is_file():
                raise DatasetError(f"{path} is missing. {HOW_TO_REMAKE}")
            tensors: dict[str, Tensor] = load_file(path)
        return tensors

    def write_index(self, index: Index) -> None:
        """Stores the index; from then on the cache is what it says."""
        write_text_atomically(self.folder / INDEX, json.dumps(_plain(index), indent=1, sort_keys=True) + "\n")

    def read_index(self) -> Index:
        """The index.

        Raises:
            DatasetError: there is none, or it is broken.
            MachineError: it cannot be read on this machine now.
        """
        path = self.folder / INDEX
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["version"] != VERSION:
                raise DatasetError(f"{path} is of version {content['version']}, not {VERSION}. {HOW_TO_REMAKE}")
            return _index(content)
        except FileNotFoundError:
            raise DatasetError(f"There are no latents at {self.folder}. Make them with `dvc repro latents`.") from None
        except (OSError, KeyError, TypeError, *NO_JSON) as error:
            refuse_machine_fault(path, error)
            raise DatasetError(f"{path} cannot be read ({type(error).__name__}: {error}). {HOW_TO_REMAKE}") from error

    def missing(self, clips: Iterable[EncodedClip]) -> list[str]:
        """Ids of clips one of whose files is not there."""
        return [
            clip.clip_id
            for clip in clips
            if not self.path("clips", clip.key).is_file()
            or not all(self.path("texts", text).is_file() for text in clip.texts)
        ]

    def prune(self, index: Index) -> int:
        """Removes files that the index does not name; says how many."""
        named = {"clips": {clip.key for clip in index.clips}}
        named["texts"] = {index.empty_text, *(text for clip in index.clips for text in clip.texts)}
        stale = [
            path
            for kind in _KINDS
            for path in (self.folder / kind).glob("*/*.safetensors")
            if path.stem not in named[kind]
        ]
        for path in stale:
            path.unlink(missing_ok=True)
        for folder in {folder for kind in _KINDS for folder in (self.folder / kind).glob("*")}:
            remove_abandoned_partials(folder)
            if not any(folder.iterdir()):
                folder.rmdir()
        return len(stale)


def _digest(**content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _plain(index: Index) -> dict[str, Any]:
    plain: dict[str, Any] = {"version": VERSION, **asdict(index)}
    plain["encoding"]["format"]["fps"] = str(index.encoding.format.fps)
    return plain


def _index(plain: Mapping[str, Any]) -> Index:
    encoding = Encoding(**plain["encoding"])
    shape = ClipFormat(**{**plain["encoding"]["format"], "fps": Fraction(plain["encoding"]["format"]["fps"])})
    return Index(
        encoding=replace(encoding, format=shape),
        table_sha256=plain["table_sha256"],
        empty_text=plain["empty_text"],
        clips=tuple(
            EncodedClip(**{**clip, "captions": tuple(clip["captions"]), "texts": tuple(clip["texts"])})
            for clip in plain["clips"]
        ),
    )
