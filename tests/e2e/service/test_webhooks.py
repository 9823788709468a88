"""Other systems are told of a job's end, signed, until they hear it; no private address is asked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from service_client import Service, serving, submit

from reelops.service import egress
from reelops.service.egress import ForbiddenAddressError, checked_target, checked_webhook, is_public
from reelops.service.webhooks import signature


class Receiver:
    """A server that notes what it is told; it fails the first time."""

    def __init__(self, answers: list[int]) -> None:
        self.heard: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(answers.pop(0) if answers else 200)
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
                receiver.heard.put(({name.lower(): value for name, value in self.headers.items()}, body))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("telling"), webhooks_to_private_addresses=True) as service:
        yield service


def test_a_receiver_that_failed_is_told_again_and_knows_that_it_was_us(telling: Service) -> None:
    receiver = Receiver([307])
    try:
        with telling.client() as client:
            job = submit(client, wait=60, webhook=receiver.url).json()
            secret = client.get("/webhook-secret").json()["secret"]
        (first, _), (headers, body) = (receiver.heard.get(timeout=60) for _ in range(2))
    finally:
        receiver.close()
    assert first["webhook-id"] == headers["webhook-id"], "a redirect is not followed, and not taken for heard"
    event = json.loads(body)
    assert event["type"] == "job.done" and event["data"]["id"] == job["id"] and event["data"]["mp4_path"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_a_signature_is_that_of_the_specifications_example() -> None:
    body = b'{"test": 2432232314}'
    secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert signature(secret, message, 1614265330, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1"),
        *("2002:7f00:0001::", "64:ff9b::7f00:1", "::7f00:1"),
    ],
)
def test_an_address_of_a_private_network_is_known_as_one(address: str) -> None:
    assert not is_public(address)


def test_public_addresses_are_public() -> None:
    assert is_public("93.184.216.34") and is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_a_name_with_one_private_address_among_its_addresses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*addresses: str) -> None:
        found: list[Any] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]
        monkeypatch.setattr(egress.socket, "getaddrinfo", lambda *_, **__: found)

    answer("93.184.216.34", "10.0.0.1")
    with pytest.raises(ForbiddenAddressError, match=r"10\.0\.0\.1, which is no address of the public network"):
        checked_target("https://rebinding.example/")
    answer("93.184.216.34")
    assert checked_target("https://public.example/").address == "93.184.216.34"


def test_a_webhook_is_asked_by_https_alone() -> None:
    with pytest.raises(ForbiddenAddressError, match="begins with https://"):
        checked_webhook("http://93.184.216.34/")


def test_a_sent_clip_is_scored_by_a_worker_as_the_command_scores_it(telling: Service, tmp_path: Path) -> None:
    with telling.client() as client:
        made = submit(client, wait=60, seed=3).json()
        clip = client.get(made["mp4_path"]).content
        sent = {"clip": ("mine.mp4", clip, "video/mp4")}
        scored = client.post("/score", files=sent, headers={"Prefer": "wait=100"}).json()
        assert scored["kind"] == "score" and scored["state"] == "done" and scored["mp4_path"] is None
        assert scored["order"] == {"clip": {"name": "mine.mp4"}, "prompt": None, "profile": None}
        (tmp_path / "mine.mp4").write_bytes(clip)
        told = json.loads(telling.run("score", str(tmp_path / "mine.mp4"), "--json").stdout)
        assert scored["scores"]["temporal_consistency"] == told["scores"]["temporal_consistency"]
        assert scored["verdict"] == told["verdict"]["decision"]
        broken = {"clip": ("broken.mp4", clip[:200] + bytes(5000), "video/mp4")}
        failed = client.post("/score", files=broken, headers={"Prefer": "wait=100"}).json()
        assert failed["state"] == "failed" and "broken.mp4" in failed["reason"]
        assert str(telling.home) not in json.dumps(failed)
        refused = client.post("/score", files={"clip": ("a.mp4", b"hello", "video/mp4")})
        assert refused.status_code == 422 and "a.mp4 is no video" in refused.json()["detail"]
