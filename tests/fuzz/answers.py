"""What servers answer, damaged in status lines, headers and bodies, and sent from a socket on this machine."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from reelops.dataset.fetch.download.downloader import Downloader
from reelops.dataset.fetch.download.settings import DownloadSettings, Remote
from reelops.dataset.fetch.download.tombstones import Tombstones
from reelops.errors import DownloadError
from tests.fuzz.fuzzer import Fuzzer, Mutant
from tests.fuzz.mutation import chosen_mutation, cut
from tests.support.raw_server import answering, head

# Between the answers to one request after the other.
_NEXT = b"\n----- next answer -----\n"
_FILE = bytes(range(256)) * 4
_SHA256 = hashlib.sha256(_FILE).hexdigest()
_SETTINGS = DownloadSettings(
    rounds=3,
    backoff_seconds=0.0,
    max_wait_seconds=0.01,
    connect_seconds=1.0,
    read_seconds=1.0,
    requests_per_second=10_000,
    keep_free_gb=0,
)
_NAMES = (
    *("Content-Length", "Content-Range", "Content-Encoding", "Content-Type", "Transfer-Encoding", "ETag", "Date"),
    *("Last-Modified", "Location", "Retry-After", "Set-Cookie", "Content-Disposition", "Connection", "X-Odd"),
)
_VALUES = (
    *("", "0", "-1", "1024", "1025", "9" * 18, "9" * 400, "0x10", "\u00b2", "\u0661", "1, 2", "1024, 1024", "1e3", " "),
    *(
        "gzip",
        "identity",
        "chunked",
        "gzip, chunked",
        "chunked, chunked",
        "text/html",
        "multipart/byteranges",
        "\x1b[2J",
    ),
    *("bytes 0-1023/1024", "bytes 500-1023/*", "bytes 500-1023/1024", "bytes */1024", "bytes 9-1/5", "bytes 0-/", "/b"),
    *('"one"', 'W/"one"', '"caf\xe9"', "*", "//", "http://[::1", "/a.mp4", "http://other.example/", "?", "ftp://x/"),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 99999 23:59:59 GMT", "Mon, 01 Jan 2024 00:00:00 GMT", "\xff\xfe"),
    *("a=b; expires=Fri, 99 Zzz 2024", "attachment; filename=../../evil", "close", "x" * 3000),
)
_STATUS = (
    *("200 OK", "206 Partial Content", "206 Partial Content", "301 Moved", "302 Found", "304 Not Modified", "404 Gone"),
    *("416 Range", "429 Slow", "503 Busy", "100 Continue", "101 Switching", "999 What", "000 None", "204 None", "2"),
)


def _mutant(random: Random) -> Mutant:
    answers = [_answer(random) for _ in range(random.choice((1, 2, 3)))]
    return Mutant(_NEXT.join(answers), ".answers")


def _answer(random: Random) -> bytes:
    chance = random.random()
    headers = [f"Content-Length: {len(_FILE)}", 'ETag: "one"', "Date: Sat, 28 Nov 2026 00:00:00 GMT"]
    if chance < 0.15:
        return cut(head("200 OK", *headers, body=_FILE), random)
    if chance < 0.3:
        return head("200 OK", *headers, body=_FILE)
    if chance < 0.5:
        return chosen_mutation(head("200 OK", *headers, body=_FILE), [_FILE], random)
    for _ in range(random.choice((1, 1, 2, 3))):
        line = f"{random.choice(_NAMES)}: {random.choice(_VALUES)}"
        place = random.randrange(len(headers) + 1)
        headers[place : place + random.choice((0, 1))] = [line]
    body = random.choice((_FILE, _FILE[500:], b"", b"400\r\n" + _FILE + b"\r\n0\r\n\r\n", _FILE + b"more"))
    return "\r\n".join((f"HTTP/1.1 {random.choice(_STATUS)}", *headers, "", "")).encode() + body


def _fetch(path: Path) -> None:
    """With a checksum, then without one: what is accepted with one is the file."""
    answers = path.read_bytes().split(_NEXT)
    failures = [_failure(path.parent, answers, None), _failure(path.parent, answers, _SHA256)]
    if all(failures):
        raise failures[0] or AssertionError


def _failure(folder: Path, answers: list[bytes], sha256: str | None) -> DownloadError | None:
    target, stopping = folder / "got" / "a.mp4", threading.Event()
    target.unlink(missing_ok=True)
    stones = Tombstones(folder / f"gone-{sha256}.jsonl")
    with answering(*answers) as server, _nobody_else():
        downloader = Downloader(_SETTINGS, folder / "partial", stones, stopping)
        try:
            downloader.download(Remote(urls=(f"{server.url}/a.mp4",), sha256=sha256), target)
        except DownloadError as error:
            assert str(error).isprintable(), error
            assert not target.exists()
            return error
        finally:
            downloader.close()
    assert sha256 is None or target.read_bytes() == _FILE, "not what its checksum says"
    assert [one.name for one in target.parent.iterdir()] == ["a.mp4"], "nothing but the file"
    return None


@contextmanager
def _nobody_else() -> Iterator[None]:
    """A damaged address may be anybody's: only this machine is asked."""
    real = socket.getaddrinfo

    def only_here(host: Any, *more: Any, **named: Any) -> Any:
        if host not in ("127.0.0.1", b"127.0.0.1"):
            raise socket.gaierror(socket.EAI_NONAME, "nobody else is asked")
        return real(host, *more, **named)

    socket.getaddrinfo = only_here
    try:
        yield
    finally:
        socket.getaddrinfo = real


FUZZERS = (
    Fuzzer("answers", 2000, 30, _mutant, _fetch, (DownloadError,), names_file=False, libraries=("httpx", "h11")),
)
