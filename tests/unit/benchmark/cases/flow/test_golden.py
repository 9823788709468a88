"""What OpenCV measured is kept, found again, and not measured twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reelops.benchmark.cases.flow.golden import measure_golden, read_golden
from reelops.benchmark.known_flow import MOTIONS, SEQUENCES
from reelops.benchmark.params import load_benchmark_params
from reelops.errors import Cancelled
from reelops.params import load_config
from reelops.progress import RunContext


@pytest.fixture
def picture(repository: Path) -> Path:
    return repository / "data/samples/coffee.jpg"


def test_golden_values_are_kept_and_not_measured_again(picture: Path, tmp_path: Path) -> None:
    kept = {
        "clips": {},
        "known_motion": {f"coffee.jpg, {motion.name}": 1.5 for motion in MOTIONS},
        "known_sequences": {f"coffee.jpg, coffee.jpg, {sequence.name}": [1.5] for sequence in SEQUENCES},
    }
    path = tmp_path / "golden.json"
    path.write_text(json.dumps(kept))
    measure_golden([], [picture], path)
    golden = read_golden(path)
    assert vars(golden) == kept
    assert golden.error_on(picture, MOTIONS[0]) == 1.5 and golden.steps_of(SEQUENCES[0], [picture]) == [1.5]
    assert golden.error_on(Path("another.jpg"), MOTIONS[0]) is None
    golden.write(path)
    assert json.loads(path.read_text())["how"]["command"] == "reelops benchmark golden"


def test_measuring_stops_when_asked(picture: Path, tmp_path: Path) -> None:
    with pytest.raises(Cancelled, match="measured before is kept"):
        measure_golden([], [picture], tmp_path / "golden.json", RunContext(should_stop=lambda: True))


def test_shipped_values_are_of_all_clips_and_pictures_that_are_compared(repository: Path) -> None:
    golden = read_golden()
    params = load_benchmark_params(load_config(params_file=repository / "params.yaml"))
    clips, pictures = params.find("clips", repository), params.find("pictures", repository)
    assert all(golden.motion_of(clip) for clip in clips)
    assert all(golden.error_on(picture, motion) is not None for picture in pictures for motion in MOTIONS)
    assert all(golden.steps_of(sequence, pictures) for sequence in SEQUENCES)
