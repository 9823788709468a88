"""Library calls with retries, timeouts and a device slot; nothing else.

Importing Prefect makes its home folder and reads its settings there and then, so where that is has to be said first:
inside ReelOps' own home, so that nothing lands in the user's. What the user has set counts. Proxies, and what torch
reads when it is imported, are set here, too, as every process that runs a flow imports its tasks first. This itself
makes nothing, but for a folder of an odd name.
"""

import os

from reelops.addresses import sqlite_uri
from reelops.settings import load_settings
from reelops.system.interpreter import configure_interpreter
from reelops.system.proxies import (
    ask_this_machine_directly,
    host_of,
    is_this_machine,
    put_unusable_proxies_aside,
)


def prefect_environment() -> dict[str, str]:
    """Prefect's settings for a run that nobody configured: own home, silent towards its makers, patient at start."""
    settings = load_settings()
    settings.require_home()
    environment = {
        "PREFECT_HOME": str(settings.prefect_home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # The embedded server needs half a minute for its first migrations on two cores; Prefect gives it 20 s.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    }
    if settings.prefect_api_url:
        environment["PREFECT_API_URL"] = settings.prefect_api_url
    elif (database := sqlite_uri(settings.prefect_home / "prefect.db")).startswith("sqlite+"):
        # Prefect escapes nothing in the address that it makes itself, and makes no folder for any other.
        settings.prefect_home.mkdir(parents=True, exist_ok=True)
        environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database.replace("+pysqlite", "+aiosqlite", 1)
    return environment


def prepare_proxies() -> None:
    """Prefect's server on this machine, its own embedded one above all, is asked past any proxy."""
    url = os.environ.get("PREFECT_API_URL")
    ask_this_machine_directly(url, load_settings().mlflow_tracking_uri)
    host = host_of(url)
    if not url or (host and is_this_machine(host)):
        put_unusable_proxies_aside()


for _name, _value in prefect_environment().items():
    os.environ.setdefault(_name, _value)
prepare_proxies()
configure_interpreter()
