"""Tells other systems that a job has ended: signed as Standard Webhooks has it, tried again until it is heard.

What is to be sent stands in the ledger from the moment the job is entered, so no restart loses it. A receiver may get a
message twice, with the same id.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool

from reelops.errors import ReelOpsError
from reelops.foreign import reason_of
from reelops.production.jobs.job import ENDS, Job
from reelops.production.jobs.queue import JobQueue
from reelops.production.jobs.tables import jobs, webhooks
from reelops.service.answers import job_answer
from reelops.service.background import in_background
from reelops.service.egress import checked_webhook
from reelops.system.files import write_bytes_atomically

_LOG = logging.getLogger("reelops.service")
PAUSES_SECONDS = (5.0, 30.0, 120.0, 600.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
"""Between tries; after the last one a message is given up."""
_LOOK_SECONDS = 1.0
_TIMEOUT_SECONDS = 15.0
_AT_ONCE = 20


@dataclass(frozen=True)
class Message:
    """What is to be sent of a job."""

    job: Job
    url: str
    attempt: int


class WebhookSecrets:
    """Secrets by which receivers know that a message is ours: one an account, from one that is kept in a file.

    Args:
        folder: of the service.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "webhook-secret"

    def of(self, account: str) -> str:
        """The secret of an account, as Standard Webhooks writes it."""
        made = hmac.new(self._main(), account.encode(errors="surrogatepass"), hashlib.sha256).digest()
        return f"whsec_{base64.b64encode(made).decode()}"

    def _main(self) -> bytes:
        if not self._file.is_file():
            write_bytes_atomically(self._file, secrets.token_bytes(32))
            self._file.chmod(0o600)
        return self._file.read_bytes()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,...` of a message, by the specification of Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


class Webhooks:
    """Sends what is due.

    Args:
        allow_private: see `ServiceLimits.webhooks_to_private_addresses`.
    """

    def __init__(self, queue: JobQueue, secrets_of: WebhookSecrets, allow_private: bool = False) -> None:
        self._queue, self._secrets, self._allow_private = queue, secrets_of, allow_private

    def running(self) -> AbstractAsyncContextManager[None]:
        """Within it messages are sent."""
        return in_background(self._send_all())

    async def _send_all(self) -> None:
        while True:
            try:
                due = await run_in_threadpool(self.take_due)
                await asyncio.gather(*(self._send(message) for message in due))
            except ReelOpsError as error:  # the next time will do
                _LOG.warning("%s", error)
            await asyncio.sleep(_LOOK_SECONDS)

    def take_due(self) -> list[Message]:
        """What is due now; it is due again after the next pause, unless it is noted as sent before."""
        now = time.time()
        which = (webhooks.c.due_at <= now) & webhooks.c.sent_at.is_(None) & webhooks.c.given_up_at.is_(None)
        found = (
            sa.select(jobs.c.uid, webhooks)
            .join(webhooks, webhooks.c.job == jobs.c.id)
            .where(which, jobs.c.batch == self._queue.name, jobs.c.state.in_(ENDS))
            .limit(_AT_ONCE)
        )
        ledger = self._queue.ledger
        with ledger.reading() as connection:
            if connection.execute(found).first() is None:
                return []
        with ledger.transaction() as connection:
            rows = connection.execute(found.with_for_update(skip_locked=True, of=webhooks)).all()
            for row in rows:
                later = now + PAUSES_SECONDS[min(row.attempt, len(PAUSES_SECONDS) - 1)]
                taken = {"attempt": row.attempt + 1, "due_at": later}
                connection.execute(sa.update(webhooks).where(webhooks.c.job == row.job).values(**taken))
        return [Message(self._queue.job(row.uid), row.url, row.attempt + 1) for row in rows]

    async def _send(self, message: Message) -> None:
        told = await self._told_by(message)
        noted: dict[str, Any] = {"told": told or "heard"}
        if told is None:
            noted["sent_at"] = time.time()
        elif message.attempt > len(PAUSES_SECONDS):
            noted["given_up_at"] = time.time()
        if told is not None:
            _LOG.warning("%s was not told of job %s: %s", message.url[:200], message.job.uid, told)
        await run_in_threadpool(self._note, message, noted)

    def _note(self, message: Message, noted: dict[str, Any]) -> None:
        with self._queue.ledger.transaction() as connection:
            connection.execute(sa.update(webhooks).where(webhooks.c.job == message.job.id).values(**noted))

    async def _told_by(self, message: Message) -> str | None:
        """Sends a message; why it was not heard, or None where it was.

        The connection goes to the very address that was checked, by the receiver's name in its certificate.
        """
        job = message.job
        event = {"type": f"job.{job.state.value}", "timestamp": job.ended_at, "data": job_answer(job)}
        body = json.dumps(event).encode()
        message_id, timestamp = f"msg_{job.uid}_{int(job.ended_at or 0)}", int(time.time())
        try:
            target = await run_in_threadpool(checked_webhook, message.url, self._allow_private)
            url = httpx.URL(message.url).copy_with(host=target.address)
            headers = {
                "Host": target.host if target.port in (80, 443) else f"{target.host}:{target.port}",
                "Content-Type": "application/json",
                "webhook-id": message_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": signature(self._secrets.of(job.account or ""), message_id, timestamp, body),
            }
            async with (
                httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_TIMEOUT_SECONDS) as client,
                client.stream(
                    "POST", url, content=body, headers=headers, extensions={"sni_hostname": target.host}
                ) as answer,
            ):
                return None if answer.is_success else f"it answered {answer.status_code}"
        except (ReelOpsError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return reason_of(error)
