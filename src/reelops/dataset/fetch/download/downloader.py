"""One file from several mirrors: resumed, checked, retried with patience, and given its name only when it is whole."""

from __future__ import annotations

import hashlib
import random
import threading
from pathlib import Path
from urllib.parse import urlsplit

from reelops.dataset.fetch.download.disk import Disk
from reelops.dataset.fetch.download.failures import Gone, Passing, Refused, Unreachable
from reelops.dataset.fetch.download.hosts import Hosts
from reelops.dataset.fetch.download.partial import Partial
from reelops.dataset.fetch.download.settings import DownloadSettings, Remote
from reelops.dataset.fetch.download.tombstones import Tombstones
from reelops.dataset.fetch.download.transfer import OnBytes, Transfer
from reelops.errors import DownloadError
from reelops.foreign import machine_error_on_read
from reelops.system.digest import sha256_of
from reelops.system.files import move_atomically


class Downloader:
    """What all downloads of a run share. May be used from several threads; close it at the end.

    Args:
        work: where files are kept while they come in; on the disk that they go to, best.
        tombstones: addresses that are not asked any more; those found gone are added.
        stopping: set by `stop`, and checked between any two steps.
        offline: ask nobody.
        tokens: a bearer token by the origin that wants it (`https://huggingface.co`); nobody else is sent it.
    """

    def __init__(
        self,
        settings: DownloadSettings,
        work: Path,
        tombstones: Tombstones,
        stopping: threading.Event,
        *,
        offline: bool = False,
        tokens: dict[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self.offline = offline
        self.tombstones = tombstones
        self.disk = Disk(work, settings.keep_free_bytes)
        self._work = work
        self.stopping = stopping
        self._hosts = Hosts(settings.requests_per_second, settings.max_consecutive_failures, stopping)
        self._transfer = Transfer(settings, self._hosts, self.disk, stopping, tokens or {})
        self._random = random.Random()  # noqa: S311 - spreads retries, guards nothing

    def stop(self) -> None:
        """Ends all transfers and waits soon, from any thread; what has come in stays for the next run."""
        self.stopping.set()
        self._transfer.cut_off()

    def close(self) -> None:
        self._transfer.close()

    def download(self, remote: Remote, target: Path, on_bytes: OnBytes | None = None) -> None:
        """Brings a file to `target`, from the first mirror that has it whole and right.

        Raises:
            DownloadError: none has, or the run is offline; names every mirror with its reason. A `Gone` when each is
                gone for good.
            MachineError: the disk is full, or cannot be written to.
        """
        failures: dict[str, DownloadError] = {
            url: Gone(stone.reason) for url in remote.urls if (stone := self.tombstones.find(url))
        }
        if self.offline and len(failures) < len(remote.urls):
            raise DownloadError(f"{remote.urls[0]}: not asked, the run is offline")
        partial = Partial(self._work / f"{hashlib.sha256(str(target).encode()).hexdigest()[:24]}.partial")
        for number in range(self.settings.rounds):
            open_mirrors = [url for url in remote.urls if _may_pass(failures.get(url))]
            if not open_mirrors:
                break
            if number:
                self._wait_before_round(number, open_mirrors)
            if self._try_mirrors(open_mirrors, remote, partial, on_bytes, failures):
                move_atomically(partial.path, target)
                partial.discard()
                return
        raise _summary(remote, failures)

    def _try_mirrors(
        self,
        mirrors: list[str],
        remote: Remote,
        partial: Partial,
        on_bytes: OnBytes | None,
        failures: dict[str, DownloadError],
    ) -> bool:
        """One round: whether a mirror had the file; those that had not are added to `failures`."""
        for url in sorted(mirrors, key=lambda url: self._hosts.is_paused(_host(url))):
            try:
                self._bring(url, remote, partial, on_bytes)
            except (Gone, Refused, Passing) as failure:
                self._note_failure(url, failure, failures)
            else:
                self._hosts.answered(_host(url))
                return True
        return False

    def _bring(self, url: str, remote: Remote, partial: Partial, on_bytes: OnBytes | None) -> None:
        """Completes the partial file from one mirror.

        Bytes that began to come elsewhere or in an earlier run may be wrong without the fault of this mirror: then it
        gets a second chance, from the first byte.
        """
        host = _host(url)
        if self._hosts.is_dead(host):
            raise Refused(f"not asked: {host} has failed {self.settings.max_consecutive_failures} times in a row")
        resumed = self._transfer.run(url, remote, partial, on_bytes)
        wrong = _what_is_wrong(partial, remote)
        if wrong and resumed:
            partial.discard()
            self._transfer.run(url, remote, partial, on_bytes)
            wrong = _what_is_wrong(partial, remote)
        if wrong:
            partial.discard()
            raise Refused(wrong)

    def _note_failure(self, url: str, failure: DownloadError, failures: dict[str, DownloadError]) -> None:
        failures[url] = failure
        host = _host(url)
        if isinstance(failure, Unreachable):
            self._hosts.failed(host)
            return
        if not self._hosts.is_dead(host):
            self._hosts.answered(host)
        if isinstance(failure, Gone):
            self.tombstones.add(url, str(failure))
        elif isinstance(failure, Passing) and failure.wait_seconds:
            self._hosts.pause(host, failure.wait_seconds)

    def _wait_before_round(self, number: int, mirrors: list[str]) -> None:
        """Longer before each round, and jittered, so that many clients do not come back at once.

        `stop` ends this wait from another thread. That is why no retry library does it: stamina's waits cannot be
        interrupted, and they may take minutes.
        """
        if all(self._hosts.is_paused(_host(url)) for url in mirrors):
            return  # each host's own wait comes before its request
        longest = min(self.settings.backoff_seconds * 2 ** (number - 1), self.settings.max_wait_seconds)
        self._hosts.sleep(longest * self._random.uniform(0.5, 1.0))


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _may_pass(failure: DownloadError | None) -> bool:
    return failure is None or isinstance(failure, Passing)


def _what_is_wrong(partial: Partial, remote: Remote) -> str:
    """In words, why what came is not the file; nothing where it is."""
    if remote.size_bytes is not None and partial.size != remote.size_bytes:
        return f"is {partial.size:,} bytes long, {remote.size_bytes:,} are expected"
    if remote.sha256 is None:
        return ""
    try:
        digest = sha256_of(partial.path)
    except OSError as error:
        raise machine_error_on_read(partial.path, error) from error
    return "" if digest == remote.sha256.lower() else "has other bytes than its sha256 says"


def _summary(remote: Remote, failures: dict[str, DownloadError]) -> DownloadError:
    """Every mirror with its last word, in the order of the mirrors."""
    kind = Gone if all(isinstance(failures[url], Gone) for url in remote.urls) else DownloadError
    return kind("; ".join(f"{url}: {failures[url]}" for url in remote.urls))
