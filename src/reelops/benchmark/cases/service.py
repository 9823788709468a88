"""`reelops benchmark service`: submissions a second, many listeners, and looks at a job while a clip is made."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reelops.benchmark.case import Bench, Case, Part
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_least, at_most
from reelops.errors import MachineError
from reelops.progress import RunContext

if TYPE_CHECKING:
    import httpx

SUBMISSIONS_A_SECOND, SECONDS, LISTENERS = 50, 60, 500
_READS_A_SECOND, _READING_SECONDS = 20, 20
_START_SECONDS = 120.0
_WAITING = re.compile(r'reelops_jobs{state="waiting"} (\S+)')
_FIELDS = {"prompt": "slow zoom in", "profile": "camera-moves"}


def measure_submissions(
    bench: Bench, context: RunContext, a_second: int = SUBMISSIONS_A_SECOND, seconds: int = SECONDS
) -> Figures:
    """Pictures that come at a steady rate, whether or not the answers to those before are there.

    A latency counts from the moment at which a submission is due, so a service that falls behind is seen to.
    """
    return asyncio.run(_submissions(bench, context, a_second, seconds))


async def _submissions(bench: Bench, context: RunContext, a_second: int, seconds: int) -> Figures:
    pictures = [path.read_bytes() for path in bench.files("pictures")]
    total = a_second * seconds
    async with _service(bench, "submissions", workers=0) as client:
        began = time.perf_counter()

        async def submit(number: int) -> tuple[float, int]:
            due = began + number / a_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            answer = await _submit(client, pictures[number % len(pictures)], seed=number)
            if number % a_second == 0:
                context.progress("submissions", number, total, "submissions")
            return time.perf_counter() - due, answer.status_code

        found = await asyncio.gather(*(submit(number) for number in range(total)))
        took = time.perf_counter() - began
        kept = int(float(_WAITING.findall((await client.get("/metrics")).text)[0]))
    latencies = [latency for latency, _ in found]
    taken = sum(status == 202 for _, status in found)
    return {
        "submissions": total,
        "a_second": a_second,
        "seconds": round(took, 2),
        "picture_kb": round(float(np.mean([len(one) for one in pictures])) / 1e3),
        "taken": taken,
        "lost": taken - kept,
        **_percentiles(latencies),
    }


def measure_listeners(bench: Bench, context: RunContext, listeners: int = LISTENERS) -> Figures:
    """Open event streams of one job, all of which must hear of its end."""
    return asyncio.run(_listeners(bench, context, listeners))


async def _listeners(bench: Bench, context: RunContext, listeners: int) -> Figures:
    picture = bench.files("pictures")[0].read_bytes()
    async with _service(bench, "listeners", workers=0) as client:
        uid = (await _submit(client, picture)).json()["id"]
        opened = asyncio.Semaphore(0)

        async def listen() -> bool:
            async with client.stream("GET", f"/jobs/{uid}/events") as stream:
                is_open = False
                async for line in stream.aiter_lines():
                    if not is_open:
                        is_open = True
                        opened.release()
                    if line == "event: end":
                        return True
            return False

        tasks = [asyncio.create_task(listen()) for _ in range(listeners)]
        for number in range(listeners):
            await asyncio.wait_for(opened.acquire(), _START_SECONDS)
            context.progress("listeners", number, listeners, "listeners")
        reads = [await _timed(client, f"/jobs/{uid}") for _ in range(50)]
        began = time.perf_counter()
        await client.delete(f"/jobs/{uid}")
        heard = sum(await asyncio.gather(*tasks))
        return {
            "listeners": listeners,
            "heard": heard,
            "seconds_to_hear": round(time.perf_counter() - began, 3),
            **_percentiles(reads),
        }


def measure_reads(bench: Bench, context: RunContext, seconds: int = _READING_SECONDS) -> Figures:
    """Looks at a job, so many a second, while a worker makes clips of the embedded model on the same cores."""
    return asyncio.run(_reads(bench, context, seconds))


async def _reads(bench: Bench, context: RunContext, seconds: int) -> Figures:
    picture = bench.files("pictures")[0].read_bytes()
    async with _service(bench, "reads", workers=1) as client:
        uids = [(await _submit(client, picture, seed=seed, profile="tiny")).json()["id"] for seed in range(20)]
        deadline = time.perf_counter() + _START_SECONDS
        while (await client.get(f"/jobs/{uids[0]}")).json()["progress"] is None and time.perf_counter() < deadline:
            await asyncio.sleep(0.1)
        began, total = time.perf_counter(), seconds * _READS_A_SECOND

        async def read(number: int) -> float:
            due = began + number / _READS_A_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            context.progress("reads", number, total, "reads")
            await client.get(f"/jobs/{uids[number % len(uids)]}")
            return time.perf_counter() - due

        latencies = await asyncio.gather(*(read(number) for number in range(total)))
        running = sum([(await client.get(f"/jobs/{uid}")).json()["state"] == "running" for uid in uids])
    return {"reads": total, "a_second": _READS_A_SECOND, "running": running, **_percentiles(latencies)}


@asynccontextmanager
async def _service(bench: Bench, name: str, workers: int) -> AsyncIterator[httpx.AsyncClient]:
    """A service in a home of its own, and a client with its token.

    Raises:
        MachineError: it does not come up.
    """
    import httpx

    home = bench.scratch / name
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "reelops.cli", "serve", "--port", str(port), "--workers", str(workers)]
    said = bench.scratch / f"{name}.txt"
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "--no-track", "-j", "1"],
        env={**os.environ, "REELOPS_HOME": str(home), "REELOPS_LEDGER_URI": ""},
        stdout=said.open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        await _answering(f"http://127.0.0.1:{port}/health", process, said)
        headers = {"Authorization": f"Bearer {(home / 'service' / 'session-token').read_text().strip()}"}
        many = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, limits=many, timeout=120, trust_env=False
        ) as client:
            yield client
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


async def _answering(url: str, process: subprocess.Popen[bytes], said: Path) -> None:
    import httpx

    deadline = time.perf_counter() + _START_SECONDS
    async with httpx.AsyncClient(trust_env=False) as client:
        while process.poll() is None and time.perf_counter() < deadline:
            try:
                await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
    raise MachineError(f"The service did not come up: {said.read_text()[-500:]}")


async def _submit(client: httpx.AsyncClient, picture: bytes, **fields: Any) -> httpx.Response:
    # A few bytes behind its end make it another file, and no other picture.
    image = ("photo.png", picture + secrets.token_bytes(8), "image/png")
    data = {name: str(value) for name, value in {**_FIELDS, **fields}.items()}
    return await client.post("/generate-video", files={"image": image}, data=data)


async def _timed(client: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    await client.get(path)
    return time.perf_counter() - began


def _percentiles(seconds: Sequence[float]) -> Figures:
    return {f"p{share}_ms": round(1000 * float(np.percentile(seconds, share)), 1) for share in (50, 95, 99)}


_LATENCY = {"Median, ms": "p50_ms", "p95, ms": "p95_ms", "p99, ms": "p99_ms"}


def _submission_tables(found: Figures) -> Iterator[Table]:
    columns = {"Submissions": "submissions", "A second": "a_second", "kB each": "picture_kb", "Seconds": "seconds"}
    further = {"Taken": "taken", "Lost": "lost", **_LATENCY}
    yield Table.of("Pictures that come at a steady rate", [found], {**columns, **further})


def _submission_targets(found: Figures) -> Iterator[Target]:
    yield at_most("submissions that were taken and are not in the ledger", found["lost"], 0)
    yield at_least("share of submissions that were taken", found["taken"] / found["submissions"], 1.0)
    yield at_most(f"ms to the answer at {found['a_second']} submissions a second, p99", found["p99_ms"], 250)


def _listener_tables(found: Figures) -> Iterator[Table]:
    columns = {"Open streams": "listeners", "Heard of the end": "heard", "Seconds until all had": "seconds_to_hear"}
    yield Table.of("Listeners of one job, and looks at it meanwhile", [found], {**columns, **_LATENCY})


def _listener_targets(found: Figures) -> Iterator[Target]:
    yield at_least("listeners that heard of the end", found["heard"], found["listeners"])


def _read_tables(found: Figures) -> Iterator[Table]:
    columns = {"Looks": "reads", "A second": "a_second", "Jobs in the making": "running", **_LATENCY}
    yield Table.of("Looks at jobs while a clip is made on the same cores", [found], columns)


def _read_targets(found: Figures) -> Iterator[Target]:
    yield at_most("ms to look at a job while a clip is made, p99", found["p99_ms"], 50)


SERVICE = Case(
    name="service",
    title="The service under load",
    measures="how many submissions and listeners the service takes, and how fast it answers while a clip is made",
    report=Path("reports/service/load.json"),
    parts=(
        Part(
            "submissions",
            f"{SUBMISSIONS_A_SECOND} pictures a second for {SECONDS} s, sent from the same cores",
            75,
            measure_submissions,
            _submission_tables,
            _submission_targets,
            ("pictures",),
        ),
        Part(
            "listeners",
            f"{LISTENERS} open event streams of one job",
            30,
            measure_listeners,
            _listener_tables,
            _listener_targets,
            ("pictures",),
        ),
        Part(
            "reads",
            f"{_READS_A_SECOND} looks at a job a second while clips of the embedded model are made on the same cores",
            45,
            measure_reads,
            _read_tables,
            _read_targets,
            ("pictures",),
        ),
    ),
)
