"""A batch: every order gets its clip once, whatever ends the run, and one bad order stops no other."""

from __future__ import annotations

import csv
import itertools
import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from footage import textured
from PIL import Image

from reelops.addresses import sqlite_uri
from reelops.clip import ClipOrder
from reelops.errors import Cancelled, InputError, OutOfMemory
from reelops.generators.camera_moves import CameraMovesGenerator
from reelops.generators.catalogue import Generators
from reelops.generators.contract import Generation
from reelops.params import Config, load_config
from reelops.production.batch.lanes import BatchSettings, _events_of_a_clip, name_of_batch
from reelops.production.batch.requests import Request, read_requests
from reelops.production.batch.results import finished
from reelops.production.batch.run import check_batch, open_batch, run_batch
from reelops.production.batch.summary import SUMMARY, TABLE, BatchSummary
from reelops.production.jobs.job import State
from reelops.production.jobs.ledger import Ledger
from reelops.production.output_names import sidecar_of
from reelops.production.producer import Producer, build_producer
from reelops.progress import QUIET, Event, LogMessage, Progress, RunContext

UNTRACKED = BatchSettings(retries=1, lanes=2, track=False)


@pytest.fixture
def params(repository: Path) -> dict[str, Any]:
    blocks = yaml.safe_load((repository / "params.yaml").read_text())
    profiles = {"moves": {"kind": "camera_moves", "num_frames": 5, "width": 64, "height": 48}}
    return {
        "profiles": profiles,
        "score": blocks["score"],
        "gate": {"default": {"wrong_camera_move": "review", "metrics": {}}},
    }


def config_of(params: dict[str, Any], folder: Path) -> Config:
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return load_config(params_file=folder / "params.yaml", home=folder / "home")


@pytest.fixture
def config(params: dict[str, Any], tmp_path: Path) -> Config:
    return config_of(params, tmp_path)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return tmp_path / "clips"


def write_jobs(folder: Path, number: int) -> Path:
    for name in ("quay", "street"):
        if not (folder / f"{name}.png").exists():
            Image.fromarray(textured(160, 120)).save(folder / f"{name}.png")
    rows = [
        {"picture": f"{'quay' if n % 2 else 'street'}.png", "prompt": "pan left", "profile": "moves", "seed": n}
        for n in range(number)
    ]
    (folder / "jobs.json").write_text(json.dumps(rows))
    return folder / "jobs.json"


def run(
    jobs: Path,
    clips: Path,
    config: Config,
    settings: BatchSettings = UNTRACKED,
    producer: Producer | None = None,
    context: RunContext = QUIET,
) -> BatchSummary:
    producer = producer or build_producer(config)
    checked = check_batch(jobs, producer)
    checked.require_usable()
    with open_batch(checked, clips, config.ledger_uri, settings) as ledger:
        return run_batch(producer, ledger, clips, settings, checked, context)


def times_of(clips: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in clips.glob("*.mp4")}


class OneBreaks(CameraMovesGenerator):
    """Seed 1 meets a fault of ours, seed 2 a picture that is gone."""

    def generate(self, order: ClipOrder, context: RunContext = QUIET) -> Generation:
        if order.seed == 1:
            raise ZeroDivisionError("by nothing")
        if order.seed == 2:
            raise InputError("the picture is gone")
        return super().generate(order, context)


def test_every_order_has_its_clip_with_a_row_in_the_table_and_the_next_run_makes_none(
    tmp_path: Path, clips: Path, config: Config
) -> None:
    jobs = write_jobs(tmp_path, 4)
    summary = run(jobs, clips, config)
    assert (summary.counts[State.DONE], summary.success_rate, summary.exit_code, summary.made_now) == (4, 1.0, 0, 4)
    with (clips / TABLE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["position"], row["state"], row["seed"]) for row in rows] == [
        (str(n + 1), "done", str(n)) for n in range(4)
    ]
    assert all(Path(row["clip"]).is_file() and sidecar_of(Path(row["clip"])).is_file() for row in rows)
    assert json.loads((clips / SUMMARY).read_text())["success_rate"] == 1.0
    before = times_of(clips)
    assert len(before) == 4
    jobs = write_jobs(tmp_path, 5)
    assert run(jobs, clips, config).made_now == 1
    assert {name: when for name, when in times_of(clips).items() if name in before} == before


def test_what_breaks_one_order_stops_no_other_and_is_told_and_tried_again(
    tmp_path: Path, clips: Path, config: Config, capfd: pytest.CaptureFixture[str]
) -> None:
    jobs = write_jobs(tmp_path, 4)
    breaking = build_producer(config, Generators(config, {"camera_moves": OneBreaks}))
    summary = run(jobs, clips, config, producer=breaking)
    assert (summary.counts[State.DONE], summary.counts[State.FAILED], summary.unusable) == (2, 2, 1)
    assert summary.exit_code == 1 and summary.success_rate == 0.5
    assert "ZeroDivisionError" in capfd.readouterr().err
    ledger = Ledger(config.ledger_uri)
    _, ours, theirs, _ = ledger.jobs(name_of_batch(clips))
    assert ours.reason is not None and "a fault in ReelOps (ZeroDivisionError: by nothing)" in ours.reason
    assert theirs.reason == "the picture is gone"
    assert run(jobs, clips, config).counts[State.DONE] == 4


def test_a_rejected_clip_is_tried_with_new_seeds_up_to_the_limit(
    tmp_path: Path, clips: Path, params: dict[str, Any]
) -> None:
    params["gate"]["default"]["metrics"] = {"contrast": {"reject_below": 0.99}}
    config, jobs = config_of(params, tmp_path), write_jobs(tmp_path, 2)
    summary = run(jobs, clips, config)
    assert (summary.counts[State.REJECTED], summary.exit_code, summary.clips, summary.success_rate) == (2, 3, 4, 0.0)
    first, _ = Ledger(config.ledger_uri).jobs(name_of_batch(clips))
    assert first.result is not None and [one["seed"] for one in first.result["tries"]] == [0, 1_000_003]
    assert first.reason is not None and "contrast" in first.reason.lower()
    assert run(jobs, clips, config).made_now == 0, "what has had its tries is left"
    assert run(jobs, clips, config, replace(UNTRACKED, retries=2)).made_now == 2


def test_a_clip_whose_run_died_before_it_could_say_so_is_not_made_twice(
    tmp_path: Path, clips: Path, config: Config
) -> None:
    jobs, producer = write_jobs(tmp_path, 1), build_producer(config)
    dead = Ledger(config.ledger_uri, owner="another-host:1:1.00")
    with open_batch(check_batch(jobs, producer), clips, config.ledger_uri, UNTRACKED):
        job = dead.claim(name_of_batch(clips), lease_seconds=-1)
    assert job is not None
    request = Request.from_json(job.request)
    producer.produce(request.order, request.clip_of_try(clips, job.key, 0), track=False)
    before = times_of(clips)
    summary = run(jobs, clips, config)
    assert summary.counts[State.DONE] == 1 and times_of(clips) == before


def test_a_clip_of_somebody_else_is_not_replaced(tmp_path: Path, clips: Path, config: Config) -> None:
    jobs = write_jobs(tmp_path, 1)
    rows = json.loads(jobs.read_text())
    jobs.write_text(json.dumps([{**rows[0], "output": "mine"}]))
    clips.mkdir()
    (clips / "mine.mp4").write_bytes(b"somebody's")
    summary = run(jobs, clips, config)
    assert summary.exit_code == 2 and (clips / "mine.mp4").read_bytes() == b"somebody's"


def test_a_stop_leaves_finished_clips_and_the_next_run_makes_the_others(
    tmp_path: Path, clips: Path, config: Config
) -> None:
    jobs, ended = write_jobs(tmp_path, 6), 0.0

    def watch(event: Event) -> None:
        nonlocal ended
        ended = event.done if isinstance(event, Progress) else ended

    with pytest.raises(Cancelled, match="goes on where it was"):
        run(jobs, clips, config, replace(UNTRACKED, lanes=1), context=RunContext(watch, lambda: ended >= 1))
    assert not list(clips.glob(".*")), "nothing half made is left"
    before = times_of(clips)
    assert 1 <= len(before) < 6
    summary = run(jobs, clips, config)
    assert summary.counts[State.DONE] == 6
    assert {name: when for name, when in times_of(clips).items() if name in before} == before


class OnlyOneFits(CameraMovesGenerator):
    """Memory for one clip: where two are begun at once, the second finds none."""

    both, begun = threading.Barrier(2), itertools.count()

    def generate(self, order: ClipOrder, context: RunContext = QUIET) -> Generation:
        if order.seed < 2 and next(self.begun) < 2 and self.both.wait(60) == 0:
            raise OutOfMemory("This machine ran out of memory making a clip.")
        return super().generate(order, context)


def test_where_memory_runs_out_fewer_clips_are_in_the_making_and_none_is_lost(
    tmp_path: Path, clips: Path, config: Config
) -> None:
    producer, said = build_producer(config, Generators(config, {"camera_moves": OnlyOneFits})), list[Event]()
    summary = run(write_jobs(tmp_path, 4), clips, config, producer=producer, context=RunContext(said.append))
    assert summary.counts[State.DONE] == 4
    warned = [event.text for event in said if isinstance(event, LogMessage)]
    assert warned == ["Memory ran out with 2 clips in the making; 1 from here on."]


class NoneFits(CameraMovesGenerator):
    def generate(self, order: ClipOrder, context: RunContext = QUIET) -> Generation:
        raise OutOfMemory("This machine ran out of memory making a clip.")


def test_a_clip_that_no_memory_is_found_for_alone_has_failed(tmp_path: Path, clips: Path, config: Config) -> None:
    producer = build_producer(config, Generators(config, {"camera_moves": NoneFits}))
    summary = run(write_jobs(tmp_path, 2), clips, config, producer=producer)
    assert (summary.counts[State.FAILED], summary.exit_code) == (2, 1)
    (one, _) = Ledger(config.ledger_uri).jobs(name_of_batch(clips))
    assert one.reason == "This machine ran out of memory making a clip."


def test_after_a_stop_the_next_step_of_a_clip_is_its_last() -> None:
    asked = threading.Event()
    on_event = _events_of_a_clip(QUIET, asked.is_set)
    on_event(Progress("score", 1, 49))
    asked.set()
    on_event(LogMessage("told, as before"))
    with pytest.raises(Cancelled):
        on_event(Progress("score", 2, 49))


def test_clips_made_side_by_side_are_those_made_alone(
    tmp_path: Path, clips: Path, config: Config, small_model: Path
) -> None:
    jobs = write_jobs(tmp_path, 4)
    rows = [{**row, "profile": str(small_model), "output": f"n{row['seed']}"} for row in json.loads(jobs.read_text())]
    jobs.write_text(json.dumps(rows))
    assert run(jobs, clips, config, replace(UNTRACKED, retries=0)).counts[State.DONE] == 4
    alone = build_producer(config)
    for request in read_requests(jobs):
        single = alone.produce(request.order, tmp_path / "alone" / f"{request.output}.mp4", track=False)
        batched = json.loads((clips / f"{request.output}.json").read_text())
        assert batched["sha256"] == single.clip.sha256
        assert batched["scores"] == single.to_json()["scores"] and batched["verdict"] == single.verdict.to_json()


@pytest.mark.parametrize("text", ["[]", '{"a":' * 5000, '{"order": {}, "tracking": "odd"}', "\udce9"])
def test_whatever_stands_beside_a_clip_it_is_not_taken_for_ours(text: str, tmp_path: Path) -> None:
    (tmp_path / "clip.json").write_text(text, errors="surrogateescape")
    assert finished(tmp_path / "clip.mp4", ClipOrder(picture=Path("a.png"), prompt="pan left")) is None


def test_a_batch_goes_into_a_folder_of_any_name(tmp_path: Path) -> None:
    ledger = Ledger(sqlite_uri(tmp_path / "ledger.db"))
    batch = name_of_batch(tmp_path / os.fsdecode(b"caf" + bytes([0xE9])))
    assert ledger.enter(batch, [{"seed": 1}]) == 1 and ledger.claim(batch) is not None
    ledger.close()
