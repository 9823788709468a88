"""One story a file, named verb_object."""

import sys

from reelops.errors import SettingsError

try:
    import tasks  # noqa: F401 - tells Prefect where its home is, before a flow imports Prefect
except SettingsError as error:  # nobody is there yet who would show it without a traceback
    print(error, file=sys.stderr)
    raise SystemExit(error.exit_code) from error
