"""Who may do what: two keys never see each other's jobs, whatever route they ask by."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from service_client import Service, picture, serving, submit

OPEN = {"/health", "/ready", "/openapi.json"}
"""What asks for no key."""
OWN = {"/generate-video", "/score", "/v1/videos", "/models", "/metrics", "/webhook-secret", "/jobs", "/plan", "/queue"}
OWN |= {"/votes", "/votes/pair", "/events"}
"""What names no job: another key gets its own there, or makes its own."""


@pytest.fixture(scope="module")
def keys(service: Service) -> dict[str, str]:
    return {account: service.new_key(account) for account in ("desk-a", "desk-b")}


@pytest.fixture(scope="module")
def theirs(service: Service, keys: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A job of the first key, with its clip."""
    with service.client(keys["desk-a"]) as client:
        answer = submit(client, wait=120, seed=5)
        assert answer.status_code == 200, answer.text
        yield answer.json()


def routes(service: Service) -> Iterator[tuple[str, str]]:
    for path, methods in httpx.get(f"{service.url}/openapi.json").json()["paths"].items():
        for method in methods:
            yield method.upper(), path


def filled(path: str, job: dict[str, Any]) -> str:
    names = {"uid": job["id"], "video_id": f"video_{job['id']}", "filename": f"{job['id']}.mp4"}
    return re.sub(r"{(\w+)}", lambda found: names[found[1]], path)


def test_every_route_asks_for_a_key_but_those_that_say_whether_the_service_is_up(
    service: Service, theirs: dict[str, Any]
) -> None:
    for method, path in routes(service):
        answer = httpx.request(method, service.url + filled(path, theirs))
        assert (answer.status_code == 401) == (path not in OPEN), (method, path, answer.status_code)


def test_no_route_shows_one_keys_job_to_another_or_lets_it_touch_it(
    service: Service, keys: dict[str, str], theirs: dict[str, Any]
) -> None:
    with service.client(keys["desk-b"]) as other:
        for method, path in routes(service):
            if path in OPEN | OWN:
                continue
            body = {"json": {}} if method == "POST" else {}
            answer = other.request(method, filled(path, theirs), **body)
            assert answer.status_code == 404, (method, path, answer.status_code, answer.text)
        for path in ("/jobs?limit=200", "/v1/videos?limit=100", "/models", "/metrics", "/queue", "/votes/pair"):
            assert theirs["id"] not in other.get(path).text, path
        assert other.get(f"/jobs?before={theirs['id']}").status_code == 404
        vote = {"left": theirs["mp4_path"], "right": theirs["mp4_path"], "better": "left"}
        answer = other.post("/votes", json={**vote, "left_usable": True, "right_usable": True})
        assert answer.status_code == 422 and "is no clip that can be voted on" in answer.text
        assert not hears_of_others(other, service, keys["desk-a"])
        mine = submit(other, seed=6, profile="long").json()
        assert other.post(f"/jobs/{mine['id']}/move", json={"before": theirs["id"]}).status_code == 404
        other.delete(f"/jobs/{mine['id']}")
    with service.client(keys["desk-a"]) as client:
        assert client.get(f"/jobs/{theirs['id']}").json() == theirs
        assert client.get(theirs["mp4_path"]).status_code == 200


def hears_of_others(listener: httpx.Client, service: Service, key: str) -> bool:
    """Whether somebody who follows all jobs hears of one that another key makes meanwhile."""
    with service.client(key) as client, listener.stream("GET", "/events") as stream:
        uid, heard = "", ""
        for line in stream.iter_lines():
            heard += line
            if line == "event: ready":
                uid = submit(client, wait=60, seed=7).json()["id"]
                submit(listener, wait=60, seed=8)
            elif '"state": "done"' in line:
                break
    return uid in heard


def test_an_administrators_key_sees_all(service: Service, theirs: dict[str, Any]) -> None:
    with service.client(service.new_key("operator", "--scopes", "admin")) as admin:
        assert admin.get(f"/jobs/{theirs['id']}").json()["account"] == "desk-a"


@pytest.mark.parametrize(("scopes", "allowed"), [("read", {"read"}), ("generate", {"generate"}), ("score", set())])
def test_a_key_is_good_for_its_scopes_alone(service: Service, scopes: str, allowed: set[str]) -> None:
    with service.client(service.new_key("narrow", "--scopes", scopes)) as client:
        listed = client.get("/jobs").status_code
        made = submit(client, deadline="2000-01-01T00:00:00Z").status_code
        assert (listed == 200, made == 202) == ("read" in allowed, "generate" in allowed)
        assert {listed, made} <= {200, 202, 403}


def test_nothing_is_kept_of_what_a_key_sends_that_may_not_send_it(service: Service) -> None:
    def kept() -> set[str]:
        return {path.name for path in (service.home / "service" / "uploads").rglob("*") if path.is_file()}

    with service.client(service.new_key("reader", "--scopes", "read")) as client:
        before = kept()
        sent = ("unseen.png", picture(seed=77, side=(200, 100)), "image/png")
        assert submit(client, image=sent).status_code == 403
        assert client.post("/v1/videos", files={"input_reference": sent}, data={"prompt": "x"}).status_code == 403
        assert client.post("/score", files={"clip": ("a.mp4", b"no clip"), "picture": sent}).status_code == 403
        assert kept() == before


def test_secrets_are_nowhere_kept_and_a_rotated_or_revoked_one_is_void(service: Service) -> None:
    secret = service.new_key("rotating")
    kept = b"".join(path.read_bytes() for path in service.home.glob("ledger.db*"))
    assert secret.encode() not in kept and secret.rpartition("_")[2].encode() not in kept
    listed = json.loads(service.run("keys", "list", "--json").stdout)
    (key,) = [one["id"] for one in listed if one["account"] == "rotating"]
    new = json.loads(service.run("keys", "rotate", key, "--json").stdout)["secret"]
    with service.client(new) as client:
        assert client.get("/jobs").status_code == 200
        assert service.run("keys", "revoke", key).returncode == 0
        time.sleep(2.5)
        assert client.get("/jobs").status_code == 401
    assert httpx.get(f"{service.url}/jobs", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    assert service.run("keys", "rotate", key).returncode == 2


def test_a_key_that_asks_too_often_is_told_when_to_come_again(service: Service) -> None:
    with service.client(service.new_key("hasty", "--rate", "5")) as client:
        answers = [client.get("/jobs") for _ in range(7)]
    assert [answer.status_code for answer in answers[:5]] == [200] * 5
    assert answers[-1].status_code == 429 and int(answers[-1].headers["retry-after"]) >= 1


def test_a_key_has_no_more_jobs_at_once_than_its_quota(service: Service) -> None:
    with service.client(service.new_key("small", "--quota", "1")) as client:
        uid = submit(client, profile="long").json()["id"]
        refused = submit(client)
        assert refused.status_code == 429 and refused.json()["type"] == "/problems/quota-used-up"
        client.delete(f"/jobs/{uid}")


def test_the_printed_address_lets_a_browser_in_and_no_page_of_another_site_uses_that(service: Service) -> None:
    with httpx.Client(base_url=service.url) as browser:
        assert browser.get("/session?token=wrong").status_code == 401
        entered = browser.get(f"/session?token={service.token}")
        assert entered.status_code == 303
        cookie = entered.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie
        assert browser.get("/jobs").status_code == 200
        files, data = {"image": ("a.png", picture(), "image/png")}, {"prompt": "pan left", "profile": "moves"}
        for origin in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}):
            assert browser.post("/generate-video", files=files, data=data, headers=origin).status_code == 403
        assert (
            browser.post("/generate-video", files=files, data=data, headers={"Origin": service.url}).status_code == 202
        )


def test_a_page_that_reached_this_machine_under_another_name_is_not_answered(service: Service) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:80@127.0.0.1", ""):
        answer = httpx.get(f"{service.url}/health", headers={"Host": host})
        assert answer.status_code in (400, 421), host
    assert httpx.get(f"{service.url}/health", headers={"Host": "localhost:1"}).status_code == 200


def test_no_site_may_read_answers_by_a_browser(service: Service) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method, path in itertools.product(("GET", "OPTIONS"), ("/jobs", "/health")):
        answer = httpx.request(method, service.url + path, headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_network_is_served_by_keys_alone(tmp_path: Any) -> None:
    with serving(tmp_path, "--workers", "0") as service:
        refused = service.run("serve", "--host", "0.0.0.0", "--port", "0", "--workers", "0")  # noqa: S104
    assert refused.returncode == 2 and "there is no key yet" in refused.stderr
