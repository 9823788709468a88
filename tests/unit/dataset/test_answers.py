"""What servers say is looked at before it is used, and nothing is whole until its length or its checksum says so."""

from __future__ import annotations

import hashlib
from email.utils import formatdate
from pathlib import Path

import pytest
from raw_server import answering, head
from scarcity import files_no_larger_than, no_more_open_files

from reelops.dataset.fetch.download.settings import Remote
from reelops.errors import DownloadError, MachineError

OLD, NEW = b"o" * 1000, b"n" * 1000
ETAG, DATE = 'ETag: "one"', f"Date: {formatdate(usegmt=True)}"
LONG_AGO = "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT"


def remote_of(url: str, **more: object) -> Remote:
    return Remote(urls=(f"{url}/a.mp4",), **more)


def cut(*headers: str, of: bytes = OLD) -> bytes:
    """A good answer that breaks off after 300 of 1000 bytes."""
    return head("200 OK", "Content-Length: 1000", *headers, body=of[:300])


def whole(of: bytes = NEW) -> bytes:
    return head("200 OK", "Content-Length: 1000", body=of)


def part(said: str, body: bytes, *headers: str) -> bytes:
    return head("206 Partial Content", f"Content-Range: {said}", f"Content-Length: {len(body)}", *headers, body=body)


def fetched(desk, folder: Path, *answers: bytes, **more: object) -> bytes:
    """What is accepted as the file."""
    with answering(*answers) as server:
        desk.downloader(rounds=len(answers)).download(remote_of(server.url, **more), folder / "a.mp4")
    return (folder / "a.mp4").read_bytes()


def refusal(desk, folder: Path, *answers: bytes, **more: object) -> str:
    """Why the file is lost: a line that a terminal can show."""
    with pytest.raises(DownloadError) as caught:
        fetched(desk, folder, *answers, **more)
    assert not (folder / "a.mp4").exists()
    assert str(caught.value).isprintable()
    return str(caught.value)


# ---- parts of a file ----


def test_a_part_that_ends_before_the_file_does_is_not_the_rest(desk, tmp_path: Path) -> None:
    parts = (part("bytes 300-399/*", OLD[:100], ETAG), part("bytes 400-999/1000", OLD[400:], ETAG))
    assert fetched(desk, tmp_path, cut(ETAG), *parts) == OLD


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ETAG, 'ETag: "two"'),
        (ETAG, LONG_AGO),
        (ETAG, 'ETag: W/"one"'),
        (f"{LONG_AGO}\r\n{DATE}", f"Last-Modified: Tue, 02 Jan 2024 00:00:00 GMT\r\n{DATE}"),
        (f"{LONG_AGO}\r\n{DATE}", "X-Nothing: said"),
    ],
    # Names of their own: DATE is another one in each process that collects the tests.
    ids=["other-etag", "etag-then-none", "weak-etag", "other-date", "date-then-none"],
)
def test_parts_of_two_versions_are_never_joined(desk, tmp_path: Path, first: str, second: str) -> None:
    """The server does not look at If-Range, or the file changed between two of its machines."""
    rest = part("bytes 300-999/1000", NEW[300:], second)
    assert fetched(desk, tmp_path, cut(first), rest, whole()) == NEW


@pytest.mark.parametrize(
    "said",
    [
        *("bytes 300-299/1000", "bytes 300-1000/1000", "bytes 0-699/1000", "bytes 301-999/1000", "bytes 300-999/999"),
        *("bytes 300-999/1001", "bytes */1000", "300-999/1000", "items 300-999/1000", "bytes 300-999", ""),
        f"bytes 300-{'9' * 5000}/*",
        "bytes 300-999/1000\r\nContent-Range: bytes 300-999/1000",
        "bytes \u00b200-999/1000",
    ],
)
def test_a_part_that_is_not_what_was_asked_for_is_left_and_all_comes_anew(desk, tmp_path: Path, said: str) -> None:
    assert fetched(desk, tmp_path, cut(ETAG), part(said, NEW[300:], ETAG), whole()) == NEW


def test_a_part_longer_than_it_said_is_not_taken(desk, tmp_path: Path) -> None:
    chunks = b"2bc\r\n" + NEW[:700] + b"\r\n0\r\n\r\n"
    more = head("206 Partial Content", "Content-Range: bytes 300-399/1000", "Transfer-Encoding: chunked", ETAG)
    assert fetched(desk, tmp_path, cut(ETAG), more + chunks, whole()) == NEW


def test_a_part_that_nobody_asked_for_is_the_file_only_if_it_is_all_of_it(desk, tmp_path: Path) -> None:
    assert fetched(desk, tmp_path, part("bytes 0-999/1000", NEW)) == NEW
    (tmp_path / "a.mp4").unlink()
    assert "ended after 400 of 1,000 bytes" in refusal(desk, tmp_path, part("bytes 0-399/1000", NEW[:400]))
    assert "how long the file is" in refusal(desk, tmp_path, part("bytes 0-399/*", NEW[:400]))


def test_a_checksum_judges_what_no_version_tells(desk, tmp_path: Path) -> None:
    rest = part("bytes 300-999/1000", OLD[300:])
    sha256 = hashlib.sha256(OLD).hexdigest()
    assert fetched(desk, tmp_path, cut(ETAG), rest, sha256=sha256) == OLD


def test_a_date_of_this_very_second_tells_no_versions_apart(desk, tmp_path: Path) -> None:
    now = formatdate(usegmt=True)
    with answering(cut(f"Last-Modified: {now}", f"Date: {now}"), whole()) as server:
        desk.downloader().download(remote_of(server.url), tmp_path / "a.mp4")
    assert b"range" not in server.asked[1].lower()


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"])
def test_dates_at_the_edges_of_what_can_be_told_are_dates_like_others(desk, tmp_path: Path, date: str) -> None:
    for changed, sent in ((date, formatdate(usegmt=True)), (formatdate(usegmt=True), date), (date, date)):
        said = (f"Last-Modified: {changed}", f"Date: {sent}", "Content-Length: 1000")
        assert fetched(desk, tmp_path, head("200 OK", *said, body=NEW)) == NEW
        (tmp_path / "a.mp4").unlink()


def test_an_etag_of_other_letters_is_not_sent_back(desk, tmp_path: Path) -> None:
    with answering(cut('ETag: "caf\xe9"'), whole()) as server:
        desk.downloader().download(remote_of(server.url), tmp_path / "a.mp4")
    assert b"range" not in server.asked[1].lower()


# ---- where a body ends ----


def test_a_body_whose_end_nobody_can_tell_wants_a_size_or_a_checksum(desk, tmp_path: Path) -> None:
    endless = head("200 OK", "Connection: close", body=NEW)
    assert "give its sha256 or size_bytes in params.yaml" in refusal(desk, tmp_path, endless)
    assert fetched(desk, tmp_path, endless, size_bytes=1000) == NEW
    (tmp_path / "a.mp4").unlink()
    assert fetched(desk, tmp_path, endless, sha256=hashlib.sha256(NEW).hexdigest()) == NEW
    (tmp_path / "a.mp4").unlink()
    assert "ended after 1,000 of 1,001 bytes" in refusal(desk, tmp_path, endless, size_bytes=1001)


def test_chunks_are_whole_with_their_last_one_only(desk, tmp_path: Path) -> None:
    start = head("200 OK", "Transfer-Encoding: chunked", body=b"3e8\r\n" + NEW + b"\r\n")
    assert "broke off" in refusal(desk, tmp_path, start)
    assert fetched(desk, tmp_path, start + b"0\r\n\r\n") == NEW


@pytest.mark.parametrize(
    "headers",
    [
        *(["Content-Length: -5"], ["Content-Length: 5", "Content-Length: 6"], ["Content-Length: 5, 6"]),
        *(["Content-Length: \u00b2"], [f"Content-Length: {'9' * 400}"], ["Content-Length: 0x10"]),
        *(["Content-Length: 1000", "Content-Encoding: gzip"], ["Content-Length: 1000", "Content-Encoding: gzip, br"]),
        *(["Content-Length: 1000", "Content-Encoding: \x1b[2J"], ["Transfer-Encoding: gzip, chunked"]),
        ["Content-Length: 900", "Transfer-Encoding: chunked"],
    ],
)
def test_headers_that_cannot_be_are_one_line(desk, tmp_path: Path, headers: list[str]) -> None:
    refusal(desk, tmp_path, head("200 OK", *headers, body=NEW))


def test_a_size_beyond_any_disk_is_the_servers_slip_and_not_a_full_disk(desk, tmp_path: Path) -> None:
    assert "more than the whole disk" in refusal(desk, tmp_path, head("200 OK", f"Content-Length: {10**18 - 1}"))


def test_names_that_a_server_proposes_are_not_listened_to(desk, tmp_path: Path) -> None:
    named = head("200 OK", "Content-Length: 1000", "Content-Disposition: attachment; filename=../../evil", body=NEW)
    assert fetched(desk, tmp_path, named) == NEW
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.mp4"]


# ---- where a file is, and when ----


@pytest.mark.parametrize("status", ["300 Multiple Choices", "301 Moved", "302 Found", "304 Not Modified", "399 What"])
def test_a_redirect_that_leads_nowhere_is_a_refusal(desk, tmp_path: Path, status: str) -> None:
    assert f"refused ({status[:3]}" in refusal(desk, tmp_path, head(status, "Content-Length: 0"))


@pytest.mark.parametrize(
    "location",
    [
        *("http://[::1", "http://[fe80::1%25eth0", "//", "http://", "http://\u2100.example/", "http://a:99999999/"),
        *(f"http://{'a' * 300}.example/", "javascript:alert(1)", "http://x.example/\x1b[2J", "\xff\xfe", "http:///a"),
        f"http://127.0.0.1/{'a' * 70_000}",
        "",
    ],
)
def test_a_location_that_is_none_is_a_refusal(desk, tmp_path: Path, location: str) -> None:
    moved = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    refusal(desk, tmp_path, moved)


@pytest.mark.parametrize(
    "wait",
    [
        *("\u00b2", "\u0663", "-1", "1e9", "", "soon", "nan", "Mon, 01 Jan 0001 00:00:00 -0000", "0"),
        *("Fri, 31 Dec 99999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359"),
        *("Fri, 99 Zzz 2024 99:99:99 GMT", "Thu, 01 Jan 1970 00:00:00 +99999999999999", ", , ,", "1\x1b"),
        f"Fri, 31 Dec {'9' * 5000} 23:59:59 GMT",
    ],
)
def test_a_wait_that_is_none_is_not_waited_for(desk, tmp_path: Path, wait: str) -> None:
    """However short it were, it would be too long here, and be said to be."""
    busy = f"HTTP/1.1 503 Busy\r\nRetry-After: {wait}\r\nContent-Length: 0\r\n\r\n".encode()
    with answering(busy) as server, pytest.raises(DownloadError, match="does not answer now"):
        desk.downloader(rounds=2, max_wait_seconds=1e-9).download(remote_of(server.url), tmp_path / "a.mp4")


@pytest.mark.parametrize("wait", ["9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "301"])
def test_a_wait_of_ages_is_given_up_at_once(desk, tmp_path: Path, wait: str) -> None:
    busy = head("503 Busy", f"Retry-After: {wait}", "Content-Length: 0")
    assert "asks to be left alone" in refusal(desk, tmp_path, busy)


@pytest.mark.parametrize(
    "answer",
    [
        *(
            b"",
            b"\0" * 100,
            b"HTTP/1.1",
            b"HTTP/9.9 200 OK\r\n\r\n",
            b"HTTP/1.1 999 \r\n\r\n",
            b"HTTP/1.1 099 x\r\n\r\n",
        ),
        *(b"HTTP/1.1 101 Switching\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 100 Go\r\n\r\n" * 50),
        head("404 \x1b[31mgone\x07"),
        head("200 OK", "X: " + "a" * 200_000),
        head("200 OK", "Set-Cookie: \xff=\xfe; expires=Fri, 99 Zzz 99999", "Content-Length: 5", body=b"ab"),
    ],
)
def test_what_is_hardly_http_is_one_line(desk, tmp_path: Path, answer: bytes) -> None:
    refusal(desk, tmp_path, answer)


# ---- this machine ----


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_machine_without_room_for_a_connection_does_not_blame_the_server(desk, tmp_path: Path, name: str) -> None:
    downloader = desk.downloader()
    with answering(whole()) as server:
        server.url = server.url.replace("127.0.0.1", name)
        downloader.download(remote_of(server.url), tmp_path / "b.mp4")  # all modules are loaded
        with no_more_open_files(), pytest.raises(MachineError, match="Too many open files"):
            downloader.download(remote_of(server.url), tmp_path / "a.mp4")


def test_a_file_that_may_not_grow_on_this_machine_ends_the_run(desk, tmp_path: Path) -> None:
    with (
        answering(head("200 OK", "Content-Length: 200000", body=bytes(200_000))) as server,
        files_no_larger_than(100_000),
        pytest.raises(MachineError, match="cannot write"),
    ):
        desk.downloader().download(remote_of(server.url), tmp_path / "a.mp4")
