"""Addresses are shown without what opens them, and paths as they are."""

from __future__ import annotations

import pytest

from reelops.shown_address import shown, shown_in


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("http://user:secret@host:5000", "http://host:5000"),
        ("https://secret@host/mlflow/", "https://host/mlflow/"),
        ("http://user:se@cret@host", "http://host"),
        ("http://user:secret@[::1]:5000/x", "http://[::1]:5000/x"),
        ("postgresql+psycopg2://user:secret@host:5432/runs", "postgresql+psycopg2://host:5432/runs"),
        ("postgresql://user:se/cr@et@host/runs", "postgresql://host/runs"),
        ("mysql://host/runs?user=me&password=secret&ssl=1", "mysql://host/runs?user=me&password=...&ssl=1"),
        ("https://host/x?X-Amz-Signature=secret&access_token=secret", None),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3D1%3BPWD%3Dsecret", "mssql+pyodbc:///?odbc_connect=..."),
    ],
)
def test_no_secret_is_shown(address: str, seen: str | None) -> None:
    assert "secret" not in shown(address) and "cr@et" not in shown(address)
    assert seen is None or shown(address) == seen


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:////srv/jo@corp.example/r/.reelops/mlflow.db",
        "sqlite:///C:/Users/jo@corp/mlflow.db",
        "http://host/@team/mlflow",
        "http://host:5000/@team/mlflow",
        "http://[::1]:5000/@team",
        "/srv/jo@corp.example/mlruns",
        "databricks",
        "databricks://profile",
    ],
)
def test_a_path_is_shown_as_it_is(address: str) -> None:
    assert shown(address) == address


def test_addresses_within_a_text_are_shown_so_too() -> None:
    text = "API request to http://me:secret@host:5000/api failed at /home/jo@corp, see sqlite:////home/jo@corp/x.db"
    assert (
        shown_in(text)
        == "API request to http://host:5000/api failed at /home/jo@corp, see sqlite:////home/jo@corp/x.db"
    )
