"""Which addresses may be asked: http and https only, and no way from a public host into a private network."""

from __future__ import annotations

import ipaddress
import socket

import httpx

from reelops.dataset.fetch.download.failures import Refused
from reelops.foreign import reading_foreign


def checked_url(url: str) -> httpx.URL:
    """The address, taken apart.

    Raises:
        Refused: it is not http or https, or names no host.
    """
    with reading_foreign(repr(url), Refused, "is no web address", "nothing can be asked of it"):
        parsed = httpx.URL(url)
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Refused(f"{url!r} is not an http or https address; nothing else is followed")
    return parsed


def joined_url(url: httpx.URL, location: str) -> httpx.URL:
    """Where a server at `url` sends on to.

    Raises:
        Refused: that is no address, or one of another kind than http and https.
    """
    with reading_foreign(repr(location), Refused, "is no address to be sent on to", "nothing can be asked of it"):
        following = str(url.join(location))
    return checked_url(following)


def is_private(host: str) -> bool:
    """Whether any address of a host is loopback, private, link-local or otherwise not of the public network.

    A host that has no address is not private: connecting to it will say so better.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(is_private_address(str(entry[4][0])) for entry in found)


def is_private_address(address: str) -> bool:
    """Whether an IP address does not belong to the public network."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return not parsed.is_global
