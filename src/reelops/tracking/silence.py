"""Whether anybody answers at a tracking server's address, in a moment: to be told before work is done, not after."""

from __future__ import annotations

import queue
import socket
import threading
from urllib.parse import urlsplit

from reelops.system.proxies import proxy_for

PATIENCE_SECONDS = 2.0
_PORTS = {"http": 80, "https": 443}


def silence_of(uri: str, patience_seconds: float = PATIENCE_SECONDS) -> str | None:
    """Why nobody answers there, in a few words.

    Returns:
        None where a connection is taken. Of a store that is no server, and of one behind a proxy, which takes any
        connection, nothing can be known so.
    """
    parts = urlsplit(uri)
    if parts.scheme not in _PORTS or not parts.hostname or proxy_for(uri):
        return None
    place = parts.hostname, parts.port or _PORTS[parts.scheme]
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    # Looking up a name has no time limit of its own, so a thread does it, which nobody waits for at the end.
    threading.Thread(target=lambda: answers.put(_refusal(place, patience_seconds)), daemon=True).start()
    try:
        return answers.get(timeout=patience_seconds)
    except queue.Empty:
        return f"nothing within {patience_seconds:g} s"


def _refusal(place: tuple[str, int], patience_seconds: float) -> str | None:
    try:
        socket.create_connection(place, patience_seconds).close()
    except OSError as error:
        return error.strerror or str(error)
    return None
