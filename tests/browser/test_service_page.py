"""The service's page in a real browser, on a real service: from a picture to a clip, and all that may go wrong."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason='the service comes with pip install "reelops[service]"')

from chromium_page import chromium, until
from service_client import Service, picture, start, stop, submit
from service_page import FAINT, PALE, barriers, clip, fill, go, opened, start_with_gate


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    served = start_with_gate(tmp_path_factory.mktemp("page"), most_upload_mb=1)
    yield served
    stop(served)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as made:
        yield made


@pytest.fixture
def page(service: Service, browser: Any) -> Iterator[Any]:
    with opened(service, browser) as made:
        yield made


def test_a_picture_and_a_sentence_become_a_clip_with_verdict_and_scores(service: Service, page: Any) -> None:
    fill(page, "A tower in the rain, pan left")
    until(page, "document.getElementById('understood').textContent.includes('pan left')")
    until(page, "document.getElementById('plan').textContent.includes('64 × 48')")
    page.click("#go")
    page.wait_for_selector(".verdict.accept")
    page.wait_for_selector(".scores tbody tr")
    assert page.inner_text(".heading .prompt") == "A tower in the rain, pan left"
    until(page, "document.querySelector('#stage-body video').currentTime > 0.1")
    assert "at least 0.055" in page.inner_text(".scores")
    assert page.complaints == []
    assert all(address.startswith((service.url, "blob:")) for address in page.asked)


def test_what_cannot_be_used_is_said_beside_it_and_nothing_is_lost(service: Service, page: Any) -> None:
    page.click("#go")
    assert "choose one" in page.inner_text("#picture-problem")
    assert "slow zoom in" in page.inner_text("#prompt-problem")
    for name, kind, content, told in (
        ("notes.txt", "text/plain", b"no picture", "notes.txt is no picture"),
        ("large.png", "image/png", bytes(1_200_000), "1 MB is the most"),
        ("named-so.png", "image/png", b"\x89PNG and no more", "named-so.png is no picture"),
    ):
        page.set_input_files("#image", files=[{"name": name, "mimeType": kind, "buffer": content}])
        until(page, f"document.getElementById('picture-problem').textContent.includes({told!r})")
    fill(page, "pan left")
    assert not page.is_visible("#picture-problem")
    page.click("#more summary")
    page.fill("[name=seconds]", "0.5")
    page.select_option("[name=size]", "1080p")
    until(page, "document.getElementById('plan').textContent.includes('the picture is 160x120')")
    page.select_option("#profile", "long")
    page.fill("[name=seconds]", "61")
    page.click("#go")
    until(page, "document.getElementById('order-problem').textContent.includes('at most 60 seconds')")
    page.reload()
    assert page.input_value("#prompt") == "pan left"
    until(page, "document.getElementById('shown').naturalWidth === 160")


def test_a_camera_move_takes_another_ones_place_and_goes_when_it_is_pressed_again(page: Any) -> None:
    page.fill("#prompt", "A tower, pan left.")
    still = page.get_by_role("button", name="still camera")
    for sentence in ("A tower, still camera.", "A tower."):
        still.click()
        assert page.input_value("#prompt") == sentence
        assert still.get_attribute("aria-pressed") == str("still" in sentence).lower()


def test_a_rejected_clip_says_why_and_shows_where(service: Service, page: Any) -> None:
    job = clip(service, PALE, prompt="slow zoom in")
    assert job["verdict"] == "reject"
    go(page, f"clip/{job['id']}")
    page.wait_for_selector(".verdict.reject")
    assert "Contrast is 0." in page.inner_text(".reasons li.reject")
    page.click(".seek")
    until(page, "document.querySelector('#stage-body video').paused")
    until(page, "!document.querySelector('#stage-body video').seeking")
    assert page.is_visible(".region")
    seconds = float(page.inner_text(".seek").split()[-2])
    assert abs(page.evaluate("document.querySelector('#stage-body video').currentTime") - seconds) < 0.13
    page.click("text=Another take")
    until(page, f"!location.hash.endsWith({job['id']!r})")
    page.wait_for_selector(".verdict.reject")
    with service.client() as client:
        again = client.get(f"/jobs/{page.url.rpartition('/')[2]}").json()
    assert again["seed"] != job["seed"]
    assert again["order"]["picture"] == job["order"]["picture"]


def test_the_copied_call_gives_the_same_clip(service: Service, page: Any, tmp_path: Path) -> None:
    job = clip(service, prompt="It's 5 o'clock; `ls` $HOME, pan left", seed=5)
    (tmp_path / "photo.png").write_bytes(picture(5))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    go(page, f"clip/{job['id']}")
    page.click("text=Copy API call")
    until(page, "document.getElementById('said').textContent.includes('copied')")
    call = page.evaluate("navigator.clipboard.readText()")
    done = subprocess.run(
        ["bash", "-c", call.replace("curl ", "curl -sS -H 'Prefer: wait=120' ", 1)],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "REELOPS_KEY": service.token},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["sha256"] == job["sha256"]


def test_several_takes_have_seeds_of_their_own_and_go_into_line(service: Service, page: Any) -> None:
    fill(page, "tilt up")
    page.select_option("#takes", "3")
    page.click("#more summary")
    page.fill("#seed", "41")
    page.click("#go")
    until(page, "location.hash.startsWith('#/clip/')")
    with service.client() as client:
        latest = client.get("/jobs", params={"limit": 3}).json()["jobs"]
    assert [job["order"]["seed"] for job in latest] == [43, 42, 41]
    for job in latest:
        page.wait_for_selector(f"#strip [data-key='{job['id']}'] .accept")
    page.reload()
    page.click("#earlier")
    assert page.inner_text("#sentences li:first-child") == "tilt up"


@pytest.fixture
def line(service: Service) -> Iterator[list[str]]:
    """Ids of a job that takes long, and of three that wait behind it."""
    with service.client() as client:
        ids = [submit(client, profile="long").json()["id"]]
        ids += [submit(client, prompt=f"pan left {name}").json()["id"] for name in ("one", "two", "three")]
        yield ids
        for uid in ids:
            client.delete(f"/jobs/{uid}")


def test_the_line_is_moved_by_buttons_and_by_hand_paused_and_cancelled(
    service: Service, page: Any, line: list[str]
) -> None:
    busy, one, two, three = line
    rows = {uid: page.locator(f"#line [data-key='{uid}']") for uid in line}

    def stand(*ids: str) -> None:
        shown = "[...document.querySelectorAll('#line .job')].map((row) => row.dataset.key).join()"
        until(page, f"{shown} === {','.join(ids)!r}")
        with service.client() as client:
            assert [job["id"] for job in client.get("/queue").json()] == [uid for uid in ids if uid != busy]

    until(page, f"document.querySelector(\"#line [data-key='{busy}']\")?.dataset.state === 'running'")
    stand(busy, one, two, three)
    rows[three].get_by_role("button", name="Earlier").click()
    stand(busy, one, three, two)
    grip, top = rows[two].locator(".grip").bounding_box(), rows[one].bounding_box()
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(grip["x"] + 5, top["y"] + 3, steps=4)
    page.mouse.up()
    until(page, "document.getElementById('said').textContent.includes('Number 1 in line')")
    stand(busy, two, one, three)
    rows[one].get_by_role("button", name="Pause").click()
    rows[one].get_by_role("button", name="Resume").wait_for()
    for number, uid in enumerate([three, one, two, busy]):
        rows[uid].get_by_role("button", name="Cancel").click()
        until(page, f"document.querySelectorAll('#line .job').length === {3 - number}")
        with service.client() as client:
            assert client.get(f"/jobs/{uid}").json()["state"] == "cancelled"
    assert page.complaints == []


def test_clips_are_found_by_words_and_verdict_and_two_are_compared_in_step(service: Service, page: Any) -> None:
    good, faint = clip(service, prompt="pan right alpha"), clip(service, FAINT, prompt="pan right beta")
    go(page, "clips")
    page.fill("#find", "pan right")
    until(page, "document.querySelectorAll('#cards .card').length === 2")
    page.click("#standings [data-key=review]")
    until(page, "document.querySelectorAll('#cards .card').length === 1")
    assert "beta" in page.inner_text("#cards")
    page.click("#standings [data-key=review]")
    for job in (good, faint):
        page.locator(f"[data-key='{job['id']}'] input").check()
    page.click("#compare-them")
    until(page, f"location.hash.endsWith('compare/{good['id']}/{faint['id']}')")
    until(page, "[...document.querySelectorAll('#compare video')].every((one) => one.readyState > 2)")
    page.keyboard.press(".")
    page.keyboard.press(".")
    times = "[...document.querySelectorAll('#compare video')].map((one) => one.currentTime)"
    until(page, f"({times}).every((one) => Math.abs(one - 0.25) < 0.02)")
    page.keyboard.press(" ")
    until(page, f"({times})[0] > 0.3")
    first, second = page.evaluate(times)
    assert abs(first - second) < 0.15
    assert page.inner_text(".differences tbody tr:first-child th") == "Contrast"
    assert page.complaints == []


def test_votes_are_blind_given_by_keys_and_kept_where_calibration_reads_them(service: Service, page: Any) -> None:
    for number in range(2):
        clip(service, prompt=f"tilt down {number}", seed=number)
    go(page, "vote")
    page.wait_for_selector("#vote video")
    shown = page.evaluate("[...document.querySelectorAll('#vote video')].map((one) => one.src.split('/').pop())")
    assert "tilt" not in page.inner_text("#vote")
    page.keyboard.press("l")
    page.keyboard.press("ArrowRight")
    until(page, "document.getElementById('vote-body').textContent.includes('1 vote of yours')")
    with (service.home / "service" / "clips" / "votes.csv").open(newline="") as file:
        (vote,) = csv.DictReader(file)
    assert [vote["left"], vote["right"]] == shown
    assert (vote["better"], vote["left_usable"], vote["right_usable"]) == ("right", "no", "yes")


def test_the_truth_comes_back_after_offline_spells_and_a_restart_in_every_tab(tmp_path: Path, browser: Any) -> None:
    service = start_with_gate(tmp_path)
    try:
        with opened(service, browser) as page:
            other = page.context.new_page()
            other.goto(page.url)
            fill(page, "zoom out")
            page.context.set_offline(True)
            page.click("#go")
            until(page, "document.getElementById('order-problem').textContent.includes('does not answer')")
            made = clip(service, prompt="made meanwhile")
            page.context.set_offline(False)
            for tab in (page, other):
                until(tab, f"document.querySelector(\"#strip [data-key='{made['id']}']\") !== null")
            stop(service)
            for tab in (page, other):
                until(tab, "!document.getElementById('link').hidden")
            service = start(tmp_path, service.environment, port=int(service.url.rpartition(":")[2]))
            for tab in (page, other):
                until(tab, "document.getElementById('link').hidden")
            page.click("#go")
            page.wait_for_selector(".verdict")
            until(other, "document.getElementById('strip').textContent.includes('zoom out')")
            with service.client() as client:
                prompts = [job["order"]["prompt"] for job in client.get("/jobs").json()["jobs"]]
            assert prompts.count("zoom out") == 1
    finally:
        stop(service)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_nobody_is_shut_out(service: Service, browser: Any, width: int, scheme: str) -> None:
    good, pale = clip(service, prompt="x" * 300), clip(service, PALE, prompt="pan left")
    with opened(service, browser, width=width, color_scheme=scheme, reduced_motion="reduce") as page:
        found = {"empty": barriers(page)}
        fill(page)
        page.click("#more summary")
        until(page, "document.getElementById('plan').textContent.includes('64 × 48')")
        found["filled"] = barriers(page)
        page.fill("#prompt", "")
        page.click("#go")
        found["refused"] = barriers(page)
        views = (f"clip/{good['id']}", f"clip/{pale['id']}", "clips", f"compare/{good['id']}/{pale['id']}", "vote")
        there = ("#stage .scores", ".reasons", "#cards .card", "#compare .transport", "#vote video")
        for view, sign in zip(views, there, strict=True):
            go(page, view)
            page.wait_for_selector(sign)
            found[view] = barriers(page)
        page.goto(f"{service.url}/")
        page.context.clear_cookies()
        page.goto(f"{service.url}/")
        found["door"] = barriers(page)
    assert found == {view: [] for view in found}


def test_the_keyboard_alone_makes_a_clip(page: Any) -> None:
    page.focus("#image")
    names = []
    for _ in range(14):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert names.index("prompt") < names.index("profile")
    page.set_input_files("#image", files=[{"name": "a.png", "mimeType": "image/png", "buffer": b""}])
    fill(page)
    page.focus("#prompt")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".verdict")


def test_a_key_opens_the_door_to_its_own_clips_alone(service: Service, browser: Any) -> None:
    mine = clip(service, prompt="pan left, mine")
    secret = service.new_key("news", "--scopes", "read,generate,score")
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.url)
    page.fill("#key", "no-such-key")
    page.click("button")
    assert "Nobody has this key" in page.inner_text("[role=alert]")
    page.fill("#key", secret)
    page.click("button")
    page.wait_for_selector("#order")
    assert page.evaluate("JSON.parse(document.getElementById('facts').textContent).jobs") == []
    for path in ("", "/picture", "/scores"):
        assert context.request.get(f"{service.url}/jobs/{mine['id']}{path}").status == 404
    assert context.cookies()[0]["httpOnly"]
    context.close()
