"""Addresses of servers and stores: a path becomes one here only, and what is none is told before the work."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

# MLflow's own, and those of SQLAlchemy's databases that it takes; what is installed for it can bring more.
_STORES = {"file", "sqlite", "postgresql", "mysql", "mssql", "databricks", "databricks-uc", "uc"}
_STORE_PLUGINS = "mlflow.tracking_store"
_HOST_WITH_PORT = re.compile(r"[\w.-]+:\d+(/.*)?")
_ON_THE_WEB = re.compile(r"(?i)(https?|ftp|s3|gs):/{1,2}")
_OF_A_FILE = re.compile(r"(?i)file:/+(localhost/+)?")
_SQLITE = re.compile(r"sqlite(\+\w+)?:///(?P<path>[^?]*)")


def sqlite_uri(file: Path) -> str:
    """The address of an SQLite database, as MLflow takes it, wherever the file is.

    SQLAlchemy reads %41 in it as A and lets it end at a question mark, so these are escaped. MLflow would make the
    folder of the escaped name, too, but not where the driver is named.
    """
    path = str(file)
    return f"sqlite+pysqlite:///{quote(path)}" if set("%?") & set(path) else f"sqlite:///{path}"


def sqlite_file(uri: str) -> Path | None:
    """The file of an embedded store; None for any other."""
    found = _SQLITE.match(uri)
    return Path(unquote(found["path"])).absolute() if found else None


def problem_of_web_address(url: str) -> str | None:
    """Why something is no address of a server; None where it can be one."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # which raises where it is no number
    except ValueError as error:
        return f"{error}"
    if _HOST_WITH_PORT.fullmatch(url) or not parts.scheme:
        return f"an address begins with http:// or https://; write http://{url}"
    if parts.scheme not in ("http", "https"):
        return f"no server is asked by {parts.scheme}://; an address begins with http:// or https://"
    return None if host else "it names no host"


def problem_of_store_address(uri: str) -> str | None:
    """Why something is no address of a tracking store; None where it can be one. MLflow takes any path for one, too."""
    if uri.startswith(("/", ".", "~")):
        return None
    scheme = urlsplit(uri).scheme.partition("+")[0]
    if scheme in ("http", "https") or _HOST_WITH_PORT.fullmatch(uri):
        return problem_of_web_address(uri)
    if scheme in _STORES or uri == "databricks" or (scheme and scheme in _plugins()):
        return None
    if not scheme:
        return f"it is neither an address nor a path; write http://{uri} for a server, or ./{uri} for a folder"
    return f"MLflow knows no store {scheme}://; it takes http://, https://, sqlite:/// and those of other databases"


def _plugins() -> set[str]:
    from importlib.metadata import entry_points  # seldom needed

    return {found.name for found in entry_points(group=_STORE_PLUGINS)}


def told_missing(path: Path) -> str:
    """What is said of a file that is not there; a path made of a web address has lost a stroke of it."""
    text = str(path)
    if found := _ON_THE_WEB.match(text):
        return f"{found[1]}://{text[found.end() :]} is a web address, not a file; download it and give the file."
    if found := _OF_A_FILE.match(text):
        return f"{text} is a file's address, not its path; give {unquote(text[found.end() - 1 :])}."
    return f"{path} does not exist; check the path."
