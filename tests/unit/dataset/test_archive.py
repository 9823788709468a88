"""Archives of strangers: what is good in them comes out, what is not is refused by its name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from scarcity import no_more_open_files

from reelops.dataset.fetch.download.archive import is_archive, unpack
from reelops.dataset.fetch.download.disk import Disk
from reelops.errors import DatasetError, MachineError

GOOD = b"a video, nearly" * 100
GIGABYTE = 10**9


def make_zip(path: Path, members: dict[str, bytes], **extra: Callable[[zipfile.ZipFile], None]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
        for add in extra.values():
            add(zipped)
    return path


def make_tar(path: Path, members: dict[str, bytes], *more: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as tarred:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tarred.addfile(info, io.BytesIO(content))
        for info in more:
            tarred.addfile(info)
    return path


def special(name: str, kind: bytes, leads_to: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, leads_to
    return info


def unpacked(archive: Path, folder: Path, most_bytes: int = GIGABYTE) -> tuple[list[str], list[str]]:
    """Names of the files that came out, and what was refused."""
    refused: list[str] = []

    def everything(name: PurePosixPath) -> Path:
        return folder / name.name

    paths = list(unpack(archive, everything, most_bytes, refused.append))
    assert all(path.parent == folder for path in paths)
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in paths)
    return [path.name for path in paths], refused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "out"
    path.mkdir(parents=True)
    return path


@pytest.mark.parametrize("make", [make_zip, make_tar], ids=["zip", "tar"])
def test_wanted_members_come_out_whole_and_others_stay(make, folder: Path, tmp_path: Path) -> None:
    archive = make(tmp_path / "a.tar", {"x/video0.mp4": GOOD, "x/read me.txt": b"no", "video1.mp4": GOOD[:7]})
    paths = list(
        unpack(archive, lambda name: folder / name.name if name.suffix == ".mp4" else None, GIGABYTE, pytest.fail)
    )
    assert [path.name for path in paths] == ["video0.mp4", "video1.mp4"]
    assert paths[0].read_bytes() == GOOD


@pytest.mark.parametrize("make", [make_zip, make_tar], ids=["zip", "tar"])
@pytest.mark.parametrize(
    "name", ["../evil.mp4", "x/../../evil.mp4", "/etc/evil.mp4", "..\\evil.mp4", "C:\\evil.mp4", "x/./../../evil.mp4"]
)
def test_a_member_that_leads_out_is_refused_by_name(make, name: str, folder: Path, tmp_path: Path) -> None:
    names, refused = unpacked(make(tmp_path / "a.tar.gz", {name: b"evil", "good.mp4": GOOD}), folder)
    assert names == ["good.mp4"]
    assert len(refused) == 1 and repr(name) in refused[0] and "leads out of the folder" in refused[0]
    assert not list(tmp_path.rglob("evil.mp4"))


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (special("link.mp4", tarfile.SYMTYPE, "/etc/passwd"), "link out of the folder, to '/etc/passwd'"),
        (special("x/link.mp4", tarfile.SYMTYPE, "../../secret"), "link out of the folder"),
        (special("hard.mp4", tarfile.LNKTYPE, "../secret"), "link out of the folder"),
        (special("inside.mp4", tarfile.SYMTYPE, "good.mp4"), "it is a link"),
        (special("null.mp4", tarfile.CHRTYPE), "it is a device"),
        (special("disk.mp4", tarfile.BLKTYPE), "it is a device"),
        (special("pipe.mp4", tarfile.FIFOTYPE), "it is a device"),
    ],
    ids=lambda value: value.name if isinstance(value, tarfile.TarInfo) else "",
)
def test_links_and_devices_in_a_tar_are_refused_by_name(
    member: tarfile.TarInfo, said: str, folder: Path, tmp_path: Path
) -> None:
    names, refused = unpacked(make_tar(tmp_path / "a.tar", {"good.mp4": GOOD}, member), folder)
    assert names == ["good.mp4"]
    assert len(refused) == 1 and repr(member.name) in refused[0] and said in refused[0]


def test_a_link_and_a_device_in_a_zip_are_refused_by_name(folder: Path, tmp_path: Path) -> None:
    def add(zipped: zipfile.ZipFile) -> None:
        for name, kind in (("link.mp4", stat.S_IFLNK), ("null.mp4", stat.S_IFCHR)):
            info = zipfile.ZipInfo(name)
            info.external_attr = (kind | 0o777) << 16
            zipped.writestr(info, "/etc/passwd")

    names, refused = unpacked(make_zip(tmp_path / "a.zip", {"good.mp4": GOOD}, add=add), folder)
    assert names == ["good.mp4"]
    assert ["'link.mp4' was refused" in refused[0], "'null.mp4' was refused" in refused[1]] == [True, True]


def test_a_bomb_in_a_zip_is_refused_by_name_and_the_rest_comes(folder: Path, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"bomb.mp4": bytes(30_000_000), "good.mp4": GOOD})
    names, refused = unpacked(archive, folder)
    assert names == ["good.mp4"]
    assert "'bomb.mp4' was refused: a zip bomb" in refused[0]


def test_a_bomb_in_a_tar_refuses_the_archive(folder: Path, tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a.tar.gz", {"bomb.mp4": bytes(30_000_000)})
    with pytest.raises(DatasetError, match=r"is a bomb: up to 'bomb.mp4'"):
        unpacked(archive, folder)
    assert not list(folder.iterdir())


def test_a_zip_whose_members_share_their_bytes_is_refused(folder: Path, tmp_path: Path) -> None:
    """As David Fifield's bombs do: one kernel, many names (https://www.bamsoftware.com/hacks/zipbomb/)."""
    kernel = os.urandom(50_000)
    plain = make_zip(tmp_path / "plain.zip", {"0.mp4": kernel}).read_bytes()
    start = plain.index(b"PK\1\2")
    end = plain.index(b"PK\5\6")
    entry = plain[start:end]
    directory = b"".join(entry.replace(b"0.mp4", b"%d.mp4" % number) for number in range(10))
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 10, 10, len(directory), start, 0)
    (tmp_path / "a.zip").write_bytes(plain[:start] + directory + tail)
    with pytest.raises(DatasetError, match="its members share the same bytes"):
        unpacked(tmp_path / "a.zip", folder)


@pytest.mark.parametrize("make", [make_zip, make_tar], ids=["zip", "tar"])
def test_an_archive_beyond_the_limit_is_refused(make, folder: Path, tmp_path: Path) -> None:
    archive = make(tmp_path / "a.tar", {"a.mp4": os.urandom(3_000), "b.mp4": os.urandom(3_000)})
    with pytest.raises(DatasetError, match=r"more than the limit of .* raise dataset.download.max_unpacked_gb"):
        list(unpack(archive, lambda name: folder / name.name, 5_000, pytest.fail))


def test_a_damaged_member_is_named_and_the_rest_comes(folder: Path, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"bad.mp4": os.urandom(5_000), "good.mp4": GOOD})
    content = bytearray(archive.read_bytes())
    content[2_000] ^= 0xFF
    archive.write_bytes(content)
    names, refused = unpacked(archive, folder)
    assert names == ["good.mp4"]
    assert "'bad.mp4' is damaged" in refused[0]


def test_an_encrypted_member_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"secret.mp4": GOOD})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(content)
    names, refused = unpacked(archive, folder)
    assert names == [] and "'secret.mp4' was refused: it is encrypted" in refused[0]


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_an_archive_that_is_none_is_one_line(name: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"<html>not found</html>")
    with pytest.raises(DatasetError, match="is damaged or no archive") as caught:
        unpacked(tmp_path / name, folder)
    assert "\n" not in str(caught.value)


def test_a_cut_tar_gives_what_came_before_the_cut(folder: Path, tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a.tar.gz", {"a.mp4": os.urandom(30_000), "b.mp4": os.urandom(30_000)})
    archive.write_bytes(archive.read_bytes()[:45_000])
    came = []
    with pytest.raises(DatasetError, match="damaged"):
        came.extend(unpack(archive, lambda name: folder / name.name, GIGABYTE, pytest.fail))
    assert [path.name for path in folder.iterdir()] == ["a.mp4"]


def test_archives_are_known_by_their_names() -> None:
    assert all(map(is_archive, ("a.zip", "A.ZIP", "x/b.tar.gz", "c.tgz")))
    assert not any(map(is_archive, ("a.mp4", "zip", "a.gz")))


# ---- archives that end before their end ----

PACKERS = {"tar": bytes, "tar.gz": gzip.compress, "tar.bz2": bz2.compress, "tar.xz": lzma.compress}
NAMES = [f"video{number}.mp4" for number in range(5)]


def five(folder: Path) -> bytes:
    """A tar of five members that nothing can pack; every one takes 31,232 bytes with its header."""
    return make_tar(folder / "five", {name: os.urandom(30_500) for name in NAMES}).read_bytes()


def header_of(tar: bytes, name: str) -> int:
    return tar.index(name.encode())


def came(archive: Path, folder: Path) -> tuple[list[str], str]:
    """What came out before the archive was called damaged, and the line that says so."""
    names: list[str] = []
    with pytest.raises(DatasetError) as caught:
        names.extend(path.name for path in unpack(archive, lambda name: folder / name.name, GIGABYTE, pytest.fail))
    assert str(archive) in str(caught.value) and str(caught.value).isprintable()
    return sorted(path.name for path in folder.iterdir()), str(caught.value)


@pytest.mark.parametrize("packer", PACKERS)
def test_a_whole_tar_is_whole_however_it_is_packed(packer: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / f"a.{packer}").write_bytes(PACKERS[packer](five(tmp_path)))
    assert unpacked(tmp_path / f"a.{packer}", folder) == (NAMES, [])


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize(
    "damage",
    [
        lambda tar: tar[: header_of(tar, "video2.mp4")],
        lambda tar: tar[: header_of(tar, "video2.mp4") + 100],
        lambda tar: tar.replace(b"video2.mp4", b"videoX.mp4"),
        lambda tar: tar[: header_of(tar, "video2.mp4")] + bytes(512) + tar[header_of(tar, "video2.mp4") + 512 :],
        lambda tar: tar[: header_of(tar, "video2.mp4")] + bytes(10_240) + tar[header_of(tar, "video2.mp4") :],
        lambda tar: tar[: header_of(tar, "video2.mp4")] + b"x" * 512 + tar[header_of(tar, "video2.mp4") :],
    ],
    ids=["cut between", "cut in header", "checksum", "header of zeros", "two tars joined", "garbage between"],
)
def test_a_tar_that_ends_quietly_gives_what_came_before_and_says_so(
    packer: str, damage: Callable[[bytes], bytes], folder: Path, tmp_path: Path
) -> None:
    archive = tmp_path / f"a.{packer}"
    archive.write_bytes(PACKERS[packer](damage(five(tmp_path))))
    names, said = came(archive, folder)
    assert names == NAMES[:2] and "is damaged" in said


@pytest.mark.parametrize(
    ("packer", "damage"),
    [
        ("tar.gz", lambda data: data[:-6] + bytes([data[-6] ^ 1]) + data[-5:]),
        ("tar.gz", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        ("tar.gz", lambda data: data + b"trailing garbage"),
        ("tar.gz", lambda data: data[:90_000] + bytes([data[90_000] ^ 1]) + data[90_001:]),
        ("tar.bz2", lambda data: data[:90_000] + bytes([data[90_000] ^ 1]) + data[90_001:]),
        ("tar.xz", lambda data: data[:90_000] + bytes([data[90_000] ^ 1]) + data[90_001:]),
    ],
    ids=["gz sum", "gz length", "gz tail", "gz bit", "bz2 bit", "xz bit"],
)
def test_nothing_of_a_packed_tar_counts_before_its_checksum_does(
    packer: str, damage: Callable[[bytes], bytes], folder: Path, tmp_path: Path
) -> None:
    archive = tmp_path / f"a.{packer}"
    archive.write_bytes(damage(PACKERS[packer](five(tmp_path))))
    names, said = came(archive, folder)
    assert names == [] and "is damaged or no archive" in said


def test_a_tar_whose_last_member_is_a_zip_is_a_tar(folder: Path, tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"notes.json": b"[]"}).read_bytes()
    members = {"video0.mp4": GOOD, "extra/annotations.zip": inner}
    for name in ("a.tar", "a.zip"):
        archive = make_tar(tmp_path / name, members)
        assert unpacked(archive, folder) == (["video0.mp4", "annotations.zip"], [])
    old = bytearray(archive.read_bytes())
    for at in range(0, len(old) - 512, 512):
        if old[at + 257 : at + 262] == b"ustar":  # from before there was such a word
            old[at + 257 : at + 265] = bytes(8)
            old[at + 148 : at + 156] = b" " * 8
            old[at + 148 : at + 156] = b"%06o\0 " % sum(old[at : at + 512])
    archive.write_bytes(old)
    assert unpacked(archive, folder)[0] == ["video0.mp4", "annotations.zip"]


def test_a_tar_whose_member_leads_backwards_does_not_go_round_for_ever(folder: Path, tmp_path: Path) -> None:
    tar = bytearray(five(tmp_path))
    at = header_of(bytes(tar), "video2.mp4")
    tar[at + 124 : at + 136] = (-31_744 & (2**96 - 1)).to_bytes(12, "big")
    tar[at + 148 : at + 156] = b" " * 8
    tar[at + 148 : at + 156] = b"%06o\0 " % sum(tar[at : at + 512])
    (tmp_path / "a.tar").write_bytes(tar)
    names, _ = came(tmp_path / "a.tar", folder)
    assert names == NAMES[:2]


def test_a_header_that_asks_for_a_bomb_gets_none(folder: Path, tmp_path: Path) -> None:
    info = tarfile.TarInfo("long name")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 4 * GIGABYTE
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(30_000_000)))
    names, said = came(tmp_path / "a.tar.gz", folder)
    assert names == [] and "is a bomb" in said


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[: data.index(b"PK\5\6")], "is damaged or no archive"),
        (lambda data: data[:-1], "is damaged or no archive"),
        (lambda data: data.replace(b"PK\5\6\0\0\0\0\2\0\2", b"PK\5\6\0\0\0\0\3\0\3"), "its end says 3"),
        (lambda data: data + data, "begins with members that its directory does not tell of"),
        (lambda data: data.replace("caf\u00e9".encode(), b"caf\xff\xfe"), "is damaged or no archive"),
    ],
    ids=["no end", "cut", "fewer than told", "two zips joined", "a name that is no text"],
)
def test_a_zip_that_lacks_something_is_one_line(
    damage: Callable[[bytes], bytes], said: str, folder: Path, tmp_path: Path
) -> None:
    archive = make_zip(tmp_path / "a.zip", {"a.mp4": GOOD, "caf\u00e9.mp4": GOOD})
    archive.write_bytes(damage(archive.read_bytes()))
    names, line = came(archive, folder)
    assert names == [] and said in line


@pytest.mark.parametrize("way", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("at", [3, 20, 1000, 4000])
def test_a_damaged_member_of_a_zip_is_left_out_by_name_however_it_is_packed(
    way: int, at: int, folder: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", way) as zipped:
        zipped.writestr("good.mp4", GOOD)
        zipped.writestr("bad.mp4", os.urandom(5_000))
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[content.index(b"bad.mp4") + len("bad.mp4") + at] ^= 0x5A
    (tmp_path / "a.zip").write_bytes(content)
    names, refused = unpacked(tmp_path / "a.zip", folder)
    assert names == ["good.mp4"]
    assert "'bad.mp4' is damaged" in refused[0] and refused[0].isprintable()


def test_a_member_with_a_name_that_no_file_may_have_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    long = "\u732b" * 90 + ".mp4"
    for make in (make_zip, make_tar):
        names, refused = unpacked(make(tmp_path / "a.tar", {long: GOOD, "good.mp4": GOOD}), folder)
        assert names == ["good.mp4"] and "longer than a file's may be" in refused[0]


def test_room_on_the_disk_is_kept_for_each_member(folder: Path, tmp_path: Path) -> None:
    disk = Disk(tmp_path, shutil.disk_usage(tmp_path).free * 2)
    archive = make_zip(tmp_path / "a.zip", {"a.mp4": GOOD})
    with pytest.raises(MachineError, match="are to stay free"):
        list(unpack(archive, lambda name: folder / name.name, GIGABYTE, pytest.fail, disk.claim))
    assert not list(folder.iterdir())


def test_a_machine_that_cannot_open_another_file_does_not_blame_the_archive(folder: Path, tmp_path: Path) -> None:
    for archive in (make_zip(tmp_path / "a.zip", {"a.mp4": GOOD}), make_tar(tmp_path / "a.tar", {"a.mp4": GOOD})):
        with no_more_open_files(), pytest.raises(MachineError, match="Too many open files"):
            list(unpack(archive, lambda name: folder / name.name, GIGABYTE, pytest.fail))


def test_a_member_of_a_zip_without_a_name_costs_nobody_else(folder: Path, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"x.mp4": GOOD, "good.mp4": GOOD})
    archive.write_bytes(archive.read_bytes().replace(b"x.mp4", b"\0.mp4"))
    assert list(unpack(archive, lambda name: folder / name.name if name.name else None, GIGABYTE, pytest.fail)) == [
        folder / "good.mp4"
    ]
