"""`reelops keys`: who may use the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelops.params import load_config
from reelops.views.console import note, out

if TYPE_CHECKING:
    from reelops.service.keys import ApiKey, ApiKeys

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Key = Annotated[str, typer.Argument(help="The id of a key, as `reelops keys list` shows it.", show_default=False)]
_SECONDS_A_DAY = 86_400.0


def register(app: typer.Typer) -> None:
    keys = typer.Typer(no_args_is_help=True, help="Create, list, rotate and revoke keys of the API.")
    keys.command()(create)
    keys.command("list")(list_keys)
    keys.command()(rotate)
    keys.command()(revoke)
    app.add_typer(keys, name="keys")


def create(
    account: Annotated[str, typer.Argument(help="Whose jobs it sees and makes.", show_default=False)],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    scopes: Annotated[
        str, typer.Option(help="What it may be used for: read, generate, score, admin; joined by commas.")
    ] = "read,generate,score",
    quota: Annotated[
        int | None,
        typer.Option(help="Jobs at once that have not ended.", min=0, max=10**9, show_default="service.most_jobs"),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(help="Requests a minute.", min=1, max=10**9, show_default="service.requests_a_minute"),
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="How long it is valid.", min=1, max=36500, show_default="until revoked")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key, and print its secret: nobody can read it again.

    Example: reelops keys create newsroom --days 90
    """
    from reelops.errors import InputError
    from reelops.service.callers import Scope
    from reelops.service.limits import load_limits

    limits = load_limits(load_config())
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    if not wanted or not set(wanted) <= set(Scope):
        raise InputError(f"--scopes is {scopes!r}; there are {', '.join(Scope)}.")
    with _keys() as keys:
        key, secret = keys.create(
            account,
            name,
            [Scope(scope) for scope in wanted],
            limits.most_jobs if quota is None else quota,
            limits.requests_a_minute if rate is None else rate,
            None if days is None else days * _SECONDS_A_DAY,
        )
    _show_secret(key, secret, as_json)


def list_keys(as_json: AsJson = False) -> None:
    """List all keys; secrets are not among what is known of them."""
    with _keys() as keys:
        found = keys.list()
    if as_json:
        typer.echo(json.dumps([_told(key) for key in found], indent=2, ensure_ascii=False))
        return
    for key in found:
        state = "valid" if key.is_valid else "void"
        out.print(f"{key.id}  {state}  {key.account}  {','.join(key.scopes)}  {key.name}", markup=False)


def rotate(key: Key, as_json: AsJson = False) -> None:
    """Give a key a new secret; the old one is void at once."""
    with _keys() as keys:
        found, secret = keys.rotate(key)
    _show_secret(found, secret, as_json)


def revoke(key: Key) -> None:
    """Make a key void, for good."""
    with _keys() as keys:
        keys.revoke(key)
    out.print(f"{key} is void. A running service has heard of it within two seconds.", markup=False)


@contextmanager
def _keys() -> Iterator[ApiKeys]:
    from reelops.production.jobs.ledger import Ledger
    from reelops.service.keys import ApiKeys

    with closing(Ledger(load_config().ledger_uri)) as ledger:
        yield ApiKeys(ledger)


def _show_secret(key: ApiKey, secret: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**_told(key), "secret": secret}, indent=2, ensure_ascii=False))
        return
    typer.echo(secret)
    note(f"This is key {key.id} of {key.account}. Keep it: it is shown this once.")


def _told(key: ApiKey) -> dict[str, Any]:
    def day(seconds: float | None) -> str | None:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")

    return {
        "id": key.id,
        "account": key.account,
        "name": key.name,
        "scopes": list(key.scopes),
        "quota": key.quota,
        "requests_a_minute": key.requests_a_minute,
        "valid": key.is_valid,
        "created_at": day(key.created_at),
        "expires_at": day(key.expires_at),
        "revoked_at": day(key.revoked_at),
    }
