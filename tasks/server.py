"""Whether Prefect's server is there, asked before a flow is run: Prefect itself tries for minutes, then says little."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from reelops.errors import MachineError, SettingsError
from reelops.foreign import reason_of
from reelops.shown_address import shown
from reelops.system.proxies import problem_of_proxy_for

PATIENCE_SECONDS = 10.0
_REMEDY = "Start it, or unset PREFECT_API_URL to run flows with an embedded server."


def require_server() -> None:
    """Fails where a Prefect server is named that cannot be worked with; an embedded one is always there.

    Raises:
        SettingsError: the address is none of a Prefect server, or its proxy cannot be used.
        MachineError: nobody answers there, or not this user.
    """
    url = PREFECT_API_URL.value()
    if not url:
        return
    if why := problem_of_proxy_for(url):
        raise SettingsError(f"Prefect at {shown(url)} cannot be asked: {why}.")
    try:
        answer = _health_of(url)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
        raise SettingsError(f"PREFECT_API_URL is {shown(url)}, which is no address: {reason_of(error)}.") from error
    except httpx.HTTPStatusError as error:
        answer = error.response
    except httpx.HTTPError as error:
        raise MachineError(f"Prefect at {shown(url)} cannot be reached: {_words(error)}. {_REMEDY}") from error
    if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise MachineError(
            f"Prefect at {shown(url)} does not let you in ({answer.status_code}). Set PREFECT_API_KEY, or "
            "PREFECT_API_AUTH_STRING, to what it asks for."
        )
    if not _is_healthy(answer):
        raise SettingsError(f"{shown(url)} is no Prefect API{_meant(url)}. {_REMEDY}")


def _health_of(url: str) -> httpx.Response:
    """Asked as Prefect's own client asks, with its keys and certificates, but once."""
    own = {"timeout": httpx.Timeout(PATIENCE_SECONDS), "base_url": url}
    with (
        temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
        get_client(httpx_settings=own, sync_client=True) as client,
    ):
        return client.request("GET", "/health")


def _is_healthy(answer: httpx.Response) -> bool:
    """The page that shows runs answers at any address, in HTML."""
    return answer.is_success and "json" in answer.headers.get("content-type", "")


def _meant(url: str) -> str:
    """The address that was probably meant: Prefect's API is under /api."""
    if "/api" in urlsplit(url).path:
        return f": it does not answer at {shown(url).rstrip('/')}/health as one does"
    return f"; it is most likely at {shown(url).rstrip('/')}/api"


def _words(error: httpx.HTTPError) -> str:
    return "it does not answer in time" if isinstance(error, httpx.TimeoutException) else reason_of(error)
