"""One request: redirects looked at before they are followed, bytes added to what is already here."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx

import reelops
from reelops.dataset.fetch.download.addresses import checked_url, is_private, is_private_address, joined_url
from reelops.dataset.fetch.download.answer import Coming, check_status, coming_of, location_of
from reelops.dataset.fetch.download.disk import Claim, Disk
from reelops.dataset.fetch.download.failures import Passing, Refused, Stopped, Unreachable
from reelops.dataset.fetch.download.hosts import Hosts
from reelops.dataset.fetch.download.partial import Beginning, Partial
from reelops.dataset.fetch.download.settings import DownloadSettings, Remote
from reelops.errors import MachineError, SettingsError, this_machine_failed
from reelops.foreign import reading_foreign, reason_of
from reelops.system.proxies import proxy_for
from reelops.system.write_errors import machine_error_on_write

_MOST_REDIRECTS = 6

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
        self._opening = threading.Lock()
        self._opened: httpx.Client | None = None

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    @property
    def _client(self) -> httpx.Client:
        """Made when it is first needed: where nothing is asked of the network, no proxy of the environment matters."""
        with self._opening:
            self._opened = self._opened or self._new_client()
            return self._opened

    def _new_client(self) -> httpx.Client:
        own = self._settings
        timeout = httpx.Timeout(own.read_seconds, connect=own.connect_seconds, pool=None)
        limits = httpx.Limits(max_connections=own.connections, max_keepalive_connections=own.connections)
        with reading_foreign(
            "The environment's proxy or certificate",
            SettingsError,
            "cannot be used",
            "correct HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or SSL_CERT_FILE",
        ):
            return httpx.Client(timeout=timeout, limits=limits, follow_redirects=False)

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
            if answer.status_code == 416:
                partial.discard()
                raise Passing("has not the part that was asked for, so all of it is asked for again")
            coming = coming_of(url, answer)
            kept = _resumed(coming, kept, remote, partial)
            total = _total(coming, kept, remote, partial)
            self._check_size(total)
            if not kept:
                partial.begin(Beginning(url, coming.validator, coming.total))
            expected = remote.size_bytes if total is None else total
            end = total if coming.size_bytes is None else kept + coming.size_bytes
            with self._disk.claim(max(0, (expected or 0) - kept)) as claim:
                self._receive(answer, partial, kept, end, claim, _counting(on_bytes, total))
            has_said_its_end = total is None and end is None and coming.tells_its_end
            if expected is not None and partial.size < expected and not has_said_its_end:
                raise Passing(f"ended after {partial.size:,} of {expected:,} bytes")
        return kept > 0

    def _check_size(self, total: int | None) -> None:
        """A size that no disk of this machine could hold is a server's slip, not this machine's want of room."""
        if total is not None and total > self._disk.size_bytes:
            raise Refused(f"says that it is {total:,} bytes long, more than the whole disk here holds")

    @contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """The last answer of a chain of redirects, with a good status; its body is still to be read."""
        target = checked_url(url)
        came_from_private = is_private(target.host)
        for _ in range(_MOST_REDIRECTS):
            answer = self._send(target, headers)
            try:
                if not self._settings.allow_private_redirects and not came_from_private:
                    _check_peer(answer)
                location = location_of(answer)
                if location is None:
                    check_status(answer, self._settings.max_wait_seconds)
                    yield answer
                    return
                target = self._redirected(target, location, came_from_private)
            finally:
                answer.close()
        raise Refused(f"redirects more than {_MOST_REDIRECTS} times")

    def _send(self, target: httpx.URL, headers: dict[str, str]) -> httpx.Response:
        self._hosts.wait_turn(target.host)
        own = {"User-Agent": f"reelops/{reelops.__version__}", "Accept-Encoding": "identity", **headers}
        if token := self._tokens.get(f"{target.scheme}://{target.netloc.decode()}"):
            own["Authorization"] = f"Bearer {token}"
        with (
            reading_foreign(str(target), Refused, "gives an answer that cannot be read", "it is left alone"),
            _telling_failures(),
        ):
            return self._client.send(self._client.build_request("GET", target, headers=own), stream=True)

    def _redirected(self, target: httpx.URL, location: str, came_from_private: bool) -> httpx.URL:
        following = joined_url(target, location)
        if self._settings.allow_private_redirects or came_from_private or not is_private(following.host):
            return following
        raise Refused(
            f"redirects to {following.host}, an address of a private network; if it is to be trusted, set "
            "dataset.download.allow_private_redirects"
        )

    def _receive(
        self,
        answer: httpx.Response,
        partial: Partial,
        have: int,
        end: int | None,
        claim: Claim,
        on_have: Callable[[int], None],
    ) -> None:
        """Adds what comes to `partial`, up to byte `end` of the file.

        Raises:
            Passing: it goes on beyond its end.
        """
        on_have(have)
        open_socket: socket.socket = answer.extensions["network_stream"].get_extra_info("socket")
        self._sockets.add(open_socket)
        try:
            with machine_error_on_write(partial.path), partial.path.open("ab") as file:
                for chunk in _chunks(answer):
                    if self._stopping.is_set():
                        raise Stopped("stopped")
                    have += len(chunk)
                    if end is not None and have > end:
                        break
                    file.write(chunk)
                    file.flush()  # what a kill finds in memory would come twice
                    claim.landed(len(chunk))
                    on_have(have)
        finally:
            self._sockets.discard(open_socket)
        if end is not None and have > end:
            partial.discard()
            raise Passing(f"sends more than it said: the file was to end after {end:,} bytes")


def _bytes_to_keep(url: str, remote: Remote, partial: Partial) -> int:
    """How much of what is here can be trusted: bytes of the same unchanged file, or any that a checksum will judge."""
    beginning = partial.beginning
    if beginning is None:
        return 0
    same_file = beginning.url == url and beginning.validator is not None
    return partial.size if same_file or remote.sha256 else 0


def _resumed(coming: Coming, kept: int, remote: Remote, partial: Partial) -> int:
    """How much of what is here the answer goes on from.

    Bytes of two answers make one file only where both are of one version of it, and say so (RFC 9110 section
    15.3.7.3), or where a checksum will tell.

    Raises:
        Passing: it is not what was asked for, so all of the file is to be asked for again.
    """
    if not coming.is_part:
        return 0  # the server knows no ranges, or the file has changed: all of it comes again
    beginning = partial.beginning
    known = beginning.total if kept and beginning else None
    if coming.first != kept or (known is not None and coming.total not in (None, known)):
        partial.discard()
        raise Passing("answers with another part of the file than was asked for")
    if kept and not remote.sha256 and (beginning is None or coming.validator != beginning.validator):
        partial.discard()
        raise Passing("answers with a part that may be of another version of the file")
    return kept


def _total(coming: Coming, kept: int, remote: Remote, partial: Partial) -> int | None:
    """Bytes of the whole file; None where only the end of what comes will tell.

    Raises:
        Refused: it is of another size than it has to be, or nothing would tell whether all of it came.
    """
    beginning = partial.beginning if kept else None
    total = coming.total if coming.total is not None else beginning.total if beginning else None
    expected = remote.size_bytes
    if expected is not None and total not in (None, expected):
        raise Refused(f"is {total:,} bytes long, {expected:,} are expected")
    if expected is None and total is None and not remote.sha256 and (coming.is_part or not coming.tells_its_end):
        partial.discard()
        raise Refused(
            "does not say how long the file is, so nobody can tell whether all of it came; give its sha256 or "
            "size_bytes in params.yaml"
        )
    return total


def _chunks(answer: httpx.Response) -> Iterator[bytes]:
    chunks = answer.iter_raw()
    while True:
        with _telling_failures():
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


def _counting(on_bytes: OnBytes | None, total: int | None) -> Callable[[int], None]:
    return lambda have: on_bytes(have, total) if on_bytes else None


def _check_peer(answer: httpx.Response) -> None:
    """The address that a public name led to, looked at once more on the open connection: names can change.

    Through a proxy the connection leads to the proxy, whose address says nothing.
    """
    stream = answer.extensions.get("network_stream")
    peer = stream.get_extra_info("server_addr") if stream else None
    if peer and proxy_for(str(answer.url)) is None and is_private_address(str(peer[0])):
        raise Refused(f"leads to {peer[0]}, an address of a private network")


@contextmanager
def _telling_failures() -> Iterator[None]:
    """httpx's failures as ours; that this machine has no room for another connection is none of the server's."""
    try:
        yield
    except httpx.TransportError as error:
        problem = _want_of_room(error)
        if problem:
            raise MachineError(
                f"this machine cannot open another connection now: {reason_of(problem)}. What was fetched stays; run "
                "again."
            ) from error
        raise _failure_of(error) from error


def _want_of_room(error: httpx.TransportError) -> Exception | None:
    """What this machine lacks for a connection; None where it lacks nothing.

    Where no file can be opened, a host's name is "not known", and nothing in the error tells why.
    """
    if this_machine_failed(error):
        return error
    if isinstance(error, httpx.ConnectError):
        try:
            socket.socket().close()
        except OSError as problem:
            return problem
    return None


def _failure_of(error: httpx.TransportError) -> Passing:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return Unreachable(f"cannot be reached ({reason_of(error)})")
    if isinstance(error, httpx.TimeoutException):
        return Unreachable("stopped sending")
    return Passing(f"broke off ({reason_of(error)})")
