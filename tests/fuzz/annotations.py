"""Lists of clips in every form that is read, our own tables among them, damaged as text and as values."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from reelops.dataset.entry import Fetched, Lost
from reelops.dataset.mixing import choose
from reelops.dataset.params import DatasetParams, open_source
from reelops.dataset.records import read_fetched, write_records
from reelops.dataset.sources.shelves import read_checksums
from reelops.dataset.table import ClipRow, read_clips, write_clips
from reelops.errors import DatasetError
from tests.fuzz.fuzzer import Fuzzer, Mutant
from tests.fuzz.mutation import chosen_mutation, odd_values

Reader = Callable[[Path], object]

_ODD: tuple[Callable[[], Any], ...] = (
    *(lambda: None, lambda: True, lambda: -1, lambda: 10**400, lambda: 1e308, lambda: [], lambda: {}, lambda: ""),
    *(lambda: "\ud83d", lambda: "a\0b", lambda: "../../../etc", lambda: "x" * 5000, lambda: [[["deep"]]]),
    *(lambda: {"video_id": {"a": 1}}, lambda: "1:2:3:4", lambda: "\u0661\u0662", lambda: "watch?v=../../../etc/a"),
    *(lambda: float("nan"), lambda: "[" * 3000, lambda: "['a', (1, 2)", lambda: "\x1b[2J\n\r\u2028"),
)
_MSR: dict[str, Any] = {
    "videos": [
        {"video_id": f"video{number}", "category": number, "url": f"https://youtu.be/abcdefgh{number:03}"}
        | {"start time": 1.5, "end time": "0:02:17.72", "split": "train"}
        for number in range(3)
    ],
    "sentences": [{"video_id": f"video{number}", "caption": "a caf\u00e9 is shown"} for number in range(3)],
}
_VATEX = [{"videoID": f"abcdefgh{number:03}_000001_000011", "enCap": ["one", "two"]} for number in range(3)]
_ROWS = [{"file_name": f"{name}.mp4", "caption": '["one", "two"]', "split": "val"} for name in ("a", "b", "mutant")]
_PANDA = (
    "videoID,url,timestamp,caption,matching_score\n"
    "abcdefghijk,https://youtu.be/abcdefghijk,\"[['0:00:01.5', '0:00:07']]\",\"['a caf\u00e9']\",[0.5]\n" * 2
)
_ROW = ClipRow(
    *(
        "a",
        "folder",
        "folder:a",
        None,
        "CC0",
        "train",
        "0" * 64,
        5,
        Path("a.mp4"),
        Path("a.png"),
        Fraction(30000, 1001),
    ),
    *(640, 360, 7.5, 1.0, 5.0, 49, Fraction(8), ("a caf\u00e9",), "a caf\u00e9", 0.5, 9.0, 0.5, 0.1, 0.0, 0.0, 2),
)


@cache
def _texts() -> dict[str, tuple[bytes, ...]]:
    lines = "\n".join(map(json.dumps, _ROWS))
    table = 'file_name;caption\na.mp4;One.\nb.mp4;"Two; it is."\n'
    escaped = b'file_name,caption\na.mp4,"a \\"b\\" c"\nb.mp4,"two\nlines"\n'
    sentence = "sep=|\nfile_name|caption\na.mp4|\u4e00\u53ea\u732b\u5750\u5728\u57ab\u5b50\u4e0a\n"
    sums = "".join(f"{number:064x}  video{number}.mp4\n" for number in range(3))
    return {
        ".json": tuple(json.dumps(value).encode() for value in (_MSR, _VATEX, _ROWS)),
        ".jsonl": (lines.encode(), _records()),
        ".csv": (
            _PANDA.encode(),
            table.encode("utf-16"),
            table.encode(),
            "caption\ncaf\u00e9".encode("latin-1"),
            *(table.encode(encoding) for encoding in ("utf-16-le", "cp1252")),
            escaped,
            sentence.encode("gb18030"),
        ),
        ".tsv": (table.replace(";", "\t").encode(), b'file_name\tcaption\na.mp4\t"One.\nb.mp4\tTwo" it is.\n'),
        ".txt": (sums.encode(), "A caf\u00e9.\nTwo lines.\n".encode("utf-8-sig"), b"a.mp4\nb.mp4\nmutant.mp4\n"),
        ".parquet": (_parquet(),),
    }


def _records() -> bytes:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write_records(root, [Fetched(_entries()[0], root / "a.mp4")] * 2, [], root)
        return (root / "entries.jsonl").read_bytes()


def _entries() -> list[Any]:
    with TemporaryDirectory() as folder:
        (Path(folder) / "a.mp4").touch()
        return _listed({"kind": "folder", "path": folder}, Path(folder), [])


def _parquet() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clips.parquet"
        write_clips([_ROW] * 3, path, Path(folder) / "clips.jsonl")
        return path.read_bytes()


def _mutant(random: Random) -> Mutant:
    suffix = random.choice(list(_texts()))
    if suffix in (".json", ".jsonl") and random.random() < 0.6:
        value = odd_values(random.choice((_MSR, _VATEX, _ROWS)), _ODD, random)
        rows = value if suffix == ".jsonl" and isinstance(value, list) else [value]
        return Mutant("\n".join(map(json.dumps, rows)).encode(), suffix)
    data = random.choice(_texts()[suffix])
    if suffix == ".parquet" and random.random() < 0.5:
        # What is in it is told at its end.
        at = random.randrange(len(data) // 2, len(data))
        return Mutant(data[:at] + chosen_mutation(data[at:], [data], random), suffix)
    return Mutant(chosen_mutation(data, [data, b"\xff\xfe\0\xd8"], random), suffix)


def _listed(source: dict[str, Any], root: Path, files: list[Path]) -> list[Any]:
    """What a run would make of a source's clips: chosen, written, and read again."""
    (params,) = DatasetParams.model_validate({"sources": [source]}).sources
    notes: list[str] = []
    entries = list(open_source(params, root).entries(files, notes.append))
    assert not any("\n" in note for note in notes), notes
    chosen = choose(entries, 5, seed=0)
    fetched = [Fetched(entry, root / "videos" / f"{entry.clip_id}.mp4", entry.segment) for entry in chosen]
    write_records(root / "records", fetched, [Lost(entry, ("gone",)) for entry in chosen], root)
    assert list(read_fetched(root / "records", root)) == fetched
    return entries


def _as_folder(path: Path) -> None:
    """As a table of a folder of videos, as what is said of one of them, and as one of two lists."""
    place = path.parent / "mine"
    place.mkdir(exist_ok=True)
    for name in ("a.mp4", "b.mp4", "mutant.mp4"):
        (place / name).touch()
    for name in (f"table{path.suffix}", f"a.mp4{path.suffix}", "videos.txt", "prompts.txt"):
        shutil.copy(path, place / name)
    _listed({"kind": "folder", "path": "mine"}, path.parent, [])


def _as_list(kind: str, path: Path) -> None:
    _listed({"kind": kind, "annotations": [path.name]}, path.parent, [path])


def _as_records(path: Path) -> None:
    shutil.copy(path, path.parent / "entries.jsonl")
    list(read_fetched(path.parent, path.parent))


def _read(path: Path) -> None:
    """On all that reads such a file; refused where none of them can use it."""
    _as_folder(path)
    readers: list[Reader] = {
        ".parquet": [read_clips],
        ".txt": [read_checksums],
        ".jsonl": [lambda path: _as_list("msr_vtt", path), _as_records],
        ".json": [lambda path: _as_list("msr_vtt", path), lambda path: _as_list("vatex", path)],
    }.get(path.suffix, [lambda path: _as_list("msr_vtt", path), lambda path: _as_list("panda70m", path)])
    refusals: list[DatasetError] = []
    for reader in readers:
        try:
            reader(path)
        except DatasetError as error:
            assert str(error).isprintable(), error
            refusals.append(error)
    named = [error for error in refusals if path.name in str(error)]
    if len(refusals) == len(readers):
        raise (named or refusals)[0]


FUZZERS = (Fuzzer("annotations", 2000, 70, _mutant, _read, allowed=(DatasetError,), libraries=("pyarrow",)),)
