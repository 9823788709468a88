"""What the page asks the API for beyond jobs: a plan, the line, the picture, scores, votes, and news of all jobs."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import Any

import httpx
import pytest
from service_client import Service, picture, submit


def test_a_plan_tells_size_length_and_camera_before_a_picture_is_sent(client: httpx.Client) -> None:
    asked = {"profile": "moves", "prompt": "The tower, slow pan left", "picture_width": 160, "picture_height": 120}
    plan = client.get("/plan", params=asked).json()
    assert (plan["width"], plan["height"], plan["num_frames"]) == (64, 48, 5)
    assert plan["camera"] == "slow pan left"
    larger = client.get("/plan", params=asked | {"size": "1080p"}).json()
    assert larger["notes"] == ["the picture is 160x120, so the clip is 160x120, not 1440x1080"]
    assert client.get("/plan", params={"prompt": "A tower"}).json()["camera"] is None


@pytest.mark.parametrize(
    ("asked", "told"), [({"profile": "nothing"}, "nothing"), ({"seconds": 10_000}, "seconds"), ({"size": "9p"}, "size")]
)
def test_a_plan_that_cannot_be_made_says_why(client: httpx.Client, asked: dict[str, Any], told: str) -> None:
    answer = client.get("/plan", params={"profile": "moves", "picture_width": 9, "picture_height": 9} | asked)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def test_a_picture_comes_back_byte_for_byte_and_as_what_it_is(client: httpx.Client) -> None:
    sent = picture(seed=3, kind="JPEG")
    job = submit(client, wait=120, image=("page.html", sent, "text/html")).json()
    answer = client.get(f"/jobs/{job['id']}/picture")
    assert answer.content == sent
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_scores_stand_beside_the_limits_that_they_are_judged_by(client: httpx.Client, done: dict) -> None:
    scores = client.get(f"/jobs/{done['id']}/scores").json()
    assert {one["metric"]: one["value"] for one in scores["measures"]} == done["scores"]
    assert (scores["num_frames"], scores["fps"], scores["verdict"]) == (5, 8.0, done["verdict"])
    assert all(one["limit"] is None and one["answer"] == "" for one in scores["measures"])


def test_the_line_is_in_the_order_in_which_jobs_are_begun(client: httpx.Client) -> None:
    busy = submit(client, profile="long").json()["id"]
    first, second = (submit(client, seed=seed).json()["id"] for seed in (1, 2))
    client.post(f"/jobs/{second}/move", json={"before": first})
    waiting = [job["id"] for job in client.get("/queue").json()]
    assert [uid for uid in waiting if uid in (first, second)] == [second, first]
    for uid in (first, second, busy):
        client.delete(f"/jobs/{uid}")


def test_news_of_all_jobs_are_those_of_ones_own_account(service: Service) -> None:
    secrets = {account: service.new_key(account) for account in ("one", "two")}
    heard: dict[str, list[tuple[str, Any]]] = {account: [] for account in secrets}
    ready = {account: threading.Event() for account in secrets}
    ended = threading.Event()

    def listen(account: str) -> None:
        kind = ""
        with (
            suppress(httpx.HTTPError),  # the service ends before a stream on which nothing comes
            service.client(secrets[account]) as client,
            client.stream("GET", "/events") as stream,
        ):
            for line in stream.iter_lines():
                name, _, value = line.partition(": ")
                kind = value if name == "event" else kind
                if name == "data":
                    heard[account].append((kind, json.loads(value)))
                    ready[account].set()
                    if kind == "job" and heard[account][-1][1]["state"] == "done":
                        ended.set()
                if ended.is_set() and (account == "one" or kind == "job"):
                    return

    threads = [threading.Thread(target=listen, args=(account,), daemon=True) for account in secrets]
    for thread in threads:
        thread.start()
    assert all(event.wait(30) for event in ready.values())
    with service.client(secrets["one"]) as client:
        uid = submit(client).json()["id"]
    assert ended.wait(60)
    threads[0].join(30)
    assert heard["one"][0][0] == "ready"
    assert [job["state"] for kind, job in heard["one"] if kind == "job"][-1] == "done"
    assert {news["id"] for kind, news in heard["one"] if kind in ("job", "progress")} == {uid}
    assert [kind for kind, _ in heard["two"] if kind != "alive"] == ["ready"]


def test_nobody_votes_on_what_is_not_theirs(service: Service, client: httpx.Client, done: dict) -> None:
    answer = {"better": "left", "left_usable": True, "right_usable": True}
    clips = {"left": done["mp4_path"], "right": done["mp4_path"]}
    assert "these are one" in client.post("/votes", json=answer | clips).json()["detail"]
    with service.client(service.new_key("voter")) as other:
        assert other.get("/votes/pair").json() == {"left": None, "right": None, "pairs": 0, "votes": 0}
        refused = other.post("/votes", json=answer | clips)
        assert refused.status_code == 422
        assert "no clip that can be voted on" in refused.json()["detail"]
        for wrong in ("../../../etc/passwd", "a\0b", ""):
            assert other.post("/votes", json=answer | {"left": wrong, "right": wrong}).status_code == 422


def test_assets_of_the_page_are_those_alone_and_a_browser_asks_once(client: httpx.Client) -> None:
    for name in ("site.py", "..%2fapp.py", "page.html.j2", "nothing.js"):
        assert client.get(f"/page/{name}").status_code == 404
    answer = client.get("/page/main.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    again = client.get("/page/main.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_another_site_signs_nobody_in(client: httpx.Client, service: Service) -> None:
    with httpx.Client(base_url=service.url) as stranger:
        sent = {"key": service.token}
        assert stranger.post("/sign-in", data=sent, headers={"Origin": "https://elsewhere.example"}).status_code == 403
        assert stranger.get("/").status_code == 401
        assert stranger.post("/sign-in", data=sent, headers={"Origin": service.url}).status_code == 303
        assert stranger.get("/").status_code == 200


def test_jobs_are_listed_by_kind(client: httpx.Client, done: dict) -> None:
    made = client.get("/jobs", params={"kind": "generate", "limit": 1, "state": "done"}).json()
    assert [job["kind"] for job in made["jobs"]] == ["generate"]
    assert made["next"] is None or "kind=generate" in made["next"]
    assert done["id"] not in [job["id"] for job in client.get("/jobs", params={"kind": "score"}).json()["jobs"]]
