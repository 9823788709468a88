"""`reelops jobs`: the jobs of the service, as whoever runs it sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelops.params import load_config
from reelops.views.console import out

if TYPE_CHECKING:
    from reelops.production.jobs.job import Job
    from reelops.production.jobs.queue import JobQueue

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Uid = Annotated[str, typer.Argument(help="The id of a job.", show_default=False)]


def register(app: typer.Typer) -> None:
    jobs = typer.Typer(
        no_args_is_help=True, help="Look at the jobs of the service, and cancel, pause, move or retry them."
    )
    jobs.command("list")(list_jobs)
    jobs.command()(show)
    jobs.command()(cancel)
    jobs.command()(pause)
    jobs.command()(resume)
    jobs.command()(retry)
    jobs.command()(move)
    app.add_typer(jobs, name="jobs")


def list_jobs(
    state: Annotated[
        str | None,
        typer.Option(help="Those in this state alone: waiting, paused, running, done, rejected, failed, cancelled."),
    ] = None,
    account: Annotated[str | None, typer.Option(help="Those of this account alone.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=100_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first."""
    from reelops.errors import InputError
    from reelops.production.jobs.job import State

    if state is not None and state not in set(State):
        raise InputError(f"--state is {state!r}; there are {', '.join(State)}.")
    with _queue() as queue:
        found = queue.jobs(account, [State(state)] if state else (), limit)
    if as_json:
        typer.echo(json.dumps([_plain(job) for job in found], indent=2, ensure_ascii=False))
        return
    for job in found:
        prompt = str(job.request.get("order", {}).get("prompt", ""))[:60]
        out.print(f"{job.uid}  {job.shown_state:<9}  {job.account}  {prompt}", markup=False)


def show(uid: Uid, as_json: AsJson = False) -> None:
    """Show a job and what happened to it."""
    from reelops.service.answers import event_answer

    with _queue() as queue:
        job, events = queue.job(uid), queue.events(uid)
    if as_json:
        history = [event_answer(event) for event in events]
        typer.echo(json.dumps({**_plain(job), "history": history}, indent=2, ensure_ascii=False))
        return
    _say(job)
    for event in events:
        told = event_answer(event)
        out.print(f"  {told['at']}  {told['state']}  {told['reason'] or ''}", markup=False)


def cancel(uid: Uid) -> None:
    """Cancel a job: at once where it waits, within a step of its work where it runs."""
    _change(lambda queue: queue.cancel(uid))


def pause(uid: Uid) -> None:
    """Keep a job that waits from being begun."""
    _change(lambda queue: queue.pause(uid))


def resume(uid: Uid) -> None:
    """Let a paused job wait again, at its old place."""
    _change(lambda queue: queue.resume(uid))


def retry(uid: Uid) -> None:
    """Let a job that failed, was rejected or cancelled wait again."""
    _change(lambda queue: queue.retry(uid))


def move(
    uid: Uid,
    before: Annotated[
        str | None, typer.Option(help="Put before this job of the same account.", show_default="to the end")
    ] = None,
) -> None:
    """Move a job that waits to another place in the queue."""
    _change(lambda queue: queue.move(uid, None, before))


def _change(how: Callable[[JobQueue], Job]) -> None:
    with _queue() as queue:
        job = how(queue)
    _say(job)


def _say(job: Job) -> None:
    ends = " (its end was asked for)" if job.cancel_asked is not None and not job.has_ended else ""
    out.print(f"{job.uid} is {job.shown_state}{ends}{f': {job.reason}' if job.reason else ''}", markup=False)


def _plain(job: Job) -> dict[str, Any]:
    from reelops.service.answers import job_answer

    return job_answer(job)


@contextmanager
def _queue() -> Iterator[JobQueue]:
    from reelops.production.jobs.ledger import Ledger
    from reelops.production.jobs.queue import JobQueue

    with closing(Ledger(load_config().ledger_uri)) as ledger:
        yield JobQueue(ledger)
