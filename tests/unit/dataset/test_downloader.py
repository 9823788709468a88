"""Files arrive whole and right, or not at all with a reason; against a real server that has every fault."""

from __future__ import annotations

import hashlib
import shutil
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest
from file_server import Answer, FileServer

from reelops.dataset.fetch.download import addresses, transfer
from reelops.dataset.fetch.download.failures import Gone, Stopped
from reelops.dataset.fetch.download.settings import Remote
from reelops.errors import DownloadError, MachineError, SettingsError


def remote_of(*urls: str, content: bytes | None = None) -> Remote:
    return Remote(urls=urls, sha256=hashlib.sha256(content).hexdigest() if content else None)


def a_dead_address() -> str:
    """Of a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/a.mp4"


def nothing_but(target: Path, folder: Path) -> bool:
    """No half-done file is anywhere, and nothing under a final name but the target."""
    return [path for path in folder.rglob("*") if path.is_file()] == [target]


def test_a_file_arrives_with_its_bytes_and_leaves_nothing_else(server: FileServer, desk, tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.mp4"
    seen: list[tuple[int, int | None]] = []
    desk.downloader().download(remote_of(f"{server.url}/a.mp4"), target, lambda *step: seen.append(step))
    assert target.read_bytes() == server.files["/a.mp4"]
    assert nothing_but(target, tmp_path)
    assert seen[0] == (0, 1_024_000) and seen[-1] == (1_024_000, 1_024_000)
    assert seen == sorted(seen)


def test_a_body_that_breaks_off_is_gone_on_with_where_it_ended(server: FileServer, desk, tmp_path: Path) -> None:
    server.answers["/a.mp4"] = [Answer(cut_after=300_000), Answer(cut_after=200_000)]
    desk.downloader().download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == server.files["/a.mp4"]
    first, second, third = server.asked_for("/a.mp4")
    assert first.range is None
    assert int(second.range[6:-1]) > 0 and int(third.range[6:-1]) > int(second.range[6:-1])
    assert second.if_range and (second.status, third.status) == (206, 206)


def stop_half_way(server: FileServer, desk, target: Path, **more: object) -> None:
    """Leaves a partial file, as a killed run does."""
    server.answers["/a.mp4"] = [Answer(cut_after=400_000)]
    with pytest.raises(DownloadError):
        desk.downloader(rounds=1).download(remote_of(f"{server.url}/a.mp4", **more), target)
    assert not target.exists()
    server.asked.clear()


def test_a_file_that_changed_in_between_comes_anew(server: FileServer, desk, tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    stop_half_way(server, desk, target)
    server.files["/a.mp4"] = b"new" * 300_000
    desk.downloader().download(remote_of(f"{server.url}/a.mp4"), target)
    assert target.read_bytes() == b"new" * 300_000
    assert [one.status for one in server.asked] == [200]


def test_a_server_that_ignores_ranges_sends_all_of_it_again(server: FileServer, desk, tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    stop_half_way(server, desk, target)
    server.always["/a.mp4"] = Answer(ignore_range=True)
    desk.downloader().download(remote_of(f"{server.url}/a.mp4"), target)
    assert target.read_bytes() == server.files["/a.mp4"]


def test_without_etag_and_checksum_nothing_half_is_trusted(server: FileServer, desk, tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    server.answers["/a.mp4"] = [Answer(cut_after=400_000, headers={"ETag": 'W/"weak"'})]
    with pytest.raises(DownloadError):
        desk.downloader(rounds=1).download(remote_of(f"{server.url}/a.mp4"), target)
    server.asked.clear()
    desk.downloader().download(remote_of(f"{server.url}/a.mp4"), target)
    assert server.asked[0].range is None
    assert target.read_bytes() == server.files["/a.mp4"]


def test_half_a_file_is_completed_from_another_mirror_where_a_checksum_judges(
    server: FileServer, desk, tmp_path: Path
) -> None:
    content = server.files["/a.mp4"]
    server.files["/mirror.mp4"] = content
    server.answers["/a.mp4"] = [Answer(cut_after=400_000)]
    server.always["/a.mp4"] = Answer(503)
    remote = remote_of(f"{server.url}/a.mp4", f"{server.url}/mirror.mp4", content=content)
    desk.downloader().download(remote, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == content
    assert server.asked_for("/mirror.mp4")[0].status == 206


def test_bytes_left_by_another_file_do_not_spoil_a_good_mirror(server: FileServer, desk, tmp_path: Path) -> None:
    """The partial file is of other content; joined with the rest of the right one its checksum is wrong."""
    target, content = tmp_path / "a.mp4", server.files["/a.mp4"]
    server.files["/a.mp4"] = b"\1" * len(content)
    stop_half_way(server, desk, target, content=content)
    server.files["/a.mp4"] = content
    server.files["/b.mp4"] = content
    desk.downloader().download(remote_of(f"{server.url}/b.mp4", content=content), target)
    assert target.read_bytes() == content
    assert [one.status for one in server.asked_for("/b.mp4")] == [206, 200]


def test_wrong_bytes_are_refused_and_the_next_mirror_is_asked(server: FileServer, desk, tmp_path: Path) -> None:
    content = server.files["/a.mp4"]
    server.files["/wrong.mp4"] = content[:-1] + b"!"
    remote = remote_of(f"{server.url}/wrong.mp4", f"{server.url}/a.mp4", content=content)
    desk.downloader().download(remote, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == content
    assert len(server.asked_for("/wrong.mp4")) == 1


def test_wrong_bytes_everywhere_are_lost_with_the_reason(server: FileServer, desk, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="other bytes than its sha256 says"):
        desk.downloader().download(remote_of(f"{server.url}/a.mp4", content=b"else"), tmp_path / "a.mp4")
    assert not list(tmp_path.rglob("*.mp4")) and not list(tmp_path.rglob("*.partial"))


def test_another_size_than_expected_is_refused_before_it_comes(server: FileServer, desk, tmp_path: Path) -> None:
    remote = Remote(urls=(f"{server.url}/a.mp4",), size_bytes=5)
    with pytest.raises(DownloadError, match=r"is 1,024,000 bytes long, 5 are expected"):
        desk.downloader().download(remote, tmp_path / "a.mp4")
    server.always["/a.mp4"] = Answer(unsized=True)
    with pytest.raises(DownloadError, match=r"is 1,024,000 bytes long, 5 are expected"):
        desk.downloader().download(remote, tmp_path / "a.mp4")


def test_a_dead_mirror_costs_only_the_way_to_the_next(server: FileServer, desk, tmp_path: Path) -> None:
    desk.downloader().download(remote_of(a_dead_address(), f"{server.url}/a.mp4"), tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").exists()


def test_a_host_that_never_answers_is_left_alone_after_a_while(desk, tmp_path: Path) -> None:
    downloader = desk.downloader(max_consecutive_failures=4)
    address = a_dead_address()
    for name in ("a", "b"):
        with pytest.raises(DownloadError, match=r"cannot be reached|failed 4 times in a row"):
            downloader.download(remote_of(address), tmp_path / name)
    with pytest.raises(DownloadError, match=r"not asked: 127.0.0.1 has failed 4 times in a row"):
        downloader.download(remote_of(address), tmp_path / "c")


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_not_asked_for_again_until_it_is_forgotten(
    server: FileServer, desk, tmp_path: Path, status: int
) -> None:
    server.always["/a.mp4"] = Answer(status)
    remote = remote_of(f"{server.url}/a.mp4")
    for _ in range(2):
        with pytest.raises(Gone, match=rf"a\.mp4: gone \({status} "):
            desk.downloader().download(remote, tmp_path / "a.mp4")
    assert len(server.asked) == 1
    with (tmp_path / "gone.jsonl").open("a") as file:
        file.write('{"url": "http://cut by a ki')
    server.always.clear()
    downloader = desk.downloader()
    assert len(downloader.tombstones.find(remote.urls[0]).date) == len("2026-11-21")
    assert downloader.tombstones.forget() == 1
    downloader.download(remote, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").exists()


def test_what_is_gone_from_one_mirror_only_is_no_loss(server: FileServer, desk, tmp_path: Path) -> None:
    remote = remote_of(f"{server.url}/absent.mp4", f"{server.url}/a.mp4")
    desk.downloader().download(remote, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").exists()


@pytest.mark.parametrize("wait", [lambda: "1", lambda: formatdate(time.time() + 2, usegmt=True)], ids=["1 s", "date"])
def test_a_server_that_asks_to_wait_is_waited_for(
    server: FileServer, desk, tmp_path: Path, wait: Callable[[], str]
) -> None:
    server.answers["/a.mp4"] = [Answer(429, {"Retry-After": wait()})]
    began = time.monotonic()
    desk.downloader().download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")
    assert time.monotonic() - began >= 0.9


def test_another_mirror_is_taken_meanwhile(server: FileServer, desk, tmp_path: Path) -> None:
    server.answers["/a.mp4"] = [Answer(503, {"Retry-After": "30"})]
    other_name = server.url.replace("127.0.0.1", "localhost")
    began = time.monotonic()
    remote = remote_of(f"{server.url}/a.mp4", f"{other_name}/a.mp4")
    desk.downloader().download(remote, tmp_path / "a.mp4")
    assert time.monotonic() - began < 20


def test_a_server_that_asks_for_too_long_a_wait_is_given_up_for_now(server: FileServer, desk, tmp_path: Path) -> None:
    server.always["/a.mp4"] = Answer(429, {"Retry-After": "7200"})
    with pytest.raises(DownloadError, match=r"left alone for 7,200 s \(429 Too Many Requests\); run again then"):
        desk.downloader().download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")
    assert len(server.asked) == 1


def test_passing_faults_are_tried_again_and_then_named(server: FileServer, desk, tmp_path: Path) -> None:
    server.always["/a.mp4"] = Answer(502)
    with pytest.raises(DownloadError, match="502 Bad Gateway"):
        desk.downloader(rounds=3).download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 451])
def test_a_refusal_is_asked_only_once_and_is_no_tombstone(
    server: FileServer, desk, tmp_path: Path, status: int
) -> None:
    server.always["/a.mp4"] = Answer(status)
    downloader = desk.downloader()
    with pytest.raises(DownloadError, match=rf"refused \({status} "):
        downloader.download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")
    assert len(server.asked) == 1 and not len(downloader.tombstones)


def test_a_silent_server_is_waited_for_only_so_long(server: FileServer, desk, tmp_path: Path) -> None:
    server.answers["/a.mp4"] = [Answer(cut_after=300_000, hold=True)]
    desk.downloader(read_seconds=0.3).download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == server.files["/a.mp4"]


def test_a_login_page_is_not_taken_for_a_video(server: FileServer, desk, tmp_path: Path) -> None:
    server.always["/a.mp4"] = Answer(headers={"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(DownloadError, match="web page instead of the file"):
        desk.downloader().download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")


def test_offline_nobody_is_asked(server: FileServer, desk, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="the run is offline"):
        desk.downloader(offline=True).download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")
    assert not server.asked


def test_a_file_that_does_not_fit_is_refused_before_a_byte_comes(server: FileServer, desk, tmp_path: Path) -> None:
    keep = (shutil.disk_usage(tmp_path).free - 500_000) / 1e9
    with pytest.raises(MachineError, match=r"are to stay free \(dataset.download.keep_free_gb\)"):
        desk.downloader(keep_free_gb=keep).download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")
    assert not (tmp_path / "a.mp4").exists()


def test_a_stop_ends_waits_and_transfers_and_keeps_what_came(server: FileServer, desk, tmp_path: Path) -> None:
    desk.stopping.set()
    with pytest.raises(Stopped):
        desk.downloader().download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")
    assert not server.asked


# ---- where addresses may lead ----


@pytest.mark.parametrize(
    "url", ["file://localhost/etc/passwd", "ftp://example.org/a", "http:///a", "gopher://x", "/a.mp4"]
)
def test_only_http_is_spoken(desk, tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError):
        desk.downloader().download(remote_of(url), tmp_path / "a")


@pytest.mark.parametrize("location", ["file://localhost/etc/passwd", "ftp://127.0.0.1/a"])
def test_a_redirect_to_another_scheme_is_refused(server: FileServer, desk, tmp_path: Path, location: str) -> None:
    server.always["/a.mp4"] = Answer(302, {"Location": location})
    with pytest.raises(DownloadError, match="is not an http or https address"):
        desk.downloader().download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")


def test_redirects_among_private_hosts_are_followed_but_not_for_ever(server: FileServer, desk, tmp_path: Path) -> None:
    server.always["/moved"] = Answer(301, {"Location": "/a.mp4"})
    desk.downloader().download(remote_of(f"{server.url}/moved"), tmp_path / "a.mp4")
    server.always["/circle"] = Answer(302, {"Location": "/circle"})
    with pytest.raises(DownloadError, match="redirects more than 6 times"):
        desk.downloader().download(remote_of(f"{server.url}/circle"), tmp_path / "b.mp4")


def test_a_public_host_may_not_redirect_into_the_private_network_unless_it_is_allowed(
    server: FileServer, desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No public host is at hand, so the name 127.0.0.1 stands for one: only its address is judged otherwise."""
    real = addresses.is_private
    monkeypatch.setattr(transfer, "is_private", lambda host: host != "127.0.0.1" and real(host))
    monkeypatch.setattr(transfer, "_check_peer", lambda answer: None)
    server.always["/a.mp4"] = Answer(302, {"Location": server.url.replace("127.0.0.1", "localhost") + "/b.mp4"})
    server.files["/b.mp4"] = b"b"
    remote = remote_of(f"{server.url}/a.mp4")
    with pytest.raises(DownloadError, match=r"redirects to localhost, an address of a private network"):
        desk.downloader().download(remote, tmp_path / "a.mp4")
    assert not server.asked_for("/b.mp4")
    desk.downloader(allow_private_redirects=True).download(remote, tmp_path / "a.mp4")


def test_a_public_name_that_leads_home_is_found_out_on_the_connection(
    server: FileServer, desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a name's address changes between the look at it and the connection."""
    monkeypatch.setattr(transfer, "is_private", lambda host: False)
    with pytest.raises(DownloadError, match=r"leads to 127.0.0.1, an address of a private network"):
        desk.downloader().download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")


@pytest.mark.parametrize("excepted", ["127.0.0.1", "{host}"])
def test_an_exception_from_the_proxy_is_none_from_that(
    server: FileServer, desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, excepted: str
) -> None:
    """What is asked past a proxy is asked directly, also where NO_PROXY names a port."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", excepted.format(host=server.url.removeprefix("http://")))
    monkeypatch.setattr(transfer, "is_private", lambda host: False)
    with pytest.raises(DownloadError, match=r"leads to 127.0.0.1, an address of a private network"):
        desk.downloader().download(remote_of(f"{server.url}/a.mp4"), tmp_path / "a.mp4")


def test_a_token_goes_to_its_own_origin_and_not_along_with_a_redirect(server: FileServer, desk, tmp_path: Path) -> None:
    server.always["/moved"] = Answer(302, {"Location": server.url.replace("127.0.0.1", "localhost") + "/a.mp4"})
    desk.downloader(tokens={server.url: "secret"}).download(remote_of(f"{server.url}/moved"), tmp_path / "a.mp4")
    assert [(one.path, one.token) for one in server.asked] == [("/moved", "Bearer secret"), ("/a.mp4", None)]


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True), ("10.1.2.3", True), ("192.168.0.1", True), ("169.254.169.254", True), ("::1", True),
        ("fe80::1%eth0", True), ("fd00::1", True), ("::ffff:10.0.0.1", True), ("100.64.0.1", True), ("0.0.0.0", True),  # noqa: S104 - only looked at
        ("93.184.216.34", False), ("2606:4700::1111", False), ("::ffff:93.184.216.34", False),
    ],
)  # fmt: skip
def test_private_addresses_are_known(address: str, private: bool) -> None:
    assert addresses.is_private_address(address) is private


@pytest.mark.parametrize(
    ("name", "value"), [("ALL_PROXY", "gopher://x"), ("HTTPS_PROXY", "http://[::1"), ("SSL_CERT_FILE", "/nowhere")]
)
def test_an_environment_that_leads_nowhere_is_one_line_once_something_is_asked(
    desk, tmp_path: Path, monkeypatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    downloader = desk.downloader()
    with pytest.raises(SettingsError, match="correct HTTP_PROXY") as caught:
        downloader.download(Remote(urls=("http://127.0.0.1:9/a.mp4",)), tmp_path / "a.mp4")
    assert "\n" not in str(caught.value)
