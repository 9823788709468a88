"""Addresses as they may be shown: without the user, password and keys that some carry."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"'<>]+")
_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?")
_SECRET = re.compile(r"(?i)([?&;][^=&;]*(?:pass|pwd|secret|token|key|sig|cred|auth|odbc_connect)[^=&;]*)=[^&;#]*")


def shown(address: str) -> str:
    """A URL, or the address of a database, as it may be shown; a path is shown as it is, with any `@` in it.

    Only what stands before the `@` of the host is taken out, and the values of a query's secrets. A password with a
    slash in it, which no URL may have, is known by what would else be a host with a port that is no number.
    """
    scheme, mark, rest = address.partition("://")
    if not mark:
        return address
    host, slash, path = rest.partition("/")
    if "@" not in host and "@" in path and not _PORT.fullmatch(host):
        host, _, path = rest.rpartition("@")[2].partition("/")
    return _SECRET.sub(r"\1=...", scheme + mark + host.rpartition("@")[2] + slash + path)


def shown_in(text: str) -> str:
    """The same for every address within a text."""
    return _ADDRESS.sub(lambda found: shown(found.group()), text)
