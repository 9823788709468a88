"""Clips that say odd things of themselves, or end the process that opens them: each costs itself alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from footage import textured
from PIL import Image
from worker_jobs import DeadlyPath, HungryPath

from reelops.foreign import LONGEST_JSON, json_object
from reelops.metrics.settings import ScoreSettings
from reelops.params import load_config
from reelops.scoring.batch import ScoringOrder, score_clips
from reelops.scoring.origin import find_origin
from reelops.scoring.score_store import score_store
from reelops.system.digest import sha256_of
from reelops.video.provenance import read_provenance

FAST = ScoreSettings(temporal_engine="dis", temporal_rows=160, temporal_scale=120.0)
ODD_VALUES: Mapping[str, object] = {
    "a name of 300 letters": "x" * 300 + ".png",
    "a name of a million letters": "x" * 1_000_000,
    "a NUL": "a\0b.png",
    "half a letter": "cat\ud83d.png",
    "a terminal's commands": "\x1b[2J\x07\nb.png",
    "a number": 7,
    "a list": ["cat.png"],
    "nothing": None,
    "an empty text": "",
    "a folder": "..",
    "the root": "/",
    "a file without an end": "/dev/zero",
    "a file that is no picture": "/proc/self/environ",
}
ODD_JSON = {
    "nested 3,000 deep": '{"reelops":' + '{"a":' * 3000 + "1" + "}" * 3001,
    "nested 100,000 deep": '{"reelops":' + "[" * 100_000 + "]" * 100_000 + "}",
    "nested 200 deep": '{"reelops":{"a":' + "[" * 200 + "]" * 200 + "}}",
    "endless numbers": '{"reelops":{"seed":1e999,"steps":-Infinity,"guidance":NaN}}',
    "a number of 5,000 digits": '{"reelops":{"seed":' + "7" * 5000 + "}}",
    "a list": "[1, 2]",
    "a list under our name": '{"reelops":[1]}',
    "cut short": '{"reelops":{"prompt":"a c',
    "four megabytes": '{"reelops":{"prompt":"' + "x" * LONGEST_JSON + '"}}',
}


@pytest.fixture
def order(tmp_path: Path, repository: Path) -> ScoringOrder:
    order = ScoringOrder.of(load_config(params_file=repository / "params.yaml"))
    return replace(order, score_settings=FAST, store=score_store(tmp_path / "scores"))


def write_commented(path: Path, comment: str) -> Path:
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = comment
        stream = container.add_stream("libx264", rate=Fraction(8))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shift in range(3):
            frame_HWC = np.ascontiguousarray(textured()[shift : shift + 48, :64])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("field", ["picture", "prompt", "profile", "picture_sha256"])
@pytest.mark.parametrize("odd", ODD_VALUES)
def test_odd_values_in_a_clips_metadata_are_used_or_left(tmp_path: Path, field: str, odd: str) -> None:
    told = {"picture": "cat.png", field: ODD_VALUES[odd]}
    clip = write_commented(tmp_path / "clip.mp4", json.dumps({"reelops": told}))
    check_usable(clip)


@pytest.mark.parametrize("field", ["picture", "prompt", "profile"])
@pytest.mark.parametrize("odd", ODD_VALUES)
def test_odd_values_beside_a_clip_are_used_or_left(tmp_path: Path, field: str, odd: str) -> None:
    clip = write_commented(tmp_path / "clip.mp4", "")
    take = {"sha256": sha256_of(clip), "order": {field: ODD_VALUES[odd]}}
    clip.with_suffix(".json").write_text(json.dumps(take))
    check_usable(clip)


@pytest.mark.parametrize("odd", ODD_JSON)
def test_odd_json_is_no_provenance(tmp_path: Path, odd: str) -> None:
    clip = write_commented(tmp_path / "clip.mkv", ODD_JSON[odd])
    assert read_provenance(clip) is None
    clip.with_suffix(".json").write_text(ODD_JSON[odd])
    check_usable(clip)


def check_usable(clip: Path) -> None:
    origin = find_origin(clip, sha256_of(clip))
    assert origin.picture is None
    assert all(len(note) < 500 and note.isprintable() for note in origin.notes)
    if origin.prompt is not None:
        origin.prompt.encode()
    json.dumps(dict(origin.lineage), allow_nan=False)


def test_a_picture_is_still_found(tmp_path: Path) -> None:
    Image.fromarray(textured()).save(tmp_path / "cat.png")
    clip = write_commented(tmp_path / "clip.mp4", json.dumps({"reelops": {"picture": "/elsewhere/cat.png"}}))
    assert find_origin(clip, sha256_of(clip)).picture == tmp_path / "cat.png"


def test_a_clip_that_ends_its_process_costs_itself_alone(tmp_path: Path, order: ScoringOrder) -> None:
    good = write_commented(tmp_path / "good.mp4", "")
    odd = write_commented(tmp_path / "odd.mp4", ODD_JSON["nested 3,000 deep"])
    deadly = DeadlyPath(write_commented(tmp_path / "deadly.mp4", ""))
    scored = score_clips([good, deadly, odd], order, workers=2)
    assert [clip.scores is not None for clip in scored] == [True, False, True]
    assert scored[1].error == "deadly.mp4: the process that worked on it was ended by SIGSEGV"


def test_a_clip_whose_process_is_killed_twice_costs_itself_alone_and_is_asked_again(
    tmp_path: Path, order: ScoringOrder
) -> None:
    path = write_commented(tmp_path / "hungry.mp4", "")
    good = write_commented(tmp_path / "good.mp4", "")
    scored = score_clips([HungryPath(path), good], order, workers=2)
    assert [clip.scores is not None for clip in scored] == [False, True]
    assert "was ended by SIGKILL, twice; was there too little memory?" in (scored[0].error or "")
    assert score_clips([path, good], order, workers=2)[0].scores is not None


@pytest.mark.parametrize("text", [*ODD_JSON.values(), "", "7", "\ufeff{}", '{"a":' * 60 + "1" + "}" * 60])
def test_json_that_cannot_be_handed_on_is_refused_as_one_kind_of_error(text: str) -> None:
    if text == ODD_JSON["a list under our name"]:
        assert json_object(text) == {"reelops": [1]}
    else:
        with pytest.raises(ValueError, match=None):
            json_object(text)


def test_json_of_a_usual_depth_is_read() -> None:
    assert json_object('{"a":{"b":[1,2.5,{"c":null}]}}') == {"a": {"b": [1, 2.5, {"c": None}]}}
