"""What strangers wrote stands in Data Docs as text, and the pages ask nobody for anything of theirs."""

from __future__ import annotations

import html
import os
from pathlib import Path

import pytest

pytest.importorskip("great_expectations", reason='Great Expectations comes with pip install "reelops[data]"')

import great_expectations.expectations as expect
import pandas
from scarcity import files_no_larger_than

from reelops.errors import MachineError
from reelops.tables.data_docs import write_site

EVIL = "<script>alert('a prompt')</script><img src=x onerror=alert(1)>\"&"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The pages over a table whose every text is a stranger's, and fails every kind of expectation on text."""
    folder = tmp_path_factory.mktemp("docs")
    frame = pandas.DataFrame({"prompt": [EVIL, EVIL, "a harbour", None], "width": [1, 2, 3, 4]})
    wanted = [
        expect.ExpectColumnValuesToBeInSet(column="prompt", value_set=["a harbour"]),
        expect.ExpectColumnDistinctValuesToBeInSet(column="prompt", value_set=["a harbour"]),
        expect.ExpectColumnMostCommonValueToBeInSet(column="prompt", value_set=["a harbour"]),
        expect.ExpectColumnValuesToBeUnique(column="prompt"),
        expect.ExpectColumnValuesToMatchRegex(column="prompt", regex="^[a-z ]+$"),
        expect.ExpectColumnValueLengthsToBeBetween(column="prompt", max_value=20),
        expect.ExpectColumnValuesToNotBeNull(column="prompt", notes=EVIL),
        expect.ExpectColumnValuesToBeBetween(column="width", max_value=2),
    ]
    index, failed = write_site("odd", f"Title {EVIL}", {"table": (frame, wanted)}, folder)
    assert failed == ["table"]
    assert len([*folder.rglob("validations/**/*.html")]) == 1
    return [path.read_text() for path in (index, *folder.rglob("*.html"))]


def test_a_strangers_text_is_no_markup(pages: list[str]) -> None:
    shown = html.escape(EVIL, quote=False)
    assert any(page.count(shown) > 3 for page in pages), "it is shown as what it is, wherever it failed"
    for page in pages:
        assert "<script>alert(" not in page
        assert "<img src=x" not in page


@pytest.mark.parametrize("name", ["$HOME", "${PATH} $nobody", "100% %(s)s ~", os.fsdecode(b"caf\xe9")])
def test_the_pages_stand_in_a_folder_of_any_name(name: str, tmp_path: Path) -> None:
    frame = pandas.DataFrame({"width": [1, 2]})
    for _ in range(2):  # the second time Great Expectations knows the site
        index, failed = write_site("any", "Title", {"table": (frame, [])}, tmp_path / name)
        assert (index, failed) == (tmp_path / name / "index.html", []) and index.is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_full_disk_names_the_folder_and_says_what_to_do(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"width": [1, 2]})
    with files_no_larger_than(2000), pytest.raises(MachineError, match=rf"cannot write {tmp_path}/docs: .*Free some"):
        write_site("full", "Title", {"table": (frame, [])}, tmp_path / "docs")
