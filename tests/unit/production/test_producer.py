"""The production line: what it checks before it works, and what it never leaves behind."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml
from footage import textured
from PIL import Image
from scarcity import files_no_larger_than

from reelops.clip import ClipFormat, ClipOrder
from reelops.errors import InputError, MachineError, PromptError, SettingsError
from reelops.generators.camera_moves import CameraMovesGenerator
from reelops.generators.catalogue import Generators
from reelops.generators.contract import Generation, GeneratorFacts
from reelops.metrics.scores import Scores
from reelops.params import Config, load_config
from reelops.production.output_names import files_of, sidecar_of
from reelops.production.output_place import output_place, place_at
from reelops.production.producer import Producer, build_producer
from reelops.production.steps import save_footage
from reelops.production.take import Take
from reelops.progress import Event, Progress, RunContext
from reelops.system.digest import sha256_of
from reelops.video.probe import probe
from reelops.video.provenance import read_provenance

PROFILES = {"moves": {"kind": "camera_moves", "num_frames": 9, "width": 96, "height": 64}}


@pytest.fixture
def params(repository: Path, tmp_path: Path) -> dict[str, dict]:
    """The project's own `score` and `gate` blocks, and a profile that needs no model."""
    blocks = yaml.safe_load((repository / "params.yaml").read_text())
    return {"profiles": PROFILES, "score": blocks["score"], "gate": blocks["gate"]}


@pytest.fixture
def config(params: dict[str, dict], tmp_path: Path) -> Config:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    return load_config(params_file=tmp_path / "params.yaml", home=tmp_path / "home")


@pytest.fixture
def producer(config: Config) -> Producer:
    return build_producer(config)


@pytest.fixture
def order(tmp_path: Path) -> ClipOrder:
    Image.fromarray(textured(320, 240)).save(tmp_path / "picture.png")
    return ClipOrder(picture=tmp_path / "picture.png", prompt="pan left", profile="moves")


def test_a_take_has_a_clip_with_its_lineage_a_sheet_scores_a_verdict_and_a_sidecar(
    producer: Producer, order: ClipOrder, tmp_path: Path
) -> None:
    output = tmp_path / "clips" / "clip.mp4"
    take = producer.produce(order, output, track=False)
    assert sorted(output.parent.iterdir()) == sorted(files_of(output))
    assert probe(output).num_frames == 9
    provenance = read_provenance(output)
    assert provenance is not None and provenance["lineage"] == str(take.lineage)
    assert json.loads(sidecar_of(output).read_text()) == json.loads(json.dumps(take.to_json()))
    assert take.scores.measured_move == take.scores.asked_move
    assert set(take.seconds) == {"device", "draw", "write", "score", "other"}
    assert not list((tmp_path / "home/cache/scratch").iterdir())


def test_the_seconds_of_a_take_add_up_to_what_the_clock_says(
    producer: Producer, order: ClipOrder, tmp_path: Path
) -> None:
    began = time.perf_counter()
    take = producer.produce(order, tmp_path / "clip.mp4", start_seconds=12.0)
    seconds = time.perf_counter() - began
    assert list(take.seconds) == ["start", "device", "draw", "write", "score", "log", "other"]
    assert sum(take.seconds.values()) == pytest.approx(12.0 + seconds, abs=0.02 * (12.0 + seconds))
    assert min(take.seconds.values()) >= 0
    assert json.loads(take.sidecar.read_text())["seconds"] == dict(take.seconds)


def test_steps_are_reported_in_their_order(producer: Producer, order: ClipOrder, tmp_path: Path) -> None:
    events: list[Event] = []
    producer.produce(order, tmp_path / "clip.mp4", RunContext(events.append), track=False)
    stages = [event.stage for event in events if isinstance(event, Progress)]
    assert list(dict.fromkeys(stages)) == ["draw", "write", "score"]


def test_a_made_clip_is_the_same_bytes_as_the_takes(producer: Producer, order: ClipOrder, tmp_path: Path) -> None:
    take = producer.produce(order, tmp_path / "clip.mp4", track=False)
    made = producer.make(order, tmp_path / "made.mp4")
    assert made.clip.sha256 == take.clip.sha256
    assert made.facts == take.facts


@pytest.mark.parametrize(
    ("block", "change"),
    [
        ("gate", {"default": {"metrics": {"sharpnes": {"reject_below": 1}}}}),
        ("gate", {"default": {"metrics": {"sharpness": {"reject_below": "much"}}}}),
        ("score", {"temporal_rows": -3}),
    ],
)
def test_a_wrong_score_or_gate_block_is_refused_before_there_is_a_producer(
    params: dict[str, dict], block: str, change: dict, tmp_path: Path
) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params | {block: params[block] | change}))
    with pytest.raises(SettingsError, match=block):
        build_producer(load_config(params_file=tmp_path / "params.yaml"))


@dataclass(frozen=True)
class BrokenScorer:
    error: BaseException

    def score(self, clip: Path, _picture: np.ndarray, _prompt: str, _on_frame: Callable[[int], None]) -> Scores:
        assert clip.exists(), "it is encoded"
        raise self.error


def test_a_place_that_takes_no_file_is_refused_before_anything_is_generated(
    producer: Producer, order: ClipOrder, tmp_path: Path
) -> None:
    (tmp_path / "a-file").touch()
    events: list[Event] = []
    with pytest.raises(InputError, match=r"a-file/clip\.mp4 cannot be written: .*Choose another place"):
        producer.produce(order, tmp_path / "a-file" / "clip.mp4", RunContext(events.append), track=False)
    assert not events


@pytest.mark.parametrize("error", [RuntimeError("a bug"), MachineError("no memory"), KeyboardInterrupt()])
def test_whatever_a_scorer_raises_no_clip_without_a_verdict_stays(
    producer: Producer, order: ClipOrder, tmp_path: Path, error: BaseException
) -> None:
    output = tmp_path / "clips" / "clip.mp4"
    broken = replace(producer, scorer=BrokenScorer(error))  # type: ignore[arg-type] # one that fails
    with pytest.raises(type(error)):
        broken.produce(order, output, track=False)
    assert list(output.parent.iterdir()) == []


def test_where_a_run_that_may_overwrite_fails_the_clip_before_it_stays_with_its_verdict(
    producer: Producer, order: ClipOrder, tmp_path: Path
) -> None:
    output = tmp_path / "clip.mp4"
    first = producer.produce(order, output, track=False)
    broken = replace(producer, scorer=BrokenScorer(MachineError("no memory")))  # type: ignore[arg-type] # one that fails
    with pytest.raises(MachineError), place_at(output, overwrite=True) as place:
        broken.produce(order, place, track=False)
    assert sha256_of(output) == first.clip.sha256 == json.loads(sidecar_of(output).read_text())["sha256"]
    with place_at(output, overwrite=True) as place:
        second = producer.produce(order.but(fit="pad"), place, track=False)
    assert sha256_of(output) == second.clip.sha256 == json.loads(sidecar_of(output).read_text())["sha256"]
    assert json.loads(sidecar_of(output).read_text())["order"]["fit"] == "pad"


def test_orders_that_wait_for_one_device_get_a_clip_each(producer: Producer, order: ClipOrder, tmp_path: Path) -> None:
    """As a burst of flow runs does: all have chosen their names when the first one gets the device."""
    device, ready = threading.Lock(), threading.Barrier(3)

    @contextmanager
    def one_at_a_time(_: RunContext) -> Iterator[None]:
        ready.wait(60)
        with device:
            yield

    waiting = replace(producer, device=one_at_a_time)

    def run(one: ClipOrder) -> Take:
        with output_place(one, tmp_path / "clips", tmp_path / "clips") as place:
            return waiting.produce(one, place, track=False)

    (tmp_path / "clips").mkdir()
    with ThreadPoolExecutor(3) as pool:
        takes = list(pool.map(run, [order, order, order.but(num_frames=5)]))
    names = sorted(take.clip.path.name for take in takes)
    plain = "picture-pan-left-moves"
    assert names == [f"{plain}-frames5-seed0.mp4", f"{plain}-seed0-2.mp4", f"{plain}-seed0.mp4"]
    for take in takes:
        assert sha256_of(take.clip.path) == take.clip.sha256
        assert json.loads(take.sidecar.read_text()) == json.loads(json.dumps(take.to_json()))
    assert len(list((tmp_path / "clips").iterdir())) == 9


@pytest.mark.parametrize("name", ["clip.mp4", "clip.json", "clip.contact.jpg"])
def test_what_appears_while_a_run_waits_for_the_device_is_found_before_anything_is_generated(
    producer: Producer, config: Config, order: ClipOrder, tmp_path: Path, name: str
) -> None:
    class OnTheDevice(CameraMovesGenerator):
        needs_device = True

    @contextmanager
    def appears(_: RunContext) -> Iterator[None]:
        (tmp_path / "clips" / name).write_text("mine")
        yield

    events: list[Event] = []
    with pytest.raises(InputError, match=rf"{name} exists already"):
        generators = Generators(config, {"camera_moves": OnTheDevice})
        slow = replace(producer, device=appears, generators=generators)
        slow.produce(order, tmp_path / "clips" / "clip.mp4", RunContext(events.append), track=False)
    assert not any(isinstance(event, Progress) for event in events)
    assert {path.name: path.read_text() for path in (tmp_path / "clips").iterdir()} == {name: "mine"}


def test_a_server_that_does_not_answer_loses_no_clip(
    config: Config, order: ClipOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason='MLflow comes with pip install "reelops[tracking]"')
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = config.settings.model_copy(update={"mlflow_tracking_uri": "http://127.0.0.1:9"})
    take = build_producer(replace(config, settings=settings)).produce(order, tmp_path / "clip.mp4")
    assert take.tracked is None and take.tracking_failure is not None
    assert json.loads(take.sidecar.read_text())["tracking_failure"] == take.tracking_failure


def test_a_server_that_does_not_answer_is_told_once_and_before_anything_is_generated(
    config: Config, order: ClipOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = config.settings.model_copy(update={"mlflow_tracking_uri": "http://jo:secret@127.0.0.1:9"})
    producer = build_producer(replace(config, settings=settings))
    events: list[Event] = []
    for name in ("one.mp4", "other.mp4"):
        producer.produce(order, tmp_path / name, RunContext(events.append))
    told = [at for at, event in enumerate(events) if "does not answer" in str(event)]
    first_work = next(at for at, event in enumerate(events) if isinstance(event, Progress))
    assert len(told) == 1 and told[0] < first_work and "secret" not in str(events[told[0]])


def test_a_disk_without_room_for_a_clip_is_told_before_anything_is_generated(
    producer: Producer, order: ClipOrder, tmp_path: Path
) -> None:
    events: list[Event] = []
    with files_no_larger_than(100_000), pytest.raises(MachineError, match=r"clip\.mp4.*Free some space"):
        producer.produce(order, tmp_path / "clip.mp4", RunContext(events.append), track=False)
    assert not events and not list(tmp_path.glob("*clip*"))


def test_a_generator_that_cannot_read_is_not_told_that_something_cannot_be_written(tmp_path: Path) -> None:
    def frames() -> Iterator[np.ndarray]:
        yield np.zeros((32, 32, 3), np.uint8)
        raise FileNotFoundError("weights.bin")

    facts = GeneratorFacts("one that fails", "its profile", "nothing", "0", 0, "0" * 64)
    picture_HWC = np.zeros((32, 32, 3), np.uint8)
    generation = Generation(frames(), ClipFormat(2, Fraction(8), 32, 32), picture_HWC, facts, {}, {})
    with pytest.raises(FileNotFoundError, match=r"weights\.bin"):
        save_footage(generation, tmp_path)


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_an_empty_prompt_is_refused_when_the_order_is_made(order: ClipOrder, prompt: str) -> None:
    with pytest.raises(PromptError, match="slow zoom in"):
        order.but(prompt=prompt)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", "caf\udce9, pan left"),
        ("negative_prompt", "\ud83d"),
        ("picture", "a\0.png"),
        ("adapter", "a\0"),
        ("profile", "a\0"),
    ],
)
def test_a_text_that_is_no_unicode_and_a_name_that_no_file_has_are_refused_when_the_order_is_made(
    order: ClipOrder, field: str, value: str
) -> None:
    with pytest.raises(InputError, match=rf"{field} is .*(no Unicode|NUL)"):
        order.but(**{field: value})


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"guidance": -1.0}, {"guidance": float("nan")}, {"seed": -1}, {"fit": "tile"}, {"sead": 4}]
)
def test_an_order_that_makes_no_sense_names_field_and_value(order: ClipOrder, wrong: dict) -> None:
    ((field, value),) = wrong.items()
    with pytest.raises(InputError, match=field) as caught:
        order.but(**wrong)
    assert str(value) in str(caught.value) and "\n" not in str(caught.value)
