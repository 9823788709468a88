"""Whether a tracking server answers, asked of real sockets before the work."""

from __future__ import annotations

import socket

import pytest

from reelops.tracking.silence import silence_of


def test_a_server_that_takes_a_connection_is_not_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert silence_of(f"http://user:secret@127.0.0.1:{server.getsockname()[1]}/mlflow") is None


def test_a_port_where_nobody_listens_is_told() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        assert silence_of(f"http://127.0.0.1:{bound.getsockname()[1]}") == "Connection refused"


def test_a_name_that_nobody_has_is_told() -> None:
    assert silence_of("https://nobody.invalid")


def test_nobody_waits_longer_than_the_patience() -> None:
    # Of a server that has as many waiting as it takes, a further one hears nothing.
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        assert silence_of(f"http://127.0.0.1:{server.getsockname()[1]}", 0.2) in ("nothing within 0.2 s", "timed out")


@pytest.mark.parametrize("uri", ["sqlite:////data/mlflow.db", "./mlruns", "databricks"])
def test_a_store_that_is_no_server_is_not_asked(uri: str) -> None:
    assert silence_of(uri) is None


def test_a_server_behind_a_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert silence_of("https://nobody.invalid") is None
