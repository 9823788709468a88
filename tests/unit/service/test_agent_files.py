"""What an agent may name: files below its folders, whatever spelling, link or kind of file it tries."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

pytest.importorskip("mcp", reason='the service comes with pip install "reelops[service]"')

from reelops.errors import InputError
from reelops.service.agents.files import AgentFiles, NotAllowedFileError, default_folders
from reelops.service.uploads import TooLargeError


@pytest.fixture
def files(tmp_path: Path) -> AgentFiles:
    allowed = tmp_path / "allowed"
    (allowed / "deeper").mkdir(parents=True)
    (allowed / "photo.png").write_bytes(b"a picture")
    (allowed / "deeper" / "a b.png").write_bytes(b"another")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "allowed-too").mkdir()
    (tmp_path / "allowed-too" / "photo.png").write_bytes(b"secret")
    (allowed / "out.png").symlink_to(tmp_path / "secret.png")
    (allowed / "up").symlink_to(tmp_path)
    (allowed / "loop").symlink_to(allowed / "loop")
    (allowed / "in.png").symlink_to(allowed / "photo.png")
    os.mkfifo(allowed / "pipe.png")
    return AgentFiles([allowed], most_bytes=1000)


def content(files: AgentFiles, named: str | None = None, sent: str | None = None) -> tuple[bytes, str]:
    with files.opened("picture", named, sent) as (file, name):
        return file.read(), name


def test_files_below_the_folder_are_read_by_path_and_address(files: AgentFiles) -> None:
    (allowed,) = files.folders
    assert content(files, "photo.png") == (b"a picture", "photo.png")
    assert content(files, str(allowed / "photo.png")) == (b"a picture", "photo.png")
    assert content(files, "deeper/../photo.png")[0] == content(files, "in.png")[0] == b"a picture"
    assert content(files, (allowed / "deeper" / "a b.png").as_uri())[0] == b"another"
    assert content(files, f"file://localhost{allowed}/photo.png")[0] == b"a picture"


@pytest.mark.parametrize(
    "named",
    [
        "../secret.png",
        "deeper/../../secret.png",
        "{allowed}/../secret.png",
        "{allowed}-too/photo.png",
        "out.png",
        "up/secret.png",
        "/etc/passwd",
        "/nowhere/at/all",
        "file:/etc/passwd",
        "file:{allowed}/%2e%2e/secret.png",
        "FILE:../secret.png",
        "/proc/self/environ",
    ],
)
def test_all_else_is_refused_alike_whether_it_is_there_or_not(files: AgentFiles, named: str) -> None:
    with pytest.raises(NotAllowedFileError, match=r"is not below .*: other files are not read") as refused:
        content(files, named.replace("{allowed}", str(files.folders[0])))
    assert "secret.png" not in str(refused.value).partition("which")[2]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("none.png", "none.png cannot be read: No such file"),
        ("deeper", "deeper is no file"),
        ("", "it is empty"),
        ("photo.png\0.txt", "NUL character"),
        ("pipe.png", "pipe.png is no file"),
        ("loop", "loop cannot be read"),
        ("a" * 5000, "cannot be read: File name too long"),
        ("\ud800.png", "is no Unicode"),
        ("http://169.254.169.254/latest/meta-data", "nothing is fetched"),
        ("file://elsewhere/share/photo.png", "a file of another machine"),
        ("data:image/png;base64", "without a comma"),
        ("data:image/png;base64,?", "no base64"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(files: AgentFiles, named: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as refused:
        content(files, named)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 300


def test_bytes_are_sent_as_base64_up_to_a_limit(files: AgentFiles) -> None:
    sent = base64.encodebytes(b"x" * 900).decode()
    assert content(files, sent=sent) == (b"x" * 900, "picture")
    assert content(files, f"data:image/png;base64,{sent}")[0] == b"x" * 900
    assert content(files, "data:,a%20b")[0] == b"a b"
    with pytest.raises(TooLargeError, match=r"more than 0\.001 MB"):
        content(files, sent=base64.b64encode(b"x" * 1100).decode())
    with pytest.raises(InputError, match="Give either picture"):
        content(files)
    with pytest.raises(InputError, match="Give either picture"):
        content(files, "photo.png", sent)


def test_without_a_folder_no_file_is_read(files: AgentFiles) -> None:
    with pytest.raises(NotAllowedFileError, match="this server reads no files"):
        content(AgentFiles([], 1000), str(files.folders[0] / "photo.png"))


def test_a_server_that_is_started_in_the_root_or_at_home_reads_nothing_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folders(Path("/")) == default_folders(tmp_path) == []
    assert default_folders(tmp_path / "project") == [tmp_path / "project"]
