"""One request: redirects looked at before they are followed, bytes added to what is already here."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from urllib.request import getproxies, proxy_bypass

import httpx

import reelops
from reelops.dataset.fetch.download.addresses import checked_url, is_private, is_private_address
from reelops.dataset.fetch.download.disk import Disk
from reelops.dataset.fetch.download.failures import Gone, Passing, Refused, Stopped, Unreachable
from reelops.dataset.fetch.download.hosts import Hosts
from reelops.dataset.fetch.download.partial import Beginning, Partial
from reelops.dataset.fetch.download.settings import DownloadSettings, Remote
from reelops.errors import OUT_OF_SPACE
from reelops.system.write_errors import cannot_write

_MOST_REDIRECTS = 6
_DISK_CHECK_BYTES = 1 << 26
# Asking again in a while helps (RFC 9110 section 15, RFC 6585 section 4, RFC 8470 section 5.2).
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE_STATUS = frozenset({404, 410})
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)$")

OnBytes = Callable[[int, int | None], None]
"""Told how many bytes of a file are here, and of how many, where that is known."""


class Transfer:
    """Carries out requests; knows nothing of mirrors and retries."""

    def __init__(
        self,
        settings: DownloadSettings,
        hosts: Hosts,
        disk: Disk,
        stopping: threading.Event,
        tokens: dict[str, str],
    ) -> None:
        self._settings = settings
        self._hosts = hosts
        self._disk = disk
        self._stopping = stopping
        self._tokens = tokens
        self._sockets: set[socket.socket] = set()
        timeout = httpx.Timeout(settings.read_seconds, connect=settings.connect_seconds, pool=None)
        limits = httpx.Limits(max_connections=settings.connections, max_keepalive_connections=settings.connections)
        self._client = httpx.Client(timeout=timeout, limits=limits, follow_redirects=False)

    def close(self) -> None:
        self._client.close()

    def cut_off(self) -> None:
        """Ends what is being received, also from servers that are silent."""
        for one in list(self._sockets):
            with suppress(OSError):  # it has ended by itself
                one.shutdown(socket.SHUT_RDWR)

    def run(self, url: str, remote: Remote, partial: Partial, on_bytes: OnBytes | None) -> bool:
        """Completes `partial` from one address, and says whether bytes of before were kept.

        Raises:
            Passing, Refused, Gone: see there.
            Stopped: the run is to end.
            MachineError: the disk is full.
        """
        kept = _bytes_to_keep(url, remote, partial)
        if kept and partial.is_whole:
            return True
        headers = {"Range": f"bytes={kept}-"} if kept else {}
        beginning = partial.beginning
        if kept and beginning and beginning.url == url and beginning.validator:
            headers["If-Range"] = beginning.validator
        with self._answer(url, headers) as answer:
            kept = _checked_answer(url, answer, kept, partial)
            total = _total(answer)
            if remote.size_bytes is not None and total is not None and total != remote.size_bytes:
                raise Refused(f"is {total:,} bytes long, {remote.size_bytes:,} are expected")
            if not kept:
                partial.begin(Beginning(url, _validator(answer), total))
            with self._disk.claim(max(0, (total or 0) - kept)):
                self._receive(answer, partial, kept, total, on_bytes)
        if remote.size_bytes is not None and partial.size != remote.size_bytes:
            size = partial.size
            partial.discard()
            raise Refused(f"is {size:,} bytes long, {remote.size_bytes:,} are expected")
        return kept > 0

    @contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """The last answer of a chain of redirects, with a good status; its body is still to be read."""
        target = checked_url(url)
        came_from_private = is_private(target.host)
        for _ in range(_MOST_REDIRECTS):
            with _telling_failures():
                answer = self._send(target, headers)
                try:
                    if not self._settings.allow_private_redirects and not came_from_private:
                        _check_peer(answer)
                    if not answer.is_redirect:
                        _check_status(answer, self._settings.max_wait_seconds)
                        yield answer
                        return
                    target = self._redirected(target, answer.headers["location"], came_from_private)
                finally:
                    answer.close()
        raise Refused(f"redirects more than {_MOST_REDIRECTS} times")

    def _send(self, target: httpx.URL, headers: dict[str, str]) -> httpx.Response:
        self._hosts.wait_turn(target.host)
        own = {"User-Agent": f"reelops/{reelops.__version__}", "Accept-Encoding": "identity", **headers}
        if token := self._tokens.get(f"{target.scheme}://{target.netloc.decode()}"):
            own["Authorization"] = f"Bearer {token}"
        return self._client.send(self._client.build_request("GET", target, headers=own), stream=True)

    def _redirected(self, target: httpx.URL, location: str, came_from_private: bool) -> httpx.URL:
        following = checked_url(str(target.join(location)))
        if self._settings.allow_private_redirects or came_from_private or not is_private(following.host):
            return following
        raise Refused(
            f"redirects to {following.host}, an address of a private network; if it is to be trusted, set "
            "dataset.download.allow_private_redirects"
        )

    def _receive(
        self, answer: httpx.Response, partial: Partial, have: int, total: int | None, on_bytes: OnBytes | None
    ) -> None:
        checked = have
        if on_bytes:
            on_bytes(have, total)
        open_socket: socket.socket = answer.extensions["network_stream"].get_extra_info("socket")
        self._sockets.add(open_socket)
        try:
            with partial.path.open("ab") as file:
                for chunk in answer.iter_raw():
                    if self._stopping.is_set():
                        raise Stopped("stopped")
                    file.write(chunk)
                    file.flush()  # what a kill finds in memory would come twice
                    have += len(chunk)
                    if total is None and have - checked >= _DISK_CHECK_BYTES:
                        self._disk.check()
                        checked = have
                    if on_bytes:
                        on_bytes(have, total)
        except OSError as error:
            if error.errno in OUT_OF_SPACE:
                raise cannot_write(partial.path, error) from error
            raise
        finally:
            self._sockets.discard(open_socket)
        if total is not None and have != total:
            raise Passing(f"ended after {have:,} of {total:,} bytes")


def _bytes_to_keep(url: str, remote: Remote, partial: Partial) -> int:
    """How much of what is here can be trusted: bytes of the same unchanged file, or any that a checksum will judge."""
    beginning = partial.beginning
    if beginning is None:
        return 0
    same_file = beginning.url == url and beginning.validator is not None
    return partial.size if same_file or remote.sha256 else 0


def _checked_answer(url: str, answer: httpx.Response, kept: int, partial: Partial) -> int:
    """How much of what is here the answer resumes from."""
    if answer.status_code == 416:
        partial.discard()
        raise Passing("has not the part that was asked for, so all of it is asked for again")
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise Refused(f"sends its bytes packed as {answer.headers['content-encoding']}, though asked not to")
    if _is_web_page(url, answer):
        raise Refused("answers with a web page instead of the file; it may want a login or a click")
    beginning = partial.beginning
    if answer.status_code != 206:
        return 0  # the server knows no ranges, or the file has changed: all of it comes again
    first, total = _content_range(answer)
    known = beginning.total if beginning else None
    if first != kept or (known is not None and total is not None and total != known):
        partial.discard()
        raise Passing("answers with another part of the file than was asked for")
    return kept


def _is_web_page(url: str, answer: httpx.Response) -> bool:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "text/html" and PurePosixPath(httpx.URL(url).path).suffix.lower() not in (".html", ".htm")


def _content_range(answer: httpx.Response) -> tuple[int | None, int | None]:
    """The first byte's position and the size of the whole file."""
    match = _CONTENT_RANGE.match(answer.headers.get("content-range", ""))
    if not match:
        return None, None
    first, _, total = match.groups()
    return (int(first) if first else None), (None if total == "*" else int(total))


def _total(answer: httpx.Response) -> int | None:
    if answer.status_code == 206:
        return _content_range(answer)[1]
    length = answer.headers.get("content-length", "")
    return int(length) if length.isdigit() else None


def _validator(answer: httpx.Response) -> str | None:
    """What may stand in If-Range: a weak ETag may not (RFC 9110 section 13.1.5)."""
    etag: str | None = answer.headers.get("etag")
    if etag and not etag.startswith("W/"):
        return etag
    changed: str | None = answer.headers.get("last-modified")
    return changed


def _check_status(answer: httpx.Response, max_wait_seconds: float) -> None:
    """Lets 200 and 206 pass, and 416, which speaks of what is here and not of the file.

    Raises:
        Gone, Passing, Refused: for everything else.
    """
    status = answer.status_code
    if status in (200, 206, 416):
        return
    said = f"{status} {answer.reason_phrase}".strip()
    if status in _GONE_STATUS:
        raise Gone(f"gone ({said})")
    if status not in _PASSING_STATUS:
        hint = "; it may want a login, or not be given to this country or machine" if status in (401, 403, 451) else ""
        raise Refused(f"refused ({said}){hint}")
    wait = _retry_after(answer)
    if wait > max_wait_seconds:
        raise Refused(f"asks to be left alone for {wait:,.0f} s ({said}); run again then")
    raise Passing(f"does not answer now ({said})", wait)


def _retry_after(answer: httpx.Response) -> float:
    """Seconds; the header gives them, or a date (RFC 9110 section 10.2.3)."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _check_peer(answer: httpx.Response) -> None:
    """The address that a public name led to, looked at once more on the open connection: names can change.

    Through a proxy the connection leads to the proxy, whose address says nothing.
    """
    stream = answer.extensions.get("network_stream")
    peer = stream.get_extra_info("server_addr") if stream else None
    if peer and not _through_proxy(answer) and is_private_address(str(peer[0])):
        raise Refused(f"leads to {peer[0]}, an address of a private network")


def _through_proxy(answer: httpx.Response) -> bool:
    proxies = getproxies()
    return (answer.url.scheme in proxies or "all" in proxies) and not proxy_bypass(answer.url.host)


@contextmanager
def _telling_failures() -> Iterator[None]:
    """httpx's failures as ours."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Unreachable(f"cannot be reached ({_words(error)})") from error
    except httpx.TimeoutException as error:
        raise Unreachable("stopped sending") from error
    except httpx.TransportError as error:
        raise Passing(f"broke off ({_words(error)})") from error
    except httpx.InvalidURL as error:
        raise Refused(f"redirects to no web address: {error}") from error


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
