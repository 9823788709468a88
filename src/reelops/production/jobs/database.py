"""How the ledger's database is opened: SQLite in a file, or PostgreSQL by address, its tables brought up to date."""

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
from reelops.system.write_errors import machine_error_on_write

VERSION = "2"
"""The last of the migrations."""
_MIGRATIONS = "reelops.production.jobs:migrations"
_PATIENCE_SECONDS, _PAUSE_SECONDS = 60.0, 0.01
_LOCK_OF_MIGRATIONS = 7_335_511_860
"""Any number that nothing else in a PostgreSQL database takes for an advisory lock."""
READS_ALONE = "reads_alone"
"""An execution option: what it is set for takes no lock for writing."""


def open_database(uri: str) -> Engine:
    """The ledger's database, with its tables.

    Raises:
        MachineError: it cannot be reached or made.
        SettingsError: it is a ledger of a later version, or no address of a database.
    """
    if (file := sqlite_file(uri)) is not None:
        with machine_error_on_write(file):
            file.parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = _engine(uri, file)
        with engine.execution_options(**{READS_ALONE: True}).begin() as connection:
            is_current = _version(connection) == VERSION
        if not is_current:
            with engine.begin() as connection:
                _bring_up_to_date(connection, uri)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError) as error:
        raise SettingsError(f"{shown(uri)} is no address of a ledger of jobs: {reason_of(error)}.") from error
    except sa.exc.SQLAlchemyError as error:
        raise MachineError(f"The ledger of jobs {shown(uri)} cannot be used: {said_by(error)}.") from error
    return engine


def said_by(error: Exception) -> str:
    """What the database itself said, without the statement that SQLAlchemy adds."""
    return reason_of(getattr(error, "orig", None) or error)


def _version(connection: sa.Connection) -> str | None:
    """The version of the tables that are there; None where there are none."""
    there = sa.inspect(connection)
    if there.has_table("alembic_version"):
        return str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))
    if there.has_table("ledger_schema"):  # made before there was a second version
        return str(connection.scalar(sa.text("SELECT version FROM ledger_schema")))
    return None


def _bring_up_to_date(connection: sa.Connection, uri: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_OF_MIGRATIONS)))
    found = _version(connection)
    if found == VERSION:  # another process was first
        return
    if found is not None and not (found.isdigit() and int(found) < int(VERSION)):
        raise SettingsError(
            f"The ledger of jobs {shown(uri)} has tables of version {found}, and this ReelOps writes version "
            f"{VERSION}. Use the ReelOps that wrote it, or move it away."
        )
    from alembic import command  # seldom needed
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", _MIGRATIONS)
    if found is not None and not sa.inspect(connection).has_table("alembic_version"):
        command.stamp(config, found)
    command.upgrade(config, VERSION)


def _engine(uri: str, file: Path | None) -> Engine:
    if file is None:
        return sa.create_engine(uri, pool_pre_ping=True)
    # Connections wait for each other rather than for a free place in a pool: work on lanes has one each.
    engine = sa.create_engine(
        uri, poolclass=sa.pool.NullPool, connect_args={"timeout": _PATIENCE_SECONDS, "check_same_thread": False}
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin)
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


def _begin(connection: sa.Connection) -> None:
    """What is read is still so when it is written: the lock for writing is taken first, and waited for."""
    reads_alone = connection.get_execution_options().get(READS_ALONE, False)
    connection.exec_driver_sql("BEGIN" if reads_alone else "BEGIN IMMEDIATE")
