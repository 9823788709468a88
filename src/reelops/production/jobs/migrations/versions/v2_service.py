"""Jobs that a service takes: who asks, what goes first, until when, how far each is; keys of the API; messages."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    for column in (
        sa.Column("uid", sa.Text),
        sa.Column("account", sa.Text),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("deadline", sa.Float),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("cancel_asked", sa.Float),
        sa.Column("progress", sa.JSON),
        sa.Column("created_at", sa.Float),
        sa.Column("begun_at", sa.Float),
        sa.Column("ended_at", sa.Float),
    ):
        op.add_column("jobs", column)
    _name_what_is_there()
    op.create_index("jobs_by_uid", "jobs", ["uid"], unique=True)
    op.create_index("jobs_by_idempotency_key", "jobs", ["account", "idempotency_key"], unique=True)
    op.create_index("jobs_by_account", "jobs", ["account", "state", "begun_at"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("sha256", sa.Text, nullable=False, unique=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("quota", sa.Integer, nullable=False),
        sa.Column("requests_a_minute", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("revoked_at", sa.Float),
    )
    op.create_table(
        "webhooks",
        sa.Column("job", sa.Integer, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("sent_at", sa.Float),
        sa.Column("given_up_at", sa.Float),
        sa.Column("told", sa.Text),
    )
    op.execute(sa.text("DELETE FROM ledger_schema"))
    op.execute(sa.text("INSERT INTO ledger_schema (version) VALUES (2)"))  # which an earlier ReelOps looks at


def _name_what_is_there() -> None:
    jobs = sa.table("jobs", sa.column("id", sa.Integer), sa.column("uid", sa.Text))
    connection = op.get_bind()
    named = [{"of": job, "name": secrets.token_hex(12)} for (job,) in connection.execute(sa.select(jobs.c.id))]
    if named:
        found = jobs.c.id == sa.bindparam("of")
        connection.execute(sa.update(jobs).where(found).values(uid=sa.bindparam("name")), named)
