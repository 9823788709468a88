"""Where scores differ, known motion tells whose is nearer the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelops.benchmark.cases.flow.golden import GoldenValues
from reelops.benchmark.cases.flow.truth import TRUTH, compare_with_truth
from reelops.benchmark.known_flow import SEQUENCES
from reelops.progress import QUIET
from reelops.system.digest import sha256_of


def test_where_scores_differ_known_motion_tells_whose_is_nearer_the_truth(project: Path, repository: Path) -> None:
    picture, clip = repository / "data/samples/coffee.jpg", project / "clips/0.mp4"
    still = {f"{picture.name}, {picture.name}, {sequence.name}": [0.0] * 5 for sequence in SEQUENCES}
    golden = GoldenValues({sha256_of(clip): {"name": "0.mp4", "magnitudes": [0.0, 40.0]}}, {}, still)
    found = compare_with_truth([clip, project / "clips/1.mp4"], [picture], 120.0, golden, QUIET)
    assert found["compared"] == 1 and [row["clip"] for row in found["apart"]] == ["0.mp4"]
    for row in found["sequences"]:
        assert row["ours"]["mean"] == pytest.approx(row["true"]["mean"], rel=0.1)
        assert row["opencv"]["score"] == 1 and row["true"]["score"] < 0.4
    assert found["error_of_ours"] < 0.1 < found["error_of_opencv"]
    (target,) = TRUTH.targets(found)
    assert target.met
    page = "\n".join(table.to_markdown() for table in TRUTH.tables(found))
    assert "our flow's is nearer the true score" in page and "| everything moves | 20.4 (40) |" in page


def test_nothing_is_asked_where_opencv_was_not_measured(repository: Path) -> None:
    picture = repository / "data/samples/coffee.jpg"
    found = compare_with_truth([], [picture], 120.0, GoldenValues({}, {}, {}), QUIET)
    assert found["error_of_opencv"] is None and list(TRUTH.targets(found)) == []
