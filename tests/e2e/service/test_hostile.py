"""What strangers send to do harm is refused in one clean answer, and the service neither grows nor falls."""

from __future__ import annotations

import io
import json
import socket
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image
from service_client import Service, picture, serving, submit

MOST_GROWTH_BYTES = 300_000_000


def png_header(width: int, height: int) -> bytes:
    """A PNG of that many pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def saved(kind: str, size: tuple[int, int] = (64, 48)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size).save(made, kind)
    return made.getvalue()


def zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(10_000_000))
    return made.getvalue()


NO_PICTURES: dict[str, bytes] = {
    "nothing": b"",
    "a NUL": b"\0",
    "text": b"hello" * 100,
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:/etc/passwd'/></svg>",
    "svg with entities": b"<?xml version='1.0'?><!DOCTYPE s [<!ENTITY a 'aa'>]><svg>&a;</svg>",
    "pdf": b"%PDF-1.7\n1 0 obj",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n(x) run",
    "imagemagick script": b"push graphic-context\nfill 'url(https://example.org/\"|ls \"-la)'",
    "zip bomb": zipped(),
    "gzip": zlib.compress(bytes(1_000_000)),
    "elf": b"\x7fELF" + bytes(1000),
    "script": b"#!/bin/sh\nrm -rf /\n",
    "pickle": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x02os",
    "mp4": b"\0\0\0\x20ftypisom" + bytes(1000),
    "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:/etc/passwd\n",
    "concat list": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "git-lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    "png cut in its header": picture()[:20],
    "png of 10 gigapixels": png_header(100_000, 100_000),
    "png of 60 megapixels": png_header(10_000, 6_000),
    "png of no pixels": png_header(0, 10),
    "png of one line": png_header(50_000, 1),
    "png of 1 pixel": saved("PNG", (1, 1)),
    "jpeg marker alone": b"\xff\xd8\xff",
    "gif header alone": b"GIF89a",
    "bmp of negative size": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 60, 0, 0, 54, 40, -5, -5, 1, 24, 0, 0, 0, 0, 0, 0),
    "tiff that points at itself": b"II*\0\x08\0\0\0\x01\0\x00\x01\x04\0\x01\0\0\0\x01\0\0\0\x08\0\0\0",
    "webp of nothing": b"RIFF\x0c\0\0\0WEBPVP8X",
    "psd": b"8BPS\0\x01" + bytes(30),
    "icon": b"\0\0\1\0\1\0" + bytes(30),
    "heic": b"\0\0\0\x18ftypheic" + bytes(100),
}
NAMES = [
    "../../../etc/passwd",
    "..\\..\\windows\\system32\\a.png",
    "/etc/cron.d/a.png",
    "a.png\0.sh",
    "con.png",
    "\u202egnp.exe",
    "<script>alert(1)</script>.png",
    "a" * 1000 + ".png",
    "'; DROP TABLE jobs; --.png",
    "%2e%2e%2fa.png",
    "\u0430\u0300" * 50 + ".png",
    "\r\nX-Injected: yes.png",
]
PROMPTS = [
    "'; DROP TABLE jobs; --",
    "<script>alert(1)</script>",
    "{{7*7}} ${7*7} #{7*7}",
    "\u202e zoom in",
    "z\u0310\u0311" * 500,
    "\U0001f4f7" * 1000,
    "pan left\r\nX-Injected: yes",
    "pan left \ufffe\uffff",
]
FIELDS: list[dict[str, Any]] = [
    {"prompt": "x" * 20_001},
    {"prompt": " \n\t"},
    {"prompt": "nul \0 byte"},
    {"seed": "-1"},
    {"seed": str(2**63)},
    {"seed": "9" * 5000},
    {"seed": "1e400"},
    {"guidance": "nan"},
    {"guidance": "inf"},
    {"num_frames": "10001"},
    {"width": "99999999"},
    {"size": "8192x8192x1"},
    {"size": "0x0"},
    {"fit": "crop;ls"},
    {"quality": "../x"},
    {"adapter": "../../models/tiny-i2v"},
    {"adapter": "https://example.org/a.safetensors"},
    {"profile": "/etc"},
    {"profile": "moves\0"},
    {"picture": "/etc/passwd"},
    {"more_adapters": "/etc/passwd=1"},
    {"priority": "101"},
    {"deadline": "yesterday"},
    {"deadline": "99999-01-01T00:00:00Z"},
    {"webhook": "http://127.0.0.1:1/"},
    {"webhook": "https://127.0.0.1/"},
    {"webhook": "https://localhost/"},
    {"webhook": "https://169.254.169.254/latest/meta-data/"},
    {"webhook": "https://[::1]/"},
    {"webhook": "https://[::ffff:127.0.0.1]/"},
    {"webhook": "https://0.0.0.0/"},
    {"webhook": "https://2130706433/"},
    {"webhook": "https://0x7f.1/"},
    {"webhook": "https://10.0.0.1/"},
    {"webhook": "https://user:password@example.org/"},
    {"webhook": "file:/etc/passwd"},
    {"webhook": "gopher://example.org/"},
    {"webhook": "https://"},
    {"webhook": "https://example.org:99999/"},
]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of its own, without a worker, that takes little."""
    with serving(tmp_path_factory.mktemp("guarded"), "--workers", "0", most_upload_mb=2) as service:
        before = psutil.Process(service.process.pid).memory_info().rss
        yield service
        assert httpx.get(f"{service.url}/health").status_code == 200
        assert psutil.Process(service.process.pid).memory_info().rss < before + MOST_GROWTH_BYTES
        log = "".join(path.read_text() for path in service.home.parent.glob("serve-*.log"))
        assert "Traceback" not in log, log[-3000:]


@pytest.fixture(scope="module")
def client(guarded: Service) -> Iterator[httpx.Client]:
    with guarded.client() as client:
        yield client


def refused(answer: httpx.Response) -> None:
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] and "Traceback" not in answer.text


@pytest.mark.parametrize("kind", NO_PICTURES)
def test_what_is_no_picture_or_too_large_a_one_is_refused(client: httpx.Client, kind: str) -> None:
    answer = submit(client, image=("a.png", NO_PICTURES[kind], "image/png"))
    refused(answer)
    assert answer.status_code in (413, 422)


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: " ".join(f"{k} {v[:30]}" for k, v in fields.items()))
def test_fields_that_cannot_be_used_are_refused(client: httpx.Client, fields: dict[str, Any]) -> None:
    refused(submit(client, **fields))


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_no_name_of_a_file_reaches_the_disk_or_a_header(client: httpx.Client, guarded: Service, name: str) -> None:
    answer = submit(client, image=(name, picture(), "text/html"))
    assert answer.status_code == 202 and "x-injected" not in answer.headers
    shown = answer.json()["order"]["picture"]["name"]
    assert len(shown) <= 80 and not set(shown) & set("/\\\0\r\n\u202e")
    uploads = guarded.home / "service" / "uploads"
    assert all(len(path.stem) == 64 for path in uploads.rglob("*") if path.is_file())


@pytest.mark.parametrize("prompt", PROMPTS, ids=range(len(PROMPTS)))
def test_odd_prompts_are_words_and_nothing_else(client: httpx.Client, prompt: str) -> None:
    answer = submit(client, prompt=prompt)
    assert answer.status_code == 202 and "x-injected" not in answer.headers
    told = client.get(answer.headers["location"]).json()["order"]["prompt"]
    assert told.replace("\r\n", "\n") == prompt.replace("\r\n", "\n")


@pytest.mark.parametrize(
    "name",
    [
        *("..%2f..%2fledger.db", "%2e%2e/ledger.db", "..;/ledger.db", "ledger.db", "session-token", "%00.mp4"),
        *("....//a.mp4", "C:%5Ca.mp4", "a" * 24 + ".json", "0" * 24 + ".mp4", "0" * 24 + ".mp4/../x", "%ff.mp4"),
    ],
)
def test_no_name_of_an_artifact_leads_out_of_the_clips(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/artifacts/{name}")
    assert answer.status_code == 404


def test_a_body_beyond_the_limit_is_refused_by_its_length_and_while_it_comes(client: httpx.Client) -> None:
    address = ("127.0.0.1", client.base_url.port or 0)
    for length in (b"99999999999", b"9" * 400, b"-1", b"x"):
        with socket.create_connection(address) as connection:
            connection.sendall(b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + b"\r\n\r\n")
            assert connection.recv(100).split()[1] in (b"400", b"413")
    with socket.create_connection(address) as connection, connection.makefile("rb") as answered:
        connection.sendall(b"POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        problem = json.loads(answered.read().partition(b"\r\n\r\n")[2])
    assert (problem["type"], problem["error"]["code"]) == ("/problems/too-large", "too-large")

    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(1000):
            yield bytes(100_000)

    try:
        answer = client.post(
            "/generate-video", content=endless(), headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # the connection was closed before all of it was sent


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n\r\n",
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nno end',
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\nx\r\n--b--\r\n",
        b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(2000))
        + b"--b--\r\n",
    ],
    ids=range(7),
)
def test_forms_that_are_broken_are_refused(client: httpx.Client, body: bytes) -> None:
    refused(client.post("/generate-video", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}))


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "application/json", "text/plain", "multipart/form-data; boundary=" + "b" * 5000, ""]
)
def test_bodies_of_another_kind_are_refused(client: httpx.Client, kind: str) -> None:
    refused(client.post("/generate-video", content=b"{}", headers={"Content-Type": kind}))


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer " + "x" * 5000},
        {"Authorization": "Basic " + "x" * 100},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer \u00e9".encode()},
        {"Authorization": "", "Cookie": "reelops_session=" + "x" * 1000},
    ],
    ids=range(5),
)
def test_odd_keys_are_no_keys(guarded: Service, headers: dict[str, Any]) -> None:
    assert httpx.get(f"{guarded.url}/jobs", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=" + ",".join(f"{n}-{n}" for n in range(2000))},
        {"Last-Event-ID": "9" * 20},
        {"Last-Event-ID": "-1"},
        {"Prefer": "wait=0"},
        {"Prefer": "wait=-5, wait=x"},
        {"X-Request-ID": "a b<c>"},
        {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "evil.example", "X-Original-URL": "/metrics"},
        {"Idempotency-Key": "\u00ff".encode() * 100},
    ],
    ids=range(8),
)
def test_odd_headers_change_nothing(client: httpx.Client, headers: dict[str, Any]) -> None:
    answer = submit(client, headers=headers)
    assert answer.status_code in (202, 422), answer.text
    assert "<" not in answer.headers["x-request-id"]


def test_who_says_nothing_for_long_does_not_keep_others_waiting(guarded: Service, client: httpx.Client) -> None:
    address = ("127.0.0.1", int(guarded.url.rpartition(":")[2]))
    slow = [socket.create_connection(address) for _ in range(100)]
    try:
        for one in slow:
            one.sendall(b"POST /generate-video HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n--b")
        began = time.monotonic()
        assert client.get("/health").status_code == 200
        assert submit(client).status_code == 202
        assert time.monotonic() - began < 20
    finally:
        for one in slow:
            one.close()
