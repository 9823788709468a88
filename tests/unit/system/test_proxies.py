"""Proxies of the environment: this machine's servers are asked past them, all others through them."""

from __future__ import annotations

import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import requests

from reelops.system.proxies import (
    ask_this_machine_directly,
    is_this_machine,
    problem_of_proxy_for,
    put_unusable_proxies_aside,
)

VARIABLES = [spelt for name in ("http", "https", "all", "no") for spelt in (f"{name}_proxy", f"{name}_PROXY".upper())]
SOCKS_IS_MISSING = 'the library for SOCKS proxies is missing; pip install "httpx[socks]"'


class Answering(ThreadingHTTPServer):
    """A server that notes what it is asked; asked as a proxy, it is asked whole addresses."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def answering():
    servers = [Answering(), Answering()]
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in [*VARIABLES, "_REELOPS_PROXY_PUT_ASIDE"]:
        # Set first, so that what the code under test sets is undone, too.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.parametrize("proxy_variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    "exceptions", [{}, {"NO_PROXY": "corp.example"}, {"no_proxy": "", "NO_PROXY": "[::1], fe80::/10"}]
)
def test_servers_of_this_machine_are_asked_directly_and_others_through_the_proxy(
    answering, monkeypatch, proxy_variable, exceptions
):
    local, proxy = answering
    monkeypatch.setenv(proxy_variable, proxy.url)
    for name, value in exceptions.items():
        monkeypatch.setenv(name, value)
    ask_this_machine_directly()
    for get in (httpx.get, requests.get):
        get(f"{local.url}/mine")
        get(f"http://localhost:{local.server_port}/mine")
        get("http://elsewhere.example/theirs")
    assert local.asked == ["/mine"] * 4
    assert proxy.asked == ["http://elsewhere.example/theirs"] * 2


def test_what_the_user_excepted_stays_excepted(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", ".corp.example, 10.0.0.7,localhost")
    ask_this_machine_directly(f"http://{socket.gethostname()}:4200/api", "https://mlflow.example")
    excepted = os.environ["no_proxy"].split(",")
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"]
    assert excepted[:3] == [".corp.example", "10.0.0.7", "localhost"]
    assert {"127.0.0.1", "::1", socket.gethostname().lower()} <= set(excepted)
    assert "mlflow.example" not in excepted


def test_without_a_proxy_the_environment_stays_as_it_is():
    before = dict(os.environ)
    ask_this_machine_directly("http://127.0.0.1:4200/api")
    put_unusable_proxies_aside()
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    "address", ["socks5://127.0.0.1:9", "socks4://127.0.0.1:9", "http://proxy:port", "ftp://proxy"]
)
@pytest.mark.parametrize("variable", ["ALL_PROXY", "https_proxy", "HTTP_PROXY"])
def test_a_proxy_that_cannot_be_used_is_in_nobodys_way_here_and_lets_nothing_past_it(
    answering, monkeypatch, variable, address
):
    local, _ = answering
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv(variable, address)
    ask_this_machine_directly()
    put_unusable_proxies_aside()
    assert httpx.get(f"{local.url}/mine").status_code == 200
    scheme = "https" if variable == "https_proxy" else "http"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{scheme}://127.0.0.1.elsewhere.example:{local.server_port}/theirs")
    assert local.asked == ["/mine"]
    told = problem_of_proxy_for(f"{scheme}://elsewhere.example")
    assert told is not None and told.startswith(f"{variable} is {address}, and ")


def test_a_socks_proxy_without_its_library_says_what_to_install(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5h://jo:secret@proxy:1080")
    for module in ("socksio", "socks"):
        monkeypatch.setitem(sys.modules, module, None)
    told = problem_of_proxy_for("https://prefect.example/api")
    assert told == f"ALL_PROXY is socks5h://proxy:1080, and {SOCKS_IS_MISSING}"
    assert 'pip install "requests[socks]"' in (problem_of_proxy_for("http://mlflow.example", "requests") or "")
    monkeypatch.setenv("NO_PROXY", "prefect.example")
    assert problem_of_proxy_for("https://prefect.example/api") is None
    assert problem_of_proxy_for("sqlite:////home/me/mlflow.db", "requests") is None


@pytest.mark.parametrize(
    ("host", "here"),
    [
        *[(host, True) for host in ("127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "localhost", "api.localhost")],  # noqa: S104
        *[(host, False) for host in ("10.0.0.1", "localhost.example")],
    ],
)
def test_which_hosts_are_this_machine(host, here):
    assert is_this_machine(host) is here
