"""Addresses of servers and stores: what is none is told, with what was probably meant."""

from __future__ import annotations

import pytest

from reelops.addresses import problem_of_store_address, problem_of_web_address
from reelops.errors import SettingsError
from reelops.settings import load_settings


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4200/api", "https://user:word@prefect.example/api", "http://[::1]:4200/api"]
)
def test_an_address_of_a_server_is_one(url):
    assert problem_of_web_address(url) is None and problem_of_store_address(url) is None


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("127.0.0.1:4200/api", "write http://127.0.0.1:4200/api"),
        ("localhost:4200", "write http://localhost:4200"),
        ("prefect.example", "write http://prefect.example"),
        ("foo://bar", "begins with http:// or https://"),
        ("http:///api", "names no host"),
        ("http://host:port", "port"),
        ("http://[::1", "IPv6"),
    ],
)
def test_what_is_no_address_of_a_server_is_told(url, told):
    assert told in (problem_of_web_address(url) or "")


@pytest.mark.parametrize(
    "uri",
    [
        *("sqlite:///x.db", "sqlite:///:memory:", "postgresql+psycopg2://me@db/mlflow", "mysql://db/x", "mssql://db/x"),
        *("file:mlruns", "./mlruns", "/opt/mlruns", "databricks", "databricks://mine"),
    ],
)
def test_every_store_of_mlflows_is_one(uri):
    assert problem_of_store_address(uri) is None


@pytest.mark.parametrize(
    ("uri", "told"),
    [("foo://bar", "knows no store foo://"), ("127.0.0.1:5000", "write http://127.0.0.1:5000"), ("mlruns", "./mlruns")],
)
def test_what_is_no_address_of_a_store_is_told_under_the_name_of_its_variable(monkeypatch, uri, told):
    monkeypatch.delenv("REELOPS_MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"MLFLOW_TRACKING_URI is {uri!r}: ") and told in str(refused.value)


def test_a_password_in_a_refused_address_is_not_shown(monkeypatch):
    monkeypatch.setenv("REELOPS_PREFECT_API_URL", "htp://jo:secret@prefect.example/api")
    with pytest.raises(SettingsError, match=r"REELOPS_PREFECT_API_URL is 'htp://prefect\.example/api'"):
        load_settings()
