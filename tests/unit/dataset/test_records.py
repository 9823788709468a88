"""What fetching keeps is read again as it was, and told to be damaged where it is."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest
from scarcity import no_more_open_files

from reelops.dataset.entry import Entry, Fetched, Lost, Segment
from reelops.dataset.fetch.known_files import KnownFiles
from reelops.dataset.fetch.unpacked import Unpacked
from reelops.dataset.records import count_lost, read_fetched, why_unlisted, write_records
from reelops.dataset.sources.folder_files import find_videos
from reelops.dataset.sources.shelves import read_checksums
from reelops.errors import DatasetError, MachineError
from reelops.system.digest import sha256_of

ENTRY = Entry("folder", "a.mp4", ("a cat \ud83d",), "caf\udce9", "folder:a.mp4", category="\udfff")


def written(root: Path, path: Path, reason: str = "not there") -> list[Fetched]:
    fetched = Fetched(ENTRY, path, Segment(Fraction("0.1"), Fraction("7.25")))
    write_records(root / "data", [fetched], [Lost(ENTRY, (reason,))], root, unlisted=f"why \udce9 {reason}")
    return list(read_fetched(root / "data", root))


def test_what_is_no_unicode_is_written_all_the_same_and_paths_stay_what_they_are(tmp_path: Path) -> None:
    path = Path("/elsewhere") / os.fsdecode(b"caf\xe9") / "a.mp4"
    (got,) = written(tmp_path, path, reason="caf\udce9\n")
    assert got.path == path
    assert got.entry == ENTRY and got.entry.captions == ("a cat \ufffd",)
    assert got.segment == Segment(Fraction("0.1"), Fraction("7.25"))
    for table in (tmp_path / "data").iterdir():
        table.read_bytes().decode()
    assert count_lost(tmp_path / "data") == 1
    assert why_unlisted(tmp_path / "data") == "why \\udce9 caf\\udce9\\n"


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"{", b"5", b"[]", b"null", b"{}", b"\xff\xfe", b'"', b"[" * 100_000, b"9" * 5000),
        json.dumps({"path": 5, "segment": None, "published_segment": None}).encode(),
        json.dumps({"path": "a", "segment": ["1/0", 2], "published_segment": None}).encode(),
        json.dumps({"path": "a", "segment": [1e999, 2], "published_segment": None}).encode(),
    ],
)
def test_a_damaged_line_is_told_by_its_number(tmp_path: Path, line: bytes) -> None:
    written(tmp_path, tmp_path / "a.mp4")
    with (tmp_path / "data" / "entries.jsonl").open("ab") as table:
        table.write(line + b"\n")
    with pytest.raises(DatasetError, match=r"entries\.jsonl, line 2 cannot be read: .*run `reelops fetch` again"):
        list(read_fetched(tmp_path / "data", tmp_path))


def test_a_damaged_memory_of_digests_costs_a_look_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    known = KnownFiles(tmp_path / "known")
    known.digest(tmp_path / "a.mp4")
    known.write("all")
    for line in (b"{", b"[1]", b"\xff", b"[[], 2, 3, 4]", b"null"):
        with (tmp_path / "known" / "all.jsonl").open("ab") as memory:
            memory.write(line + b"\n")
    known = KnownFiles(tmp_path / "known")
    assert known.of(tmp_path / "a.mp4") == known.digest(tmp_path / "a.mp4") == sha256_of(tmp_path / "a.mp4")
    (tmp_path / "unpacked.jsonl").write_bytes(b'\xff\n[]\n{"name": 5}\n{"name": "a", "places": 5}\n')
    Unpacked(tmp_path / "unpacked.jsonl")


def test_a_machine_that_cannot_open_another_file_does_not_blame_the_one_it_would_read(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    written(tmp_path, tmp_path / "a.mp4")
    with no_more_open_files():
        with pytest.raises(MachineError, match="Too many open files"):
            KnownFiles(tmp_path / "known").digest(tmp_path / "a.mp4")
        with pytest.raises(MachineError, match="Too many open files"):
            list(find_videos(tmp_path, pytest.fail))
        with pytest.raises(MachineError, match="Too many open files"):
            list(read_fetched(tmp_path / "data", tmp_path))


def test_two_checksums_for_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "SHA256SUMS"
    path.write_text(f"{'0' * 64}  train/video0.mp4\n{'0' * 64}  again/video0.mp4\n")
    assert read_checksums(path) == {"video0.mp4": "0" * 64}
    path.write_text(f"{'0' * 64}  train/video0.mp4\n{'1' * 64}  test/video0.mp4\n")
    with pytest.raises(DatasetError, match=r"line 2 has a second checksum for video0\.mp4"):
        read_checksums(path)
