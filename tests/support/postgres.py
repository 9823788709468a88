"""A PostgreSQL server of one's own, where this machine has the program."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from studio import START_SECONDS, free_port

# It refuses to run as root.
_USER = "nobody" if os.geteuid() == 0 else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of an empty database."""
    if not (shutil.which("postgres") and shutil.which("initdb")):
        pytest.skip("PostgreSQL is not on the path (Debian, Ubuntu: apt install postgresql)")
    with tempfile.TemporaryDirectory(prefix="reelops-postgres-") as folder:
        home = Path(folder)
        if _USER is not None:
            shutil.chown(home, _USER)
        _run("initdb", "-D", folder + "/data", "-U", "reelops", "-A", "trust", "-N", "--locale=C", "-E", "UTF8")
        port = free_port()
        server = subprocess.Popen(
            ["postgres", "-D", folder + "/data", "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=_USER,
            start_new_session=True,
        )
        try:
            yield _address_once_up(port)
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(30)
            server.kill()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, user=_USER, env={**os.environ, "HOME": "/"})


def _address_once_up(port: int) -> str:
    psycopg = pytest.importorskip("psycopg", reason='psycopg comes with pip install "reelops[service]"')
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=reelops dbname=postgres", connect_timeout=5).close()
            return f"postgresql+psycopg://reelops@127.0.0.1:{port}/postgres"
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "PostgreSQL did not come up"
            time.sleep(0.1)
