"""What scoring costs, measured on two small clips."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.scoring_cost import MEMORY, SUITE, measure_folder, measure_memory, measure_suite, run_score
from reelops.errors import MachineError
from reelops.progress import QUIET


def test_the_suite_is_timed_on_every_clip(bench: Bench) -> None:
    found = measure_suite(bench, QUIET)
    assert [(row["clip"], row["frames"], row["size"]) for row in found["clips"]] == [
        ("0.mp4", 5, "96x64"),
        ("1.mp4", 5, "96x64"),
    ]
    assert all(row["wall"] == min(row["walls"]) > 0 for row in found["clips"])
    assert found["slowest"] == max(row["wall"] for row in found["clips"])
    (target,) = SUITE.targets(found)
    assert target.measured == found["slowest"] and target.bound.limit == 2


def test_copies_of_a_folder_are_files_of_their_own(bench: Bench) -> None:
    one_clip = replace(bench, clips=bench.files("product_clips")[:1])
    found = measure_folder(one_clip, QUIET, copies=2)
    assert found["clips"] == 2 and not found["not_scored"]
    assert found["clips_per_hour"] == pytest.approx(2 / found["wall"] * 3600)
    one, other = json.loads((bench.scratch / "scores.json").read_text())
    assert one["sha256"] != other["sha256"] and one["scores"] == other["scores"]


def test_memory_is_that_of_scoring_alone_by_the_length_of_the_clip(bench: Bench) -> None:
    held = bytearray(b"1") * 700_000_000  # what this process holds is no part of what a command needs
    found = measure_memory(bench, QUIET, lengths=(1, 2))
    assert len(held) == 700_000_000
    assert [row["seconds"] for row in found["clips"]] == [1, 2]
    assert found["clips"][1]["frames"] == 2 * found["clips"][0]["frames"]
    assert 100 < found["most_mb"] < 650
    (target,) = MEMORY.targets(found)
    assert target.figure == "peak MB for a clip of 2 s"


def test_a_clip_that_is_not_there_is_named(bench: Bench, project: Path) -> None:
    with pytest.raises(MachineError, match=r"ended with 2: .*absent\.mp4"):
        run_score(bench, str(project / "absent.mp4"))
