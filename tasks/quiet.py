"""A terminal without Prefect's log, which goes to its server; the user gets a bar and a table instead."""

from __future__ import annotations

import logging
import os

from prefect.logging.handlers import PrefectConsoleHandler


def quieten() -> None:
    """Unless the user asked for the log with PREFECT_LOGGING_LEVEL."""
    for handler in logging.getLogger("prefect").handlers + logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler) and not os.environ.get("PREFECT_LOGGING_LEVEL"):
            handler.setLevel(logging.CRITICAL)
