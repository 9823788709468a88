"""The report in a real browser: it plays, its cursor follows, and it asks nothing of any network."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import Page, browser
from footage import filmed, textured, write_clip

from reelops.camera.moves import CameraMove
from reelops.system.csv_cells import to_cell


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """A report on three clips, one of them with a name that would break a careless page, compared with themselves."""
    folder = tmp_path_factory.mktemp("browser")
    for name in ("new", "old"):
        (folder / name).mkdir()
        seed = 0 if name == "new" else 1
        write_clip(folder / name / "a.mp4", filmed(CameraMove.ZOOM_IN, 17, seed), {"prompt": "</script><b>zoom in"})
        write_clip(folder / name / "b<img src=x>.mp4", filmed(CameraMove.PAN_LEFT, 17, seed))
        write_clip(folder / name / "c.mp4", np.repeat(textured(96, 64)[None], 17, axis=0))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "reelops.cli", "score", str(folder / "new")),
            *("--compare", str(folder / "old"), "--html", str(folder / "report.html")),
        ],
        env={**os.environ, "REELOPS_HOME": str(folder / "home")},
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 3, done.stderr
    return folder / "report.html"


@pytest.fixture(scope="module")
def report_of_one(report: Path, repository: Path) -> Path:
    """A report on the first of these clips alone."""
    page = report.with_name("one.html")
    command = [sys.executable, "-m", "reelops.cli", "score", str(report.parent / "new" / "a.mp4"), "--html", str(page)]
    home = {"REELOPS_HOME": str(report.parent / "home")}
    subprocess.run(command, env={**os.environ, **home}, cwd=repository, capture_output=True, timeout=600)
    return page


@pytest.fixture(scope="module")
def report_of_five(report: Path, repository: Path) -> Path:
    """A report on these clips and two more, enough to show how they spread."""
    page, old = report.with_name("five.html"), report.parent / "old"
    clips = [str(report.parent / "new"), *(str(old / name) for name in ("a.mp4", "b<img src=x>.mp4"))]
    command = [sys.executable, "-m", "reelops.cli", "score", *clips, "--html", str(page)]
    home = {"REELOPS_HOME": str(report.parent / "home")}
    subprocess.run(command, env={**os.environ, **home}, cwd=repository, capture_output=True, timeout=600)
    return page


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as page:
        yield page


def opened(page: Page, report: Path, part: str = "", **how: int | str) -> Page:
    page.complaints.clear()
    page.requests.clear()
    page.open(f"{report.as_uri()}{part}", **how)  # type: ignore[arg-type]
    return page


def assert_calm(page: Page) -> None:
    assert page.complaints == []
    foreign = [address for address in page.requests if not address.startswith(("file:", "data:", "blob:", "about:"))]
    assert foreign == []


FRAME = "Number(document.getElementById('scrubber').value)"
VIDEO = "document.querySelector('.screen video')"
CURSORS = "[...document.querySelectorAll('.cursor')].map((line) => Number(line.getAttribute('x1')))"


def test_it_opens_without_a_complaint_or_a_request(page: Page, report: Path) -> None:
    opened(page, report)
    assert page.run("document.querySelectorAll('#table tbody tr').length") == 3
    assert page.run("document.querySelector('#table tbody').textContent.includes('b<img src=x>.mp4')")
    assert_calm(page)


def test_a_report_of_one_clip_opens_with_its_player(page: Page, report: Path, report_of_one: Path) -> None:
    assert opened(page, report).run("document.getElementById('viewer').open") is False
    assert opened(page, report_of_one).run("document.getElementById('viewer').open") is True
    assert page.run("document.getElementById('count').textContent") == "1 clip"
    assert_calm(page)


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (1400, "dark"), (400, "light"), (400, "dark")])
def test_nothing_is_wider_than_the_window(page: Page, report: Path, width: int, scheme: str) -> None:
    for part in ("", "#clip-0"):
        opened(page, report, part, width=width, height=900, scheme=scheme)
        assert page.run("document.documentElement.scrollWidth") <= width
        assert page.run("document.getElementById('viewer').scrollWidth") <= width
    left, right = page.run(
        "(({left, right}) => [left, right])(document.getElementById('scrubber').getBoundingClientRect())"
    )
    assert left >= 0 and right <= width, "the slider is whole"
    rows = page.run("""new Set(['previous', 'next', 'close'].map((one) =>
      Math.round(document.getElementById(one).getBoundingClientRect().top))).size""")
    assert rows == 1, "the buttons stand in one row"
    assert_calm(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_the_contrast_that_wcag_asks_for(page: Page, report: Path, scheme: str) -> None:
    opened(page, report, scheme=scheme)
    assert page.faint_texts() == []


@pytest.mark.parametrize("width", [1400, 400])
def test_the_clips_come_first_with_their_pictures_and_the_histograms_are_folded(
    page: Page, report_of_five: Path, width: int
) -> None:
    opened(page, report_of_five, width=width, height=900)
    top = page.run("document.querySelector('#table .first').getBoundingClientRect().top")
    assert top < 900, "the first clip is seen without scrolling"
    assert page.run("document.querySelector('[data-spread]').checkVisibility()") is False
    assert page.run("document.querySelectorAll('#table tbody .first').length") == 5
    assert_calm(page)


def test_the_keys_that_go_from_clip_to_clip_leave_a_wide_table_where_it_is(page: Page, report: Path) -> None:
    opened(page, report, width=800)
    focused = "Number(document.activeElement.closest('tr')?.dataset.clip)"
    for key, clip in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1)):
        page.press(key)
        assert page.run(focused) == clip
        assert page.run("document.querySelector('.tall').scrollLeft") == 0


def test_a_clips_name_stays_beside_its_numbers(page: Page, report: Path) -> None:
    opened(page, report, width=800)
    page.run("document.querySelector('.tall').scrollLeft = 1500")
    left = page.run("document.querySelector('#table tbody th').getBoundingClientRect().left")
    assert left >= page.run("document.querySelector('.tall').getBoundingClientRect().left")


SAVED = """(async () => {
  const blobs = [], kept = URL.createObjectURL;
  URL.createObjectURL = (blob) => { blobs.push(blob); return kept.call(URL, blob); };
  for (const id of ['save-csv', 'save-json']) document.getElementById(id).click();
  URL.createObjectURL = kept;
  return Promise.all(blobs.map((blob) => blob.text()));
})()"""


def test_a_persons_decisions_are_made_by_key_or_button_kept_and_saved(page: Page, report: Path, tmp_path: Path) -> None:
    opened(page, report)
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    said = "document.getElementById('num-decided').textContent"
    assert page.run(said) == "Nothing decided yet."
    for key in ("j", "a", "j", "r"):
        page.press(key)
    page.run("document.querySelector('tr[data-clip=\"2\"] .decide .accept').click()")
    assert page.run("document.getElementById('viewer').open") is False, "a decision opens no clip"
    assert page.run(said) == "You have decided 3 of 3."

    opened(page, report, "#clip-1")
    pressed = "document.querySelector('#deciding-here [aria-pressed=true]')?.dataset.decision ?? null"
    assert page.run(pressed) == "reject", "what was decided is still there in another visit"
    page.press("u")
    assert page.run(pressed) is None
    page.press("Escape")
    page.wait_for("!document.getElementById('viewer').open")
    shown = "[...document.querySelectorAll('#table tbody tr:not([hidden])')].map((row) => Number(row.dataset.clip))"
    page.run("document.getElementById('decided').value = 'none'")
    page.run("document.getElementById('decided').dispatchEvent(new Event('change'))")
    assert page.run(shown) == [1]

    table, listed = page.run(SAVED)
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [(Path(row["path"]).name, row["decision"]) for row in rows] == [("a.mp4", "accept"), ("c.mp4", "accept")]
    assert [(one["path"], one["sha256"], one["decision"]) for one in json.loads(listed)] == [
        (row["path"], row["sha256"], row["decision"]) for row in rows
    ]
    assert rows[1]["verdict"] == "reject" and "; ".join(json.loads(listed)[1]["reasons"]) == rows[1]["reasons"]
    saved = tmp_path / "decisions.csv"
    deadline = time.monotonic() + 30
    while not saved.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert saved.read_bytes().decode() == table

    page.run("window.confirm = () => false; document.getElementById('forget').click()")
    assert page.run(said) == "You have decided 2 of 3.", "no click alone takes work away"
    page.run("window.confirm = () => true; document.getElementById('forget').click()")
    assert page.run(said) == "Nothing decided yet."
    assert_calm(page)


@pytest.mark.parametrize("path", ["=1+1.mp4", " -1.mp4", "＝1.mp4", "'@1.mp4", "\n1.mp4", "'1.mp4", "1-1.mp4"])
def test_no_spreadsheet_takes_a_saved_decision_for_a_formula(page: Page, report: Path, path: str) -> None:
    opened(page, report)
    page.run(f"""(() => {{
      const told = document.getElementById('clip-0');
      told.textContent = JSON.stringify({{...JSON.parse(told.textContent), path: {json.dumps(path)}}});
      document.querySelector('tr[data-clip="0"] .decide .accept').click();
    }})()""")
    (row,) = csv.DictReader(io.StringIO(page.run(SAVED)[0], newline=""))
    assert row["path"] == to_cell(path)
    page.run("document.querySelector('tr[data-clip=\"0\"] .decide .accept').click()")


def test_whoever_decides_on_clip_after_clip_goes_on_where_the_last_one_was(page: Page, report: Path) -> None:
    opened(page, report)
    page.run("document.getElementById('decided').value = 'none'")
    page.run("document.getElementById('decided').dispatchEvent(new Event('change'))")
    focused = "Number(document.activeElement.closest('tr')?.dataset.clip ?? -1)"
    for key in ("j", "j", "a"):
        page.press(key)
    assert page.run("document.querySelector('tr[data-clip=\"1\"]').hidden"), "the decided clip is shown no more"
    page.press("j")
    assert page.run(focused) == 2
    page.run("window.confirm = () => true; document.getElementById('forget').click()")


def test_every_clip_is_printed_and_no_button_that_paper_has_no_use_for(page: Page, report: Path) -> None:
    opened(page, report, height=300)
    page.run("document.querySelector('tr[data-clip=\"0\"] .decide .accept').click()")
    page.call("Emulation.setEmulatedMedia", media="print")
    box, last = page.run("""['.tall', '#table tbody tr:last-child'].map((one) =>
      document.querySelector(one).getBoundingClientRect().bottom)""")
    assert last <= box
    seen = page.run(
        "[...document.querySelectorAll('button')].filter((one) => one.checkVisibility()).map((one) => one.id)"
    )
    assert not {"save-csv", "save-json", "forget"} & set(seen)
    assert page.run("[...document.querySelectorAll('.decide button')].map((one) => one.checkVisibility())") == [
        *(True, False, False, False, False, False)
    ]
    page.call("Emulation.setEmulatedMedia", media="")
    page.run("document.querySelector('tr[data-clip=\"0\"] .decide .accept').click()")


def test_the_cursor_follows_the_player(page: Page, report: Path) -> None:
    opened(page, report, "#clip-0")
    page.wait_for(f"{VIDEO}.readyState >= 2")
    page.run("document.getElementById('speed').value = '0.25'; document.getElementById('play').click()")
    page.wait_for(f"{FRAME} >= 3")
    page.run("document.getElementById('play').click()")
    page.wait_for(f"{VIDEO}.paused")
    frame = page.run(FRAME)
    # The frame that is shown is the one under the cursor, or the next, if it came just before the pause.
    assert 0 <= page.run(f"Math.floor({VIDEO}.currentTime * 8 + 0.01)") - frame <= 1
    cursors = page.run(CURSORS)
    assert len(cursors) > 5 and len(set(cursors)) == 1
    assert cursors[0] == pytest.approx(4 + frame / 16 * 992, abs=0.1)
    assert_calm(page)


def test_a_click_on_a_timeline_moves_the_player_there(page: Page, report: Path) -> None:
    opened(page, report, "#clip-0")
    page.wait_for(f"{VIDEO}.readyState >= 2")
    x, y = page.run("""(() => {
      const box = document.querySelector('.plot svg').getBoundingClientRect();
      return [box.left + box.width * (4 + 0.5 * 992) / 1000, box.top + box.height / 2];
    })()""")
    page.click(x, y)
    page.wait_for(f"{FRAME} === 8")
    page.wait_for(f"!{VIDEO}.seeking && Math.floor({VIDEO}.currentTime * 8) === 8")
    assert_calm(page)


def test_two_clips_play_in_step(page: Page, report: Path) -> None:
    opened(page, report, "#clip-0")
    assert page.run("document.querySelectorAll('.screen video').length") == 2
    page.wait_for("[...document.querySelectorAll('.screen video')].every((video) => video.readyState >= 2)")
    page.run("document.getElementById('speed').value = '0.5'; document.getElementById('play').click()")
    page.wait_for(f"{FRAME} >= 5")
    apart = page.run("(([a, b]) => Math.abs(a.currentTime - b.currentTime))([...document.querySelectorAll('video')])")
    assert apart < 2 / 8
    assert_calm(page)


def test_keys_step_play_and_go_to_the_next_clip(page: Page, report: Path) -> None:
    opened(page, report, "#clip-0")
    page.wait_for(f"{VIDEO}.readyState >= 2")
    page.run("document.activeElement.blur()")
    for key, frame in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
        page.press(key)
        page.wait_for(f"{FRAME} === {frame}")
    page.press(" ")
    page.wait_for(f"!{VIDEO}.paused")
    page.press("j")
    page.wait_for("location.hash === '#clip-1'")
    assert page.run("document.getElementById('viewer-name').textContent") == "b<img src=x>.mp4"
    page.press("k")
    page.wait_for("location.hash === '#clip-0'")
    page.press("Escape")
    page.wait_for("!document.getElementById('viewer').open")
    assert_calm(page)


def test_the_table_is_sorted_and_filtered(page: Page, report: Path) -> None:
    opened(page, report)
    shown = "[...document.querySelectorAll('#table tbody tr:not([hidden])')].map((row) => Number(row.dataset.clip))"
    page.run("[...document.querySelectorAll('#table th button')].find((one) => one.textContent === 'Clip').click()")
    assert page.run(shown) == [0, 1, 2]
    page.run("[...document.querySelectorAll('#table th button')].find((one) => one.textContent === 'Clip').click()")
    assert page.run(shown) == [2, 1, 0]
    page.run("document.querySelector('.tile.reject').click()")
    assert page.run(shown) == [2]
    page.run("document.querySelector('.tile.reject').click(); document.getElementById('find').value = 'ZOOM'")
    page.run("document.getElementById('find').dispatchEvent(new Event('input'))")
    assert page.run(shown) == [0]
    assert page.run("document.getElementById('count').textContent") == "1 of 3 clips"


def test_clips_are_found_by_a_metrics_values_and_by_a_histograms_bar(page: Page, report_of_five: Path) -> None:
    opened(page, report_of_five)
    shown = "[...document.querySelectorAll('#table tbody tr:not([hidden])')].map((row) => Number(row.dataset.clip))"
    page.run("document.getElementById('metric').value = 'motion'")
    page.run("document.getElementById('metric').dispatchEvent(new Event('change'))")
    page.run("document.getElementById('high').value = '0.01'")
    page.run("document.getElementById('high').dispatchEvent(new Event('input'))")
    assert page.run(shown) == [2]
    page.run("document.getElementById('all').click(); document.getElementById('distributions').open = true")
    assert len(page.run(shown)) == 5 and page.run("document.getElementById('high').disabled")
    x, y = page.run("""(() => {
      const figure = document.querySelector('[data-spread=motion]');
      figure.scrollIntoView({ block: 'center' });
      const bar = [...figure.querySelectorAll('.bar')].at(-1).getBoundingClientRect();
      return [bar.left + bar.width / 2, bar.top + bar.height / 2];
    })()""")
    page.click(x, y)
    fastest = page.run("""Math.max(...[...document.querySelectorAll('#table tbody tr')].map((row) =>
      Number(row.cells[document.querySelector('th[data-metric=motion]').cellIndex].dataset.v)))""")
    assert page.run("document.getElementById('metric').value") == "motion"
    assert float(page.run("document.getElementById('high').value")) >= fastest
    assert 1 <= len(page.run(shown)) < 5
    assert_calm(page)


def test_every_control_has_a_name(page: Page, report: Path) -> None:
    opened(page, report, "#clip-0")
    nameless = page.run("""[...document.querySelectorAll('button, input, select, video, svg[role=img]')].filter((one) =>
      !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML)""")
    assert nameless == [], json.dumps(nameless, indent=1)
