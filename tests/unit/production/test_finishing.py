"""The clip after its generation: larger with its picture's detail, longer over seams, and judged in both states."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from footage import textured
from PIL import Image

from reelops.clip import ClipOrder
from reelops.errors import Cancelled, InputError
from reelops.gate.decision import Decision
from reelops.generators.camera_moves import CameraMovesGenerator
from reelops.generators.catalogue import Generators
from reelops.generators.contract import Generation
from reelops.generators.finish import plan_finish
from reelops.metrics.reference.psnr import psnr
from reelops.params import Config, load_config
from reelops.production.mlflow_record import run_record
from reelops.production.producer import Producer, build_producer
from reelops.progress import QUIET, Progress, RunContext
from reelops.system.digest import sha256_of
from reelops.tracking.lineage import whole_percent
from reelops.video.decode import read_frames
from reelops.video.probe import probe
from reelops.video.provenance import read_provenance

WIDTH, HEIGHT, FRAMES = 96, 64, 9


class SmallModel(CameraMovesGenerator):
    """Films the whole picture at 96x64, as a model does that makes small clips of nine frames and no others."""

    def generate(self, order: ClipOrder, context: RunContext = QUIET) -> Generation:
        small = order.but(width=WIDTH, height=HEIGHT, num_frames=FRAMES, seconds=None, size=None)
        made = super().generate(small, context)
        with Image.open(order.picture) as picture:
            finish = plan_finish(order, made.format, picture.size, "192p")
        return replace(made, finish=finish)


@pytest.fixture
def config(repository: Path, tmp_path: Path) -> Config:
    blocks = yaml.safe_load((repository / "params.yaml").read_text())
    profiles = {"moves": {"kind": "camera_moves", "num_frames": FRAMES, "width": WIDTH, "height": HEIGHT}}
    content = {"profiles": profiles, "score": blocks["score"], "gate": blocks["gate"]}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    return load_config(params_file=tmp_path / "params.yaml", home=tmp_path / "home")


@pytest.fixture
def producer(config: Config) -> Producer:
    return build_producer(config, Generators(config, {"camera_moves": SmallModel}))


@pytest.fixture
def order(tmp_path: Path) -> ClipOrder:
    Image.fromarray(textured(432, 288)).save(tmp_path / "picture.png")
    return ClipOrder(picture=tmp_path / "picture.png", prompt="static", profile="moves", quality="lossless")


Frames = Callable[[Path], np.ndarray]


@pytest.fixture
def frames_in() -> Frames:
    return lambda clip: np.stack([timed.frame_HWC for timed in read_frames(clip)])


def test_a_finished_clip_is_nearer_to_its_picture_than_the_enlarged_one_and_says_what_was_done(
    producer: Producer, order: ClipOrder, tmp_path: Path, frames_in: Frames
) -> None:
    take = producer.produce(order, tmp_path / "clip.mp4", track=False)
    plain = producer.produce(order.but(detail="off", size="192p"), tmp_path / "plain.mp4", track=False)
    assert (take.clip.format.width, take.clip.format.height) == (288, 192) == (probe(take.clip.path).width, 192)
    picture = np.asarray(Image.open(order.picture).resize((288, 192), Image.Resampling.LANCZOS))
    finished, enlarged = (psnr(frames_in(one.clip.path)[-1], picture) for one in (take, plain))
    assert finished > enlarged + 2

    share, last = take.facts["detail_share"], take.facts["detail_share_last_frame"]
    assert 0.5 < share <= 1 and 0.5 < last <= 1
    where = f"{whole_percent(share)} of the pixels, {whole_percent(last)} in the last frame"
    assert f"the picture's own detail is carried to {where}" in take.notes
    told = read_provenance(take.clip.path)
    assert told is not None and told["generated_size"] == "96x64"
    assert told["detail"] == f"carried from picture.png on {where}"
    untold = read_provenance(plain.clip.path)
    assert untold is not None and untold["detail"] == "none, the clip is enlarged"
    assert list(take.seconds) == ["device", "draw", "detail", "write", "score", "other"]
    assert not list((tmp_path / "home/cache/scratch").iterdir())


def test_without_detail_a_clip_is_the_generated_one_and_knows_nothing_of_finishing(
    producer: Producer, config: Config, order: ClipOrder, tmp_path: Path
) -> None:
    bare = producer.produce(order.but(detail="off"), tmp_path / "bare.mp4", track=False)
    small = order.but(width=WIDTH, height=HEIGHT)
    plain = build_producer(config).produce(small, tmp_path / "plain.mp4", track=False)
    assert bare.clip.sha256 == plain.clip.sha256
    assert bare.bare is None and "verdict_on_finished" not in bare.to_json()
    assert not any("detail" in name or "generated" in name for name in bare.facts)


def test_the_bare_clip_is_measured_as_it_would_be_without_detail(
    producer: Producer, order: ClipOrder, tmp_path: Path
) -> None:
    take = producer.produce(order, tmp_path / "clip.mp4", track=False)
    bare = producer.produce(order.but(detail="off"), tmp_path / "bare.mp4", track=False)
    assert take.bare is not None
    assert take.bare.scores.to_json() == bare.scores.to_json() != take.scores.to_json()
    assert take.bare.verdict == bare.verdict
    kept = json.loads(take.sidecar.read_text())
    assert kept["bare"]["verdict"] == bare.verdict.to_json() and kept["verdict"] == take.verdict.to_json()
    record = run_record(take, [])
    assert record.metrics["score_of_bare.sharpness"] == take.bare.scores["sharpness"]
    assert record.tags["verdict.bare"] == bare.verdict.decision.value
    assert record.params["detail_share"] == take.facts["detail_share"]


def test_of_two_verdicts_the_worse_counts_and_both_are_kept(
    producer: Producer, order: ClipOrder, tmp_path: Path, config: Config
) -> None:
    take = producer.produce(order, tmp_path / "clip.mp4", track=False)
    assert take.bare is not None
    between = (take.scores["sharpness"] + take.bare.scores["sharpness"]) / 2
    blocks = yaml.safe_load(config.params_file.read_text())
    side = "above" if take.scores["sharpness"] > between else "below"
    for wanted, limits in (
        ("bare", {f"reject_{'below' if side == 'above' else 'above'}": between}),
        ("finished", {f"reject_{side}": between}),
    ):
        content = {**blocks, "gate": {"default": {"wrong_camera_move": "review", "metrics": {"sharpness": limits}}}}
        config.params_file.write_text(yaml.safe_dump(content))
        strict = load_config(params_file=config.params_file, home=config.home)
        made = build_producer(strict, Generators(strict, {"camera_moves": SmallModel}))
        found = made.produce(order, tmp_path / f"{wanted}.mp4", track=False)
        assert found.bare is not None and found.verdict_on_finished is not None
        verdicts = {"bare": found.bare.verdict, "finished": found.verdict_on_finished}
        assert verdicts[wanted].decision is Decision.REJECT is found.verdict.decision
        assert found.verdicts_differ and found.verdict == verdicts[wanted]
        assert found.is_rejected


def test_steps_are_reported_in_their_order_and_one_who_asks_to_stop_is_heard_in_the_detail(
    producer: Producer, order: ClipOrder, tmp_path: Path
) -> None:
    stages: list[str] = []

    def note(event: Any) -> None:
        if isinstance(event, Progress):
            stages.append(event.stage)

    producer.produce(order, tmp_path / "clip.mp4", RunContext(note), track=False)
    assert list(dict.fromkeys(stages)) == ["draw", "detail", "write", "score"]
    stages.clear()
    with pytest.raises(Cancelled, match="after detail of"):
        producer.produce(order, tmp_path / "other.mp4", RunContext(note, lambda: "detail" in stages), track=False)
    assert not (tmp_path / "other.mp4").exists()


def test_a_picture_that_is_another_one_by_then_is_not_taken_for_the_first(
    producer: Producer, order: ClipOrder, tmp_path: Path
) -> None:
    def exchange(event: Any) -> None:
        if isinstance(event, Progress) and event.stage == "draw" and event.done == FRAMES:
            Image.fromarray(textured(432, 288, seed=1)).save(order.picture)

    with pytest.raises(InputError, match=r"picture\.png was changed while its clip was made\. Order the clip again"):
        producer.produce(order, tmp_path / "clip.mp4", RunContext(exchange), track=False)


def test_a_longer_clip_goes_on_from_its_last_frame_and_tells_of_its_seams(
    producer: Producer, order: ClipOrder, tmp_path: Path, frames_in: Frames
) -> None:
    take = producer.produce(order.but(seconds=2.5, prompt="slow zoom in"), tmp_path / "clip.mp4", track=False)
    frames_THWC = frames_in(take.clip.path)
    assert len(frames_THWC) == 20 == take.clip.format.num_frames
    assert [seam["frame"] for seam in take.facts["seams"]] == [8, 16]
    assert any(
        note.startswith("the clip is made of 3 pieces; the step over a seam, where a usual one is 1: at 1.1 s ")
        for note in take.notes
    )
    told = read_provenance(take.clip.path)
    assert told is not None and told["pieces"] == 3
    steps = np.abs(np.diff(frames_THWC.astype(float), axis=0)).mean(axis=(1, 2, 3))
    assert steps.min() > 0, "no frame is shown twice"
    assert take.facts["num_frames"] == 20
    assert not list((tmp_path / "home/cache/scratch").iterdir())


def test_a_shorter_clip_is_the_beginning_of_the_whole_one(
    producer: Producer, order: ClipOrder, tmp_path: Path, frames_in: Frames
) -> None:
    moving = order.but(prompt="slow zoom in", detail="off")
    whole = producer.produce(moving, tmp_path / "whole.mp4", track=False)
    part = producer.produce(moving.but(seconds=0.5), tmp_path / "part.mp4", track=False)
    assert np.array_equal(frames_in(part.clip.path), frames_in(whole.clip.path)[:4])
    assert "seams" not in part.facts and part.facts["num_frames"] == 4


def test_a_made_clip_is_the_bare_one(producer: Producer, order: ClipOrder, tmp_path: Path) -> None:
    take = producer.produce(order.but(detail="off"), tmp_path / "clip.mp4", track=False)
    made = producer.make(order, tmp_path / "made.mp4")
    assert sha256_of(tmp_path / "made.mp4") == made.clip.sha256
    assert (made.clip.format.width, made.clip.format.height) == (take.clip.format.width, take.clip.format.height)
