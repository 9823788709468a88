"""All that a front end of the service needs: API, page and agents' tools call this, and nothing below it.

Whoever asks is named by a `Caller`. What a caller may not see does not exist for it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelops.clip import DEFAULT_PROFILE, ClipFormat
from reelops.generators.finish import Finish
from reelops.params import Config
from reelops.production.batch.requests import Request
from reelops.production.jobs.job import Job, JobEvent, NoSuchJobError, State
from reelops.production.jobs.ledger import Ledger
from reelops.production.jobs.queue import JobQueue, Wish
from reelops.production.output_names import contact_sheet_of, files_of
from reelops.production.producer import Producer, build_producer
from reelops.production.worker import clips_folder
from reelops.service.callers import Caller, Scope
from reelops.service.egress import checked_webhook
from reelops.service.keys import ApiKeys
from reelops.service.limits import ServiceLimits, load_limits
from reelops.service.orders import Mode, Orders
from reelops.service.score_jobs import score_request
from reelops.service.uploads import Upload, Uploads
from reelops.service.webhooks import WebhookSecrets
from reelops.settings import Settings

_FILE = re.compile(r"(?P<uid>[0-9a-f]{24})(-try[0-9]{1,3})?(?P<kind>\.mp4|\.contact\.jpg)")


@dataclass(frozen=True)
class JobDesk:
    """Where jobs are asked for and looked after.

    Attributes:
        queue: the ledger, as those see it who ask.
        keys: of the API.
        uploads: pictures that were sent.
        orders: what requests may say.
        producer: checks orders before they are entered; produces nothing here.
        clips: the folder of clips.
        settings: where all stores are.
        webhook_secrets: by which receivers know messages.
    """

    queue: JobQueue
    keys: ApiKeys
    uploads: Uploads
    orders: Orders
    limits: ServiceLimits
    producer: Producer
    clips: Path
    settings: Settings
    webhook_secrets: WebhookSecrets

    def submit(
        self,
        caller: Caller,
        picture: Upload,
        fields: Mapping[str, Any],
        mode: Mode | None = None,
        priority: int = 0,
        deadline: float | None = None,
        idempotency_key: str | None = None,
        webhook: str | None = None,
    ) -> Job:
        """Enters a job for a clip; with the idempotency key of an earlier one, gives that one again.

        Args:
            picture: what `uploads.keep` gave.
            fields: of an order: prompt, profile, seed, adapter, size, seconds, ... (`orders.FIELDS`).
            deadline: seconds since the epoch; it is not begun later.

        Raises:
            NotAllowedError: the caller may not generate.
            InputError: the order cannot be carried out; names the field and the value.
            QuotaError, ReusedKeyError: see `JobQueue.submit`.
        """
        caller.require(Scope.GENERATE)
        order = self.orders.order(picture.path, fields, mode)
        self.producer.check(order)
        if webhook is not None:
            checked_webhook(webhook, self.limits.webhooks_to_private_addresses)
        request = Request(order, id=picture.name).to_json()
        wish = Wish(
            request=request,
            account=caller.account,
            quota=caller.quota,
            priority=priority,
            deadline=deadline,
            idempotency_key=idempotency_key,
            webhook=webhook,
        )
        return self.queue.submit(wish)[0]

    def plan(self, fields: Mapping[str, Any], picture: tuple[int, int]) -> tuple[ClipFormat, Finish]:
        """What an order would give of a picture of that width and height; see `Generator.plan`.

        Raises:
            InputError: the order cannot be carried out; names the field and the value.
        """
        order = self.orders.order(Path("picture"), fields)
        return self.producer.generators.of(order).plan(order, picture)

    def submit_score(
        self, caller: Caller, clip: Path, name: str, picture: Path | None, prompt: str | None, profile: str | None
    ) -> Job:
        """Enters a job that scores a clip.

        Args:
            clip: what `uploads.keep_clip` gave.
            picture: what it should begin with; what `uploads.keep` gave.
            prompt, profile: None takes what the clip says of itself.

        Raises:
            NotAllowedError: the caller may not score.
            InputError: there is no such profile.
            QuotaError: see `JobQueue.submit`.
        """
        caller.require(Scope.SCORE)
        self.orders.require_profile(profile)
        request = score_request(clip, name, picture, prompt, profile)
        return self.queue.submit(Wish(request=request, account=caller.account, quota=caller.quota))[0]

    def job(self, caller: Caller, uid: str) -> Job:
        """A job.

        Raises:
            NoSuchJobError
        """
        caller.require(Scope.READ)
        return self.queue.job(uid, caller.sees)

    def jobs(
        self,
        caller: Caller,
        states: Collection[State] = (),
        limit: int = 50,
        before: str | None = None,
        oldest_first: bool = False,
        kind: str | None = None,
    ) -> list[Job]:
        """Jobs, the newest first; see `JobQueue.jobs`."""
        caller.require(Scope.READ)
        return self.queue.jobs(caller.sees, states, limit, before, oldest_first, kind)

    def line(self, caller: Caller) -> list[Job]:
        """Jobs that wait or are paused, in their order."""
        caller.require(Scope.READ)
        return self.queue.line(caller.sees)

    def events(self, caller: Caller, uid: str, after: int = 0) -> list[JobEvent]:
        """What happened to a job after the line of that number.

        Raises:
            NoSuchJobError
        """
        caller.require(Scope.READ)
        return self.queue.events(uid, caller.sees, after)

    def cancel(self, caller: Caller, uid: str) -> Job:
        """See `JobQueue.cancel`; so the next five."""
        caller.require(Scope.GENERATE)
        return self.queue.cancel(uid, caller.sees)

    def pause(self, caller: Caller, uid: str) -> Job:
        caller.require(Scope.GENERATE)
        return self.queue.pause(uid, caller.sees)

    def resume(self, caller: Caller, uid: str) -> Job:
        caller.require(Scope.GENERATE)
        return self.queue.resume(uid, caller.sees)

    def retry(self, caller: Caller, uid: str) -> Job:
        caller.require(Scope.GENERATE)
        return self.queue.retry(uid, caller.sees)

    def move(self, caller: Caller, uid: str, before: str | None = None) -> Job:
        caller.require(Scope.GENERATE)
        return self.queue.move(uid, caller.sees, before)

    def set_priority(self, caller: Caller, uid: str, priority: int) -> Job:
        caller.require(Scope.GENERATE)
        return self.queue.set_priority(uid, priority, caller.sees)

    def delete(self, caller: Caller, uid: str) -> None:
        """Removes a job that has ended, with all its files.

        Raises:
            NoSuchJobError
            JobStateError: it has not ended.
        """
        caller.require(Scope.GENERATE)
        self.queue.delete(uid, caller.sees)
        for clip in (self.clips / f"{uid}.mp4", *self.clips.glob(f"{uid}-try*.mp4")):
            for path in files_of(clip):
                with suppress(OSError):  # it was never made, or is gone already
                    path.unlink()

    def remove_unused_uploads(self) -> int:
        """Removes pictures and clips that were sent and that no job needs any more; how many."""
        needed: set[str] = set()
        for request in self.queue.requests():
            files = (request.get("order", {}).get("picture"), *request.get("files", {}).values())
            needed.update(str(path) for path in files if path is not None)
        return self.uploads.remove_unused(needed)

    def file(self, caller: Caller, name: str) -> Path:
        """A clip or a contact sheet of a job of the caller's, by its file's name.

        Raises:
            NoSuchJobError: there is none of that name, for this caller.
        """
        caller.require(Scope.READ)
        found = _FILE.fullmatch(name)
        if found is not None:
            self.queue.job(found["uid"], caller.sees)
            path = self.clips / name
            if path.is_file():
                return path
        raise NoSuchJobError(f"There is no file {name[:80]!r}; a job that has ended names its own.")

    def clip_of(self, job: Job) -> Path | None:
        """The clip of a job, the last one where several were tried; None where it has none, or it was removed."""
        named = (job.result or {}).get("clip")
        path = self.clips / Path(named).name if isinstance(named, str) else None
        return path if path is not None and path.is_file() else None

    def picture_of(self, job: Job) -> Path:
        """The picture that a job starts from, as it was sent.

        Raises:
            NoSuchJobError: it is not kept any more.
        """
        path = Path(str(job.request.get("order", {}).get("picture", "")))
        if not (self.uploads.has(path) and path.is_file()):
            raise NoSuchJobError(f"The picture of job {job.uid} is not kept any more; send it again.")
        return path

    def contact_sheet_of(self, job: Job) -> Path | None:
        """The contact sheet of a job's clip; None where it has none, or it was removed."""
        clip = self.clip_of(job)
        path = None if clip is None else contact_sheet_of(clip)
        return path if path is not None and path.is_file() else None

    def profiles(self) -> list[str]:
        """Names of profiles that orders may name."""
        return self.orders.profiles()

    @property
    def default_profile(self) -> str:
        """The profile of orders that name none."""
        return DEFAULT_PROFILE

    def recipes(self) -> list[str]:
        """Names of recipes that orders may name; not every profile takes each."""
        return self.orders.recipes()

    def adapters(self) -> list[str]:
        """Names of adapters that orders may name."""
        return list(self.orders.adapters())

    def close(self) -> None:
        self.queue.ledger.close()


def open_desk(config: Config) -> JobDesk:
    """The desk of this machine's ledger; loads no model.

    Raises:
        SettingsError, MachineError: params.yaml is wrong, or the ledger cannot be used.
    """
    limits = load_limits(config)
    ledger = Ledger(config.ledger_uri)
    return JobDesk(
        queue=JobQueue(ledger),
        keys=ApiKeys(ledger),
        uploads=Uploads(config.home / "service" / "uploads", limits),
        orders=Orders(config, limits),
        limits=limits,
        producer=build_producer(config),
        clips=clips_folder(config),
        settings=config.settings,
        webhook_secrets=WebhookSecrets(config.home / "service"),
    )
