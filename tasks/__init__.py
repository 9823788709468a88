"""Library calls with retries, timeouts and a device slot; nothing else.

Importing Prefect makes its home folder and reads its settings there and then, so where that is has to be said first:
inside ReelOps' own home, so that nothing lands in the user's. What the user has set counts. What torch reads when it is
imported is set here, too, as every process that runs a flow imports its tasks first. This itself makes nothing.
"""

import os

from reelops.settings import load_settings
from reelops.system.interpreter import configure_interpreter


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
    return environment


for _name, _value in prefect_environment().items():
    os.environ.setdefault(_name, _value)
configure_interpreter()
