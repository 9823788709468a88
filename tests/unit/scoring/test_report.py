"""The report holds everything, asks for nothing, and no name or prompt gets out of its place."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from footage import filmed, write_clip
from PIL import Image

from reelops.gate.limits import Limit
from reelops.gate.timeline import first_frame_of, worst_frames
from reelops.metrics.place import Place
from reelops.pages.build import safe_json
from reelops.pages.numbers import human
from reelops.scoring.batch import score_clips
from reelops.scoring.comparison.paired import compare
from reelops.scoring.report.build import write_report
from reelops.scoring.report.figures import WIDTH, histogram
from reelops.scoring.report.media import MediaJob, make_media
from reelops.scoring.report.thinning import thinned
from reelops.video.decode import read_clip
from reelops.video.encode import encode

NASTY = "</script><script>alert(1)</script>&\"'\u2028.mp4"


def facts_in(page: str, clip: int) -> dict:
    return json.loads(re.search(rf'id="clip-{clip}"[^>]*>(.*?)</script>', page, re.DOTALL)[1])


@pytest.fixture(scope="module")
def page(scored, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert write_report(scored, path, workers=1) == []
    return path.read_text()


# ---- the page ----


def test_numbers_and_reasons_are_there_without_any_script(page, scored):
    plain = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "3 clips: 1 to be reviewed, 1 rejected, 1 not scored." in " ".join(plain.split())
    for clip in scored:
        assert clip.path.name in plain
        for reason in clip.verdict.reasons if clip.verdict else ():
            assert reason.text in plain
    assert human(scored[2].scores["sharpness"]) in plain
    assert scored[0].error.split(";")[0].replace("'", "&#39;") in plain


def test_the_page_names_no_address_but_its_own(page):
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)[^\"']+", page)
    own = re.sub(r"<script type=\"text/plain\".*?</script>", "", page, flags=re.DOTALL)
    assert set(re.findall(r"https?://[^\s\"'<]+", own)) == {"http://www.w3.org/2000/svg"}
    assert "default-src &#39;none&#39;" in page


def test_a_clip_brings_its_own_bytes_and_every_series_of_its_scores(page, scored):
    facts = facts_in(page, 2)
    held = re.search(r'id="video-2">(.*?)</script>', page)[1]
    assert base64.b64decode(held) == scored[2].path.read_bytes()
    series = {one["metric"]: one["series"] for one in facts["measures"] if one["series"]}
    assert set(series) == {name for name, one in scored[2].scores.measures.items() if one.series}
    assert series["sharpness"] == pytest.approx(scored[2].scores.measures["sharpness"].series, rel=1e-4)
    assert facts["lineage"] and "zoom.json" in json.dumps(facts["lineage"])
    assert facts["measures"][0]["answer"] in ("review", "reject"), "what holds a clip back comes first"


def test_the_first_frame_stands_beside_the_picture_that_a_clip_started_from(scored, tmp_path):
    picture = tmp_path / "source.png"
    Image.new("RGB", (96, 64), (200, 30, 30)).save(picture)
    clip = replace(scored[2], origin=replace(scored[2].origin, picture=picture))
    gone = replace(scored[2], origin=replace(scored[2].origin, picture=tmp_path / "gone.png"))
    write_report([clip, gone], tmp_path / "report.html", workers=1)
    page = (tmp_path / "report.html").read_text()
    (shown,) = re.findall(r'class="source" src="data:image/jpeg;base64,([^"]+)"', page)
    red = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown)))).reshape(-1, 3).mean(axis=0)
    assert np.abs(red - (200, 30, 30)).max() < 4
    first = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(re.search(r'class="first" src="[^,]+,([^"]+)"', page)[1])))
    )
    expected = np.asarray(Image.fromarray(read_clip(clip.path)[0]).resize(first.shape[1::-1]))
    assert np.abs(first.astype(int) - expected).mean() < 8
    assert facts_in(page, 0)["picture"] and facts_in(page, 1)["picture"] is None


def test_features_that_nobody_asked_for_are_no_rows_of_the_page(scored, tmp_path):
    write_report(scored * 2, tmp_path / "report.html", workers=1)
    page = (tmp_path / "report.html").read_text()
    assert "colour and layout" in page and "not available" not in page


def test_no_name_or_prompt_gets_out_of_its_place(scored, tmp_path):
    clip = replace(scored[2], path=Path(NASTY), origin=replace(scored[2].origin, prompt=NASTY), notes=(NASTY,))
    write_report([clip], tmp_path / "report.html", workers=1)
    page = (tmp_path / "report.html").read_text()
    assert "alert(1)</script>" not in page and "<script>alert" not in page
    assert facts_in(page, 0)["name"] == Path(NASTY).name
    assert json.loads(safe_json({"name": NASTY})) == {"name": NASTY}


def test_a_comparison_shows_both_and_its_findings(scored, tmp_path):
    old = [replace(clip, path=clip.path.parent.parent / "old" / clip.path.name) for clip in scored]
    comparison = compare(scored, old, None, None)
    write_report(scored, tmp_path / "report.html", comparison, "old", workers=1)
    page = (tmp_path / "report.html").read_text()
    assert "Compared with old" in page and "too few pairs" in page
    before = re.search(r'id="clip-2" data-before="(\d+)"', page)[1]
    assert facts_in(page, int(before))["name"] == "zoom.mp4"


def test_videos_over_the_budget_are_left_out_and_the_page_and_the_caller_say_so(scored, tmp_path):
    notes = write_report(scored, tmp_path / "report.html", media_budget_bytes=1000, workers=1)
    page = (tmp_path / "report.html").read_text()
    assert "2 of 3 videos are not in the report" in notes[0]
    assert "2 videos are not in this file" in page and 'id="video-' not in page
    media = facts_in(page, 2)["media"]
    assert media["kind"] == "linked" and media["link"].endswith("zoom.mp4") and "over the" in media["note"]


# ---- media ----


def test_a_clip_that_browsers_do_not_play_comes_as_a_preview_of_the_same_frames(tmp_path):
    frames = filmed(num_frames=9)
    source = encode(frames, tmp_path / "clip.mp4", Fraction(8), "lossless")
    media = make_media(MediaJob(source.path, (3, 5), 1_000_000), lambda _: None)
    assert media.kind == "preview" and "preview" in media.note and set(media.frames) == {3, 5}
    (tmp_path / "preview.mp4").write_bytes(media.video)
    shown = read_clip(tmp_path / "preview.mp4")
    assert shown.shape == frames.shape
    assert np.abs(shown.astype(int) - frames).mean() < 8


def test_a_broken_clip_has_no_media_and_says_why(clips_folder):
    media = make_media(MediaJob(clips_folder / "broken.mp4", (), 1000), lambda _: None)
    assert (media.kind, media.thumbnail) == ("none", None) and "not a video" in media.note


# ---- timelines ----


def test_a_series_is_laid_on_the_frames_it_speaks_of():
    assert first_frame_of("sharpness", 49, 49) == 0
    assert first_frame_of("scene_cut", 48, 49) == 1, "a step belongs to the frame it leads to"
    assert first_frame_of("flicker", 47, 49) == 1, "three frames: the middle one"
    assert first_frame_of("returns", 47, 49) == 2, "the third is the one that goes back"
    assert first_frame_of("psnr", 1, 49) == 0, "a picture is compared with the first frame"


def test_worst_frames_are_the_worst_by_the_metrics_direction_and_lie_apart():
    series = [1.0] * 24
    series[4], series[5], series[20] = 9.0, 8.0, 7.0
    assert worst_frames("flicker", series, 26, None) == [5, 21, 1]
    assert worst_frames("sharpness", [5.0, 4.0, None, 1.0, 5.0], 5, None)[0] == 3
    assert worst_frames("brightness", [0.5, 0.02, 0.5, 0.9], 4, Limit(review_below=0.1))[0] == 1
    assert worst_frames("brightness", [0.5] * 9, 9, None) == []


def test_long_series_are_thinned_without_losing_a_spike():
    series = [0.0] * 18_000
    series[12_345] = 1.0
    kept, step = thinned(series)
    assert len(kept) <= 2000 and kept[12_345 // step] == 1.0
    assert thinned([None, 0.123456])[0] == [None, 0.12346]


# ---- histograms ----


def test_a_histogram_counts_every_clip_and_draws_limits_that_are_near():
    drawn = histogram("flicker", [0.01, 0.012, 0.05], Limit(review_above=0.03, reject_above=0.08), 1)
    assert sum(int(bar.words.split()[0]) for bar in drawn.bars) == 3
    assert [line.decision for line in drawn.lines] == ["review", "reject"]
    assert all(0 <= zone.x <= WIDTH and zone.x + zone.width <= WIDTH + 0.01 for zone in drawn.zones)


def test_limits_far_from_the_values_are_named_beside_the_axis():
    drawn = histogram("sharpness", [300.0, 310.0], Limit(review_below=15, reject_below=2), 0)
    assert drawn.lines == () and drawn.off_axis == "reject below 2, review below 15"


def test_too_few_clips_to_spread_are_shown_at_once(scored, tmp_path):
    for number, drawn in ((1, False), (2, True)):
        write_report(scored * number, tmp_path / "report.html", workers=1)
        assert ("How the clips spread" in (tmp_path / "report.html").read_text()) is drawn


def test_equal_values_are_told_as_one_number(scored, tmp_path):
    assert histogram("duplicated_share", [0.25, 0.25], None, 0).is_one
    assert not histogram("duplicated_share", [0.25, 0.5], None, 0).is_one
    write_report([scored[2]] * 5, tmp_path / "report.html", workers=1)
    page = (tmp_path / "report.html").read_text()
    assert f'<p class="one-value">{human(scored[2].scores["sharpness"])}</p>' in page
    assert "for all 5 clips that have it" in page and "data-spread=" not in page.split("<script")[0]


def test_equal_values_have_an_axis_too():
    assert histogram("duplicated_share", [0.0, 0.0], None, 0).high > 0


# ---- a clip that varies its rate is played evenly ----


def test_an_odd_sized_clip_fits_into_a_preview(order, tmp_path):
    clip = write_clip(tmp_path / "odd.mp4", filmed()[:, :63, :95])
    (result,) = score_clips([clip.path], order, workers=1)
    assert result.scores is not None
    assert write_report([result], tmp_path / "report.html", workers=1) == []


def test_a_reason_comes_with_the_frame_that_it_points_to_marked(scored, tmp_path):
    clip = scored[2]
    where = Place(2, (0.0, 0.0, 0.5, 1.0), ((1.0, 0.0), (1.0, 0.0)))
    first, *others = clip.verdict.reasons
    verdict = replace(
        clip.verdict, reasons=(replace(first, place=where), *(replace(one, place=None) for one in others))
    )
    write_report([replace(clip, verdict=verdict)], tmp_path / "report.html", workers=1)
    told, *rest = facts_in((tmp_path / "report.html").read_text(), 0)["reasons"]
    assert told["place"] == {"frame": 2, "since": None, "box": [0.0, 0.0, 0.5, 1.0]}
    assert all(one["marked"] is None for one in rest)
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(told["marked"].partition(",")[2])))).astype(int)
    plain = np.asarray(Image.fromarray(read_clip(clip.path)[2]).resize(shown.shape[1::-1])).astype(int)
    redder = (shown - plain)[..., 0] - (shown - plain)[..., 2]
    half = shown.shape[1] // 2
    assert redder[:, : half // 2].mean() > 40 and abs(redder[:, -half // 2 :].mean()) < 8
