"""Which addresses the service asks by itself: public ones alone, and the one that was checked is the one that is asked.

A name is resolved once; every address that it has is looked at; and the connection goes to the address that was looked
at, so that a name which answers otherwise the second time changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from reelops.errors import InputError

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv6 addresses behind which a network's translator puts any IPv4 address."""


class ForbiddenAddressError(InputError):
    """An address that the service does not ask."""


@dataclass(frozen=True)
class Target:
    """A server that may be asked.

    Attributes:
        address: the one of its addresses that is to be used.
    """

    scheme: str
    host: str
    port: int
    address: str


def checked_target(url: str, allow_private: bool = False) -> Target:
    """The server of an address, if the service may ask it.

    Args:
        allow_private: let addresses of private networks and of this machine pass, too.

    Raises:
        ForbiddenAddressError: it is no address of a web server, or not one of the public network.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ForbiddenAddressError(f"{url[:200]!r} is no address: {error}.") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ForbiddenAddressError(f"{url[:200]!r} is no address of a web server; it begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddressError("An address with a user or password in it is not asked; leave them out.")
    port = port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ForbiddenAddressError(f"{host[:200]} has no address; check it.") from error
    addresses = [str(one[4][0]) for one in found]
    if not allow_private and (inner := next((one for one in addresses if not is_public(one)), None)):
        raise ForbiddenAddressError(
            f"{host[:200]} is {inner}, which is no address of the public network; the service asks none of those."
        )
    return Target(parts.scheme, host, port, addresses[0])


def checked_webhook(url: str, allow_private: bool = False) -> Target:
    """The server that is told of a job's end, if it may be.

    Raises:
        ForbiddenAddressError: see `checked_target`; or it is not asked by https.
    """
    if not allow_private and not url.lower().startswith("https://"):
        raise ForbiddenAddressError(f"A webhook's address begins with https://, and {url[:200]!r} does not.")
    return checked_target(url, allow_private)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public network; also of those within an IPv6 address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        translated = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _TRANSLATED else None
        inner = ip.ipv4_mapped or ip.sixtofour or translated or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
