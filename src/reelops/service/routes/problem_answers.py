"""What the API's description says of problems, for every route."""

from __future__ import annotations

from typing import Any

from reelops.service.problems import MEDIA_TYPE, Problem


def _told(description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _told("The request cannot be parsed."),
    401: _told("There is no key, or it is not known."),
    403: _told("The key may not do this."),
    404: _told("There is no such thing, for this key."),
    405: _told("This method is not understood here."),
    408: _told("Nothing came in the middle of a body."),
    409: _told("The job's state does not allow it, or the idempotency key was used for something else."),
    413: _told("More bytes or pixels than are taken."),
    421: _told("The service is not asked by that name."),
    422: _told("Something given cannot be used; says which field, and what to do."),
    429: _told("Asked too often, or the quota is used up; Retry-After says when to come again."),
    503: _told("This machine failed; try again in a while."),
}
"""Answers that any route may give."""
