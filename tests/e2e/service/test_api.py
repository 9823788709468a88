"""The API, asked over a real socket: a picture in, a clip out, and everything that can be done to a job between."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_client import Service, picture, submit

from reelops.video.probe import probe


def wait_until(client: httpx.Client, uid: str, *states: str, seconds: float = 60) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (job := client.get(f"/jobs/{uid}").json())["state"] not in states:
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    return job


def test_who_waits_gets_the_clip_with_its_score_and_verdict(done: dict[str, Any], client: httpx.Client) -> None:
    assert done["state"] == "done" and done["verdict"] in ("accept", "review")
    assert 0.0 <= done["temporal_score"] <= 1.0
    clip = client.get(done["mp4_path"])
    assert clip.headers["content-type"] == "video/mp4"
    assert hashlib.sha256(clip.content).hexdigest() == done["sha256"]
    sheet = client.get(done["contact_sheet_path"])
    assert sheet.headers["content-type"] == "image/jpeg" and sheet.content.startswith(b"\xff\xd8")


def test_no_answer_names_a_path_of_the_machine(done: dict[str, Any], service: Service) -> None:
    assert str(service.home) not in json.dumps(done)
    assert done["order"]["picture"] == {"name": "photo.png", "sha256": hashlib.sha256(picture()).hexdigest()}


def test_a_clip_comes_in_parts_and_only_when_it_is_new(
    done: dict[str, Any], client: httpx.Client, tmp_path: Path
) -> None:
    whole = client.get(done["mp4_path"])
    part = client.get(done["mp4_path"], headers={"Range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == whole.content[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    assert client.get(done["mp4_path"], headers={"Range": "bytes=99999999-"}).status_code == 416
    head = client.head(done["mp4_path"])
    assert head.headers["content-length"] == str(len(whole.content)) and not head.content
    known = client.get(done["mp4_path"], headers={"If-None-Match": whole.headers["etag"]})
    assert known.status_code == 304 and not known.content
    (tmp_path / "clip.mp4").write_bytes(whole.content)
    assert probe(tmp_path / "clip.mp4").num_frames == 5


def test_who_does_not_wait_gets_the_jobs_address_at_once(client: httpx.Client) -> None:
    answer = submit(client, seed=11)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/jobs/{answer.json()['id']}"
    assert wait_until(client, answer.json()["id"], "done")["seed"] == 11


def test_the_same_idempotency_key_gives_the_same_job_and_another_request_with_it_is_refused(
    client: httpx.Client,
) -> None:
    key = {"Idempotency-Key": "one"}
    first, again = submit(client, seed=21, headers=key), submit(client, seed=21, headers=key)
    assert first.json()["id"] == again.json()["id"]
    other = submit(client, seed=22, headers=key)
    assert other.status_code == 409 and other.json()["type"] == "/problems/idempotency-key-reused"


def test_events_come_as_they_happen_and_go_on_where_they_broke_off(client: httpx.Client) -> None:
    uid = submit(client, seed=31).json()["id"]
    events = events_of(client, uid)
    states = [json.loads(data)["state"] for kind, _, data in events if kind == "state"]
    assert states[0] == "waiting" and states[-1] == "done" and "running" in states
    assert events[-1][0] == "end" and json.loads(events[-1][2])["mp4_path"]
    first = next(number for kind, number, _ in events if kind == "state")
    rest = [one for one in events_of(client, uid, first) if one[0] == "state"]
    assert rest == [one for one in events if one[0] == "state"][1:]


def events_of(client: httpx.Client, uid: str, after: str | None = None) -> list[tuple[str, str, str]]:
    headers = {} if after is None else {"Last-Event-ID": after}
    with client.stream("GET", f"/jobs/{uid}/events", headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = "".join(stream.iter_text()).replace("\r\n", "\n")
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], fields.get("id", ""), fields.get("data", "")))
    return found


def test_a_job_that_runs_is_cancelled_within_a_step(client: httpx.Client) -> None:
    uid = submit(client, profile="long").json()["id"]
    wait_until(client, uid, "running")
    began = time.monotonic()
    assert client.delete(f"/jobs/{uid}").json()["cancel_asked"] is True
    job = wait_until(client, uid, "cancelled")
    assert time.monotonic() - began < 20 and job["mp4_path"] is None
    history = [event["state"] for event in client.get(f"/jobs/{uid}/history").json()]
    assert history == ["waiting", "running", "cancelled"]
    assert client.delete(f"/jobs/{uid}").json()["state"] == "cancelled", "asked again, nothing changes"


def test_waiting_jobs_are_paused_moved_resumed_and_cancelled(client: httpx.Client) -> None:
    blocking = submit(client, profile="long").json()["id"]
    wait_until(client, blocking, "running")
    first, second, third = (submit(client, seed=seed).json()["id"] for seed in (41, 42, 43))
    assert client.post(f"/jobs/{first}/pause").json()["state"] == "paused"
    assert client.post(f"/jobs/{third}/move", json={"before": second}).status_code == 200
    assert client.delete(f"/jobs/{second}").json()["state"] == "cancelled"
    client.delete(f"/jobs/{blocking}")
    wait_until(client, third, "done")
    assert client.get(f"/jobs/{first}").json()["state"] == "paused"
    assert client.post(f"/jobs/{first}/resume").json()["state"] in ("waiting", "running")
    wait_until(client, first, "done")
    assert client.post(f"/jobs/{first}/pause").status_code == 409
    assert client.post(f"/jobs/{second}/retry").json()["state"] in ("waiting", "running")
    wait_until(client, second, "done")


def test_jobs_are_listed_by_page_and_state(client: httpx.Client, done: dict[str, Any]) -> None:
    for seed in (51, 52):
        submit(client, wait=60, seed=seed)
    seen, address = [], "/jobs?limit=2&state=done"
    while address:
        page = client.get(address).json()
        seen += [job["id"] for job in page["jobs"]]
        address = page["next"]
    assert done["id"] in seen and len(seen) == len(set(seen)) >= 3
    assert client.get("/jobs?state=nonsense").status_code == 422


def test_a_job_is_removed_with_its_clip(client: httpx.Client, service: Service) -> None:
    job = submit(client, wait=60, seed=61).json()
    assert list((service.home / "service" / "clips").glob(f"{job['id']}*"))
    assert client.delete(f"/jobs/{job['id']}/clip").status_code == 204
    assert client.get(f"/jobs/{job['id']}").status_code == 404 == client.get(job["mp4_path"]).status_code
    assert not list((service.home / "service" / "clips").glob(f"{job['id']}*"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"prompt": ""}, "prompt"),
        ({"profile": "tinny"}, "There is no profile 'tinny'."),
        ({"profile": "../../etc"}, "There is no profile"),
        ({"adapter": "/etc/passwd"}, "There is no adapter"),
        ({"steps": "0"}, "steps"),
        ({"seconds": "500"}, "clips have at most 60 seconds"),
        ({"sed": "3"}, "sed"),
        ({"mode": "fast"}, "mode"),
        ({"mode": "baseline", "recipe": "optimized"}, "give one of both"),
        ({"num_frames": "1"}, "at least 2 frames"),
        ({"image": ("a.png", b"", "image/png")}, "a.png is empty"),
        ({"image": ("../../a.png", b"hello", "image/png")}, "a.png is a text file, not a picture"),
    ],
)
def test_what_cannot_be_made_is_refused_at_once_with_what_to_do(
    client: httpx.Client, service: Service, fields: dict[str, Any], told: str
) -> None:
    answer = submit(client, **fields)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert told in problem["detail"] and problem["request_id"] == answer.headers["x-request-id"]
    assert str(service.home) not in answer.text


def test_health_and_readiness_ask_for_no_key_and_all_else_does(service: Service) -> None:
    assert httpx.get(f"{service.url}/health").json()["status"] == "ok"
    assert httpx.get(f"{service.url}/ready").json()["status"] == "ready"
    for path in ("/jobs", "/models", "/metrics", "/jobs/x", "/artifacts/x.mp4"):
        answer = httpx.get(service.url + path)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"


def test_figures_for_prometheus_name_routes_and_no_jobs(client: httpx.Client, done: dict[str, Any]) -> None:
    told = client.get("/metrics").text
    assert 'reelops_jobs{state="done"}' in told and 'route="/jobs/{uid}"' in told
    assert done["id"] not in told


def test_many_listeners_hear_of_one_job(client: httpx.Client, service: Service) -> None:
    uid = submit(client, seed=71).json()["id"]
    heard: list[int] = []

    def listen() -> None:
        with service.client() as own:
            heard.append(len([one for one in events_of(own, uid) if one[0] == "end"]))

    threads = [threading.Thread(target=listen) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert heard == [1] * 10
