"""The tables of the ledger of jobs, and how its database is opened: SQLite in a file, or PostgreSQL by address."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine

from reelops.addresses import sqlite_file
from reelops.errors import MachineError, SettingsError
from reelops.foreign import reason_of
from reelops.shown_address import shown
from reelops.system.plain_text import spelt_out
from reelops.system.write_errors import machine_error_on_write

SCHEMA = 1
"""Raised when the tables change; a ledger says in `ledger_schema` which it has."""
_PATIENCE_SECONDS, _PAUSE_SECONDS = 60.0, 0.01
_METADATA = sa.MetaData()


class _Words(sa.types.TypeDecorator[str]):
    """Text that may hold the name of a file which is no UTF-8; what a database cannot hold of it is spelt out."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: object) -> str | None:
        return None if value is None else spelt_out(value)


schema = sa.Table("ledger_schema", _METADATA, sa.Column("version", sa.Integer, primary_key=True))

jobs = sa.Table(
    "jobs",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("batch", _Words, nullable=False),
    sa.Column("key", sa.Text, nullable=False),  # digest of the request, and which of equal ones it is
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),  # how often it was begun since its last clip
    sa.Column("tries", sa.Integer, nullable=False),  # clips of it that the gate rejected
    sa.Column("owner", sa.Text),  # which process has it
    sa.Column("lease_until", sa.Float),  # seconds since the epoch
    sa.Column("result", sa.JSON),
    sa.Column("reason", _Words),
    sa.UniqueConstraint("batch", "key"),
    sa.Index("jobs_by_state", "batch", "state", "position"),
)

events = sa.Table(
    "job_events",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("job", sa.Integer, sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", sa.Float, nullable=False),  # seconds since the epoch
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("reason", _Words),
)


def open_database(uri: str) -> Engine:
    """The ledger's database, with its tables.

    Raises:
        MachineError: it cannot be reached or made.
        SettingsError: it is no ledger of this version, or no address of a database.
    """
    if (file := sqlite_file(uri)) is not None:
        with machine_error_on_write(file):
            file.parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = _engine(uri, file)
        with engine.begin() as connection:
            _METADATA.create_all(connection)
            found = connection.scalar(sa.select(schema.c.version))
            if found is None:
                connection.execute(schema.insert().values(version=SCHEMA))
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError) as error:
        raise SettingsError(f"{shown(uri)} is no address of a ledger of jobs: {reason_of(error)}.") from error
    except sa.exc.SQLAlchemyError as error:
        raise MachineError(f"The ledger of jobs {shown(uri)} cannot be used: {said_by(error)}.") from error
    if found not in (None, SCHEMA):
        raise SettingsError(
            f"The ledger of jobs {shown(uri)} has tables of version {found}, and this ReelOps writes version {SCHEMA}. "
            "Use the ReelOps that wrote it, or move it away."
        )
    return engine


def said_by(error: Exception) -> str:
    """What the database itself said, without the statement that SQLAlchemy adds."""
    return reason_of(getattr(error, "orig", None) or error)


def _engine(uri: str, file: Path | None) -> Engine:
    if file is None:
        return sa.create_engine(uri, pool_pre_ping=True)
    # Connections wait for each other rather than for a free place in a pool: work on lanes has one each.
    engine = sa.create_engine(
        uri, poolclass=sa.pool.NullPool, connect_args={"timeout": _PATIENCE_SECONDS, "check_same_thread": False}
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_immediately)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins no transactions of its own
    _write_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _write_ahead(connection: Any) -> None:
    """Readers and the one writer do not wait for each other; a file stays so once it is.

    Where several open a new file at once, SQLite refuses the change to all but one, and at once: the time that
    connections wait for locks does not count for it.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _begin_immediately(connection: sa.Connection) -> None:
    """What is read is still so when it is written: the lock for writing is taken first, and waited for."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
