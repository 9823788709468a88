"""Great Expectations' pages over the table: they are written, say what was found, and count nobody's views."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("great_expectations", reason='Great Expectations comes with pip install "reelops[data]"')

from reelops.scoring.expectations import summary_frame, write_data_docs
from reelops.tables.data_docs import PROJECT


@pytest.mark.slow
def test_pages_show_what_was_expected_and_found_run_after_run(scored, tmp_path: Path) -> None:
    for _ in range(2):
        index, notes = write_data_docs(scored, tmp_path / "docs")
    assert index == tmp_path / "docs" / "index.html"
    assert sum("single clips" in note for note in notes) == 1, "the frozen clip is beyond the gate's limits"
    assert not any("the table itself" in note for note in notes)

    pages = list((tmp_path / "docs").rglob("*.html"))
    assert len([page for page in pages if "validations" in page.parts]) == 6, "three suites, two runs"
    for page in pages:
        assert "great-expectations-web-assets.s3.us-east-2.amazonaws.com/logo-long" not in page.read_text()
    links = re.findall(r'<li><a href="([^"]+)"', index.read_text())
    assert len(links) == 9 and all((tmp_path / "docs" / link).is_file() for link in links)

    results = [
        json.loads(path.read_text()) for path in (tmp_path / "docs" / PROJECT).rglob("validations/table/**/*.json")
    ]
    assert len(results) == 2 and all(result["success"] for result in results)


def test_the_summary_is_one_row_of_shares_and_quantiles(scored) -> None:
    (row,) = summary_frame(scored).to_dict("records")
    assert (row["clips"], row["share_unreadable"], row["share_reject"]) == (
        3,
        pytest.approx(1 / 3),
        pytest.approx(1 / 3),
    )
    assert row["sharpness_p05"] <= row["sharpness_median"] <= row["sharpness_p95"]
