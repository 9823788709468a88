"""The proxies that environment variables name: servers of this machine are asked past them, all others through them.

curl's variables (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, also in small letters) are read by every HTTP library,
each in its own way. Here the environment is put so that all of them agree, before any of them reads it.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from reelops.shown_address import shown

_HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 - names to ask, nothing listens there
_SCHEMES = ("http", "https", "all")
# What each HTTP library takes, and the module that it needs for SOCKS.
_KNOWN = {"httpx": ("http", "https", "socks5", "socks5h"), "requests": ("http", "https", "socks4", "socks5", "socks5h")}
_FOR_SOCKS = {"httpx": "socksio", "requests": "socks"}
# No resolver may ever know this name (RFC 2606): what would go through it fails, and never goes past the proxy.
_NO_PROXY_THERE = "http://proxy-cannot-be-used.invalid"
_WHAT_IS_WRONG = "_REELOPS_PROXY_PUT_ASIDE"


def ask_this_machine_directly(*urls: str | None) -> None:
    """Sees to it that whatever HTTP library this process or its children use asks servers of this machine directly.

    Args:
        urls: of configured servers; those on this machine are asked directly by whatever name they go.
    """
    if not any(_variables()):
        return  # to say something would hide the proxies that macOS has in its settings
    from urllib.request import getproxies_environment  # slow to import, and seldom needed

    told = getproxies_environment()
    ours = [*_HERE, *(host for url in urls if (host := host_of(url)) and is_this_machine(host))]
    theirs = [part for part in map(str.strip, told.get("no", "").split(",")) if part]
    hosts = dict.fromkeys([*filter(None, map(_plain_host, theirs)), *ours])
    # Some libraries read only the one, some only the other.
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(hosts)


def put_unusable_proxies_aside() -> None:
    """For Prefect, whose httpx fails over a proxy that it cannot use before it is known who is asked.

    In place of each such proxy stands one that nobody can reach, so that nothing goes past the proxy.
    """
    for name, address in _variables():
        if why := _problem_of(name, address, "httpx"):
            os.environ[_WHAT_IS_WRONG] = why
            os.environ[name] = _NO_PROXY_THERE


def problem_of_proxy_for(url: str, library: str = "httpx") -> str | None:
    """Why a server cannot be asked through the proxy that the environment names for it, and what to do.

    Args:
        library: that asks it: "httpx" or "requests".

    Returns:
        None where it can be asked so, or where no proxy is between.
    """
    address = proxy_for(url)
    if address is None:
        return None
    if address == _NO_PROXY_THERE:
        return os.environ.get(_WHAT_IS_WRONG)
    name = next((name for name, value in _variables() if value == address), "The proxy")
    return _problem_of(name, address, library)


def proxy_for(url: str) -> str | None:
    """The proxy through which a server is asked; None where it is asked directly."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return None  # a file, or a database, which has protocols of its own
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    told = getproxies()
    return told.get(parts.scheme) or told.get("all") or None


def host_of(url: str | None) -> str | None:
    """The host of an address; None where it has none."""
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address means this machine, whatever any name server says."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost") or host == socket.gethostname().lower()
    return address.is_loopback or address.is_unspecified


def _variables() -> Iterator[tuple[str, str]]:
    names = [spelt for scheme in _SCHEMES for spelt in (f"{scheme}_proxy", f"{scheme}_PROXY".upper())]
    return ((name, value) for name in names if (value := os.environ.get(name)))


def _problem_of(name: str, address: str, library: str) -> str | None:
    told = f"{name} is {shown(address)}"
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        scheme, host = parts.scheme, parts.hostname
        _ = parts.port  # raises where it is no number
    except ValueError:
        scheme, host = "", None
    if scheme not in _KNOWN[library] or not host:
        return f"{told}, and no such proxy can be used; write http://HOST:PORT or socks5://HOST:PORT, or unset it"
    if scheme.startswith("socks") and importlib.util.find_spec(_FOR_SOCKS[library]) is None:
        return f'{told}, and the library for SOCKS proxies is missing; pip install "{library}[socks]"'
    return None


def _plain_host(entry: str) -> str | None:
    """An entry of NO_PROXY as every library takes it: an IPv6 address without brackets, and no range of such, over
    which httpx fails and which no other library understands."""
    bare = entry.strip("[]")
    return None if ":" in bare and "/" in bare and "://" not in bare else bare
