"""The tables of the ledger: jobs, their history, keys of the API, and messages that wait to be sent.

They are made, and brought from one version to the next, by the migrations beside this module.
"""

from __future__ import annotations

import sqlalchemy as sa

from reelops.system.plain_text import spelt_out

METADATA = sa.MetaData()


class Words(sa.types.TypeDecorator[str]):
    """Text that may hold the name of a file which is no UTF-8; what a database cannot hold of it is spelt out."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: object) -> str | None:
        return None if value is None else spelt_out(value)


# Times are in seconds since the epoch.
jobs = sa.Table(
    "jobs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("uid", sa.Text, nullable=False),
    sa.Column("batch", Words, nullable=False),
    sa.Column("key", sa.Text, nullable=False),  # digest of the request, and which of equal ones it is
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),  # how often it was begun since its last clip
    sa.Column("tries", sa.Integer, nullable=False),  # clips of it that the gate rejected
    sa.Column("owner", sa.Text),  # which process has it
    sa.Column("lease_until", sa.Float),
    sa.Column("result", sa.JSON),
    sa.Column("reason", Words),
    sa.Column("account", sa.Text),  # who asked for it
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("deadline", sa.Float),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("cancel_asked", sa.Float),
    sa.Column("progress", sa.JSON),
    sa.Column("created_at", sa.Float),
    sa.Column("begun_at", sa.Float),
    sa.Column("ended_at", sa.Float),
)

events = sa.Table(
    "job_events",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("job", sa.Integer, sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("reason", Words),
)

api_keys = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False),  # of the secret, which is nowhere kept
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("quota", sa.Integer, nullable=False),  # jobs at once that have not ended
    sa.Column("requests_a_minute", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float),
    sa.Column("revoked_at", sa.Float),
)

webhooks = sa.Table(
    "webhooks",
    METADATA,
    sa.Column("job", sa.Integer, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("sent_at", sa.Float),
    sa.Column("given_up_at", sa.Float),
    sa.Column("told", Words),  # what the last try met
)
