"""One story a file, named verb_object."""

import tasks  # noqa: F401 - tells Prefect where its home is, before a flow imports Prefect
