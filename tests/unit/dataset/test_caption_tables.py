"""Tables of captions as other programs and people write them: each caption comes back whole, and to its own clip."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelops.dataset.params import DatasetParams, open_source

# What no captions are: control characters, halves of letters, and lists, whose items are captions of their own.
LETTERS = st.characters(exclude_categories=("Cs", "Cc"))
TEXTS = st.text(st.one_of(LETTERS, st.sampled_from("\",;|\t\n\r\\' ab")), min_size=1, max_size=60)
CAPTIONS = st.one_of(TEXTS, TEXTS.map(lambda text: text * 40)).filter(
    lambda text: text.strip() and text.strip()[0] != "["
)
LISTS = st.lists(CAPTIONS, min_size=1, max_size=6)

Write = Callable[[Path, list[str], Sequence[str]], None]


def read(place: Path) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Captions by the names of the videos in a folder, and what was noted."""
    (params,) = DatasetParams.model_validate({"sources": [{"kind": "folder", "path": str(place)}]}).sources
    notes: list[str] = []
    return {one.clip_id: one.captions for one in open_source(params, place).entries((), notes.append)}, notes


def videos(place: Path, count: int = 4) -> list[str]:
    place.mkdir(exist_ok=True, parents=True)
    names = [f"clip-{number}.mp4" for number in range(count)]
    for name in names:
        (place / name).touch()
    return names


def read_table(place: Path, name: str, data: str | bytes) -> tuple[list[str], list[str]]:
    """The one caption of each of four videos, "" where it has none, and what was noted."""
    videos(place)
    (place / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    found, notes = read(place)
    assert all(len(captions) < 2 for captions in found.values()), found
    return ["".join(captions) for captions in found.values()], notes


# ---- written by programs, read exactly ----


def by_csv(suffix: str = ".csv", encoding: str = "utf-8", **dialect: Any) -> Write:
    def write(place: Path, names: list[str], captions: Sequence[str]) -> None:
        with (place / f"table{suffix}").open("w", newline="", encoding=encoding) as file:
            writer = csv.writer(file, **dialect)
            writer.writerows([("file_name", "caption"), *zip(names, captions, strict=True)])

    return write


def by_pandas(suffix: str, how: str, **options: Any) -> Write:
    def write(place: Path, names: list[str], captions: Sequence[str]) -> None:
        frame = pd.DataFrame({"file_name": names, "caption": captions})
        getattr(frame, how)(place / f"table{suffix}", **options)

    return write


def by_json(suffix: str, shape: Callable[[list[dict[str, str]]], Any], **options: Any) -> Write:
    def write(place: Path, names: list[str], captions: Sequence[str]) -> None:
        value = shape([{"file_name": n, "caption": c} for n, c in zip(names, captions, strict=True)])
        rows = value if suffix == ".jsonl" else [value]
        (place / f"table{suffix}").write_text("\n".join(json.dumps(row, **options) for row in rows), encoding="utf-8")

    return write


def by_name(rows: list[dict[str, str]]) -> dict[str, str]:
    return {row["file_name"]: row["caption"] for row in rows}


# CPython 3.11 and 3.12 write a lone carriage return bare where lines end otherwise, and pandas does so through them.
WRITERS: dict[str, Write] = {
    "excel": by_csv(),
    "excel-tab": by_csv(".tsv", dialect="excel-tab"),
    "unix": by_csv(dialect="unix"),
    "semicolons": by_csv(delimiter=";"),
    "bars": by_csv(delimiter="|", quoting=csv.QUOTE_ALL),
    "tabs, all quoted": by_csv(".tsv", delimiter="\t", quoting=csv.QUOTE_ALL),
    "with a mark": by_csv(encoding="utf-8-sig"),
    "utf-16": by_csv(encoding="utf-16"),
    "pandas": by_pandas(".csv", "to_csv", lineterminator="\r\n"),
    "pandas, tabs": by_pandas(".tsv", "to_csv", sep="\t", index=False, lineterminator="\r\n"),
    "pandas, semicolons": by_pandas(".csv", "to_csv", sep=";", index=False, lineterminator="\r\n"),
    "pandas, columns": by_pandas(".json", "to_json"),
    "pandas, records": by_pandas(".json", "to_json", orient="records", force_ascii=False),
    "pandas, lines": by_pandas(".jsonl", "to_json", orient="records", lines=True),
    "pandas, lines in .json": by_pandas(".json", "to_json", orient="records", lines=True),
    "pandas, split": by_pandas(".json", "to_json", orient="split"),
    "pandas, index": by_pandas(".json", "to_json", orient="index"),
    "pandas, table": by_pandas(".json", "to_json", orient="table"),
    "parquet": by_pandas(".parquet", "to_parquet"),
    "json lines": by_json(".jsonl", lambda rows: rows, ensure_ascii=False),
    "json": by_json(".json", lambda rows: rows, indent=1),
    "json under a key": by_json(".json", lambda rows: {"version": 1, "data": rows}),
    "json by name": by_json(".json", by_name),
    "json of pairs": by_json(".json", lambda rows: [list(row.values()) for row in rows]),
}


@pytest.mark.parametrize("writer", list(WRITERS))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(captions=LISTS)
def test_what_a_program_wrote_is_read_exactly(tmp_path: Path, writer: str, captions: list[str]) -> None:
    place = tmp_path / str(len(captions))
    names = videos(place, len(captions))
    WRITERS[writer](place, names, captions)
    found, notes = read(place)
    assert found == {name: (caption.strip(),) for name, caption in zip(names, captions, strict=True)}
    assert not notes


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(captions=LISTS)
def test_backslashes_before_quotation_marks_are_taken_out(
    tmp_path: Path, delimiter: str, quoting: Any, captions: list[str]
) -> None:
    """As Spark, MySQL and pandas with an `escapechar` write them; one such mark at least shows the form."""
    place = tmp_path / str(len(captions))
    captions = ['he says "hi" to a cat', *captions]
    names = videos(place, len(captions))
    form: dict[str, Any] = {"escapechar": "\\", "doublequote": False, "quoting": quoting, "delimiter": delimiter}
    by_csv(**form)(place, names, captions)
    found, notes = read(place)
    assert found == {name: (caption.strip(),) for name, caption in zip(names, captions, strict=True)}
    assert len(notes) == 1 and "backslashes before quotation marks" in notes[0]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(captions=LISTS)
def test_lines_beside_a_video_are_read_exactly(tmp_path: Path, captions: list[str]) -> None:
    (name,) = videos(tmp_path, 1)
    lines = [caption.replace("\r", " ").replace("\n", " ").strip() for caption in captions]
    for end in ("\n", "\r\n", "\r"):
        (tmp_path / "clip-0.txt").write_bytes(end.join([*lines, "", ""]).encode())
        assert read(tmp_path)[0] == {name: tuple(dict.fromkeys(lines))}


# ---- quotation marks ----


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_a_quotation_mark_that_never_ends_costs_no_other_row_its_caption(tmp_path: Path, delimiter: str) -> None:
    rows = ['"Stop right there says a man', "a cat on a mat", "a dog in a park", 'good bye" she says']
    table = "".join(f"clip-{number}.mp4{delimiter}{row}\n" for number, row in enumerate(rows))
    captions, notes = read_table(tmp_path, "table.csv", f"file_name{delimiter}caption\n{table}")
    assert captions == rows
    assert len(notes) == 1 and "line 2: a quotation mark without its other half" in notes[0]


def test_two_lone_quotation_marks_do_not_take_in_the_rows_between_them(tmp_path: Path) -> None:
    rows = ['"Stop', "a cat", "a dog", 'the end"']
    table = "".join(f"clip-{number}.mp4\t{row}\n" for number, row in enumerate(rows))
    assert read_table(tmp_path, "table.tsv", f"file_name\tcaption\n{table}")[0] == rows


def test_a_damaged_row_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    table = 'clip-0.mp4,"Stop, says a man\nclip-1.mp4,a cat\nclip-2.mp4,"one, two"\nclip-3.mp4,"x, y"\n'
    captions, notes = read_table(tmp_path, "table.csv", f"file_name,caption\n{table}")
    assert captions == ["", "a cat", "one, two", "x, y"]
    assert len(notes) == 1 and "line 2 has another number of fields" in notes[0]


def test_many_damaged_rows_are_one_line(tmp_path: Path) -> None:
    table = "".join(f"clip-{number}.mp4,a cat,0.5,train\n" for number in range(4))
    captions, notes = read_table(tmp_path, "table.csv", f"file_name,caption\n{table}")
    assert captions == [""] * 4 and len(notes) == 1
    assert "line 2 has another number of fields" in notes[0] and "3 more like it" in notes[0]


def test_commas_of_a_sentence_in_the_last_column_are_text_and_said_to_be(tmp_path: Path) -> None:
    table = 'clip-0.mp4,a cat, a dog\nclip-1.mp4,one\n"clip-2.mp4",he says "two", then "three"\n'
    captions, notes = read_table(tmp_path, "table.csv", f"file_name,caption\n{table}")
    assert captions[:3] == ["a cat, a dog", "one", 'he says "two", then "three"']
    assert len(notes) == 1 and "line 2: ',' in the last column was read as text (and 1 more" in notes[0]


@pytest.mark.parametrize("end", ["\x1a", "\0" * 50, ",,\n, \n", "\r\n \r\n\t\r\n"])
def test_what_fills_up_the_end_of_a_table_is_no_row(tmp_path: Path, end: str) -> None:
    captions, notes = read_table(tmp_path, "table.csv", f"file_name,caption\r\nclip-0.mp4,one\r\n{end}")
    assert captions[0] == "one" and (not notes or "," in end)


def test_quotation_marks_within_a_text_stay(tmp_path: Path) -> None:
    table = 'clip-0.mp4\ta sign says "open"\nclip-1.mp4\t"hi" she says\nclip-2.mp4\t5" of rain\nclip-3.mp4\tC:\\new\n'
    captions, _ = read_table(tmp_path, "table.tsv", f"file_name\tcaption\n{table}")
    assert captions == ['a sign says "open"', '"hi" she says', '5" of rain', "C:\\new"]


def test_spaces_after_commas_do_not_spoil_quoted_fields(tmp_path: Path) -> None:
    table = 'clip-0.mp4, "one, two"\nclip-1.mp4, three\n'
    assert read_table(tmp_path, "table.csv", f"file_name, caption\n{table}")[0][:2] == ["one, two", "three"]


# ---- headers ----


@pytest.mark.parametrize(
    "header",
    [
        "sep=;\r\nfile_name;caption",
        '"sep=;"\nfile_name;caption',
        "\n\nfile_name;caption",
        "File_Name;CAPTION",
        "fileName;Caption",
        "file name;text",
    ],
)
def test_a_header_is_understood_however_it_is_spelt(tmp_path: Path, header: str) -> None:
    captions, notes = read_table(tmp_path, "table.csv", f"{header}\nclip-0.mp4;one, two\n\nclip-1.mp4;three\n\n\n")
    assert captions[:2] == ["one, two", "three"] and not notes


@pytest.mark.parametrize("table", ["clip-0.mp4{0}one\nclip-1.mp4{0}two", "one{0}clip-0.mp4\ntwo{0}clip-1.mp4"])
@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_a_table_without_header_is_read_where_it_has_two_columns(tmp_path: Path, table: str, delimiter: str) -> None:
    captions, notes = read_table(tmp_path, "table.csv", table.format(delimiter))
    assert captions[:2] == ["one", "two"]
    assert len(notes) == 1 and "has no header; column" in notes[0]


@pytest.mark.parametrize("table", ["Datei;Beschreibung\nclip-0.mp4;one\n", "clip-0.mp4,0.5,one\n", "a,b\n1,2\n"])
def test_a_table_that_cannot_be_understood_is_one_line(tmp_path: Path, table: str) -> None:
    captions, notes = read_table(tmp_path, "table.csv", table)
    assert captions == [""] * 4
    assert len(notes) == 1 and "call one file_name and one caption" in notes[0]


def test_a_column_that_is_not_understood_is_said(tmp_path: Path) -> None:
    _, notes = read_table(tmp_path, "table.csv", "file_name,beschreibung\nclip-0.mp4,one\nclip-1.mp4,two\n")
    assert len(notes) == 1 and "columns are file_name, beschreibung" in notes[0]


def test_of_columns_of_one_name_the_last_is_read_and_said_to_be(tmp_path: Path) -> None:
    text = "file_name,caption,note,note,caption\nclip-0.mp4,one,,,two\nclip-1.mp4,three,,,four\n"
    captions, notes = read_table(tmp_path, "table.csv", text)
    assert captions == ["two", "four", "", ""]
    assert [note.partition(" has ")[2] for note in notes] == [
        "more than one column 'caption'; the last of them was read"
    ]


def test_a_column_may_stand_alone_with_commas_in_it(tmp_path: Path) -> None:
    (tmp_path / "one, two.mp4").touch()
    (tmp_path / "table.csv").write_text("file_name\none, two.mp4\n")
    _, notes = read(tmp_path)
    assert len(notes) == 1 and "says nothing of one, two.mp4" in notes[0]


@pytest.mark.parametrize("delimiter", ["\t", "|"])
def test_a_text_file_of_names_and_captions_is_a_table(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "README.txt").write_text("Videos, and what is in them.\n")
    lines = f"clip-0.mp4{delimiter}one, two\nclip-1.mp4{delimiter}three\n"
    captions, notes = read_table(tmp_path, "all.txt", lines)
    assert captions[:2] == ["one, two", "three"] and len(notes) == 1 and "README" not in notes[0]


# ---- damaged JSON ----


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[\n{"video": "clip-0.mp4", "text": "one"},\n{"video": "clip-1.mp4", "te', ["one", ""]),
        ('[{"video": "clip-0.mp4", "text": "one"},\n{"video": "clip-1.mp4", "text": "two"},]', ["one", "two"]),
        ('[{"video": "clip-0.mp4", "text": "on"e"},\n{"video": "clip-1.mp4", "text": "two"}]', ["", "two"]),
        ('[{"video": "clip-0.mp4", "text": "one"}\n{"video": "clip-1.mp4", "text": "two"}]', ["one", "two"]),
    ],
    ids=["cut short", "a comma too many", "a quotation mark too many", "a comma too few"],
)
def test_the_whole_rows_of_damaged_json_are_read(tmp_path: Path, text: str, wanted: list[str]) -> None:
    captions, notes = read_table(tmp_path, "table.json", text)
    assert captions[:2] == wanted
    assert len(notes) == 1 and "is damaged JSON from line" in notes[0]


def test_lines_of_json_may_end_with_commas(tmp_path: Path) -> None:
    rows = '{"video": "clip-0.mp4", "text": "one"},\n{"video": "clip-1.mp4", "text": "two"},\n'
    captions, notes = read_table(tmp_path, "table.jsonl", rows)
    assert captions[:2] == ["one", "two"] and not notes


# ---- encodings ----


@pytest.mark.parametrize(
    ("encoding", "words", "said"),
    [
        ("gb18030", "\u4e00\u53ea\u732b\u5750\u5728\u57ab\u5b50\u4e0a", "Chinese"),
        ("big5", "\u4e00\u96bb\u8c93\u5750\u5728\u588a\u5b50\u4e0a", "Chinese"),
        ("cp932", "\u732b\u304c\u30de\u30c3\u30c8\u306e\u4e0a\u306b\u5ea7\u3063\u3066\u3044\u308b", "Japanese"),
        ("euc_jp", "\u5973\u306e\u5b50\u304c\u901a\u308a\u3092\u6b69\u3044\u3066\u3044\u308b", "Japanese"),
        ("cp949", "\uace0\uc591\uc774\uac00 \ub9e4\ud2b8 \uc704\uc5d0 \uc549\uc544 \uc788\ub2e4", "Korean"),
        ("cp1251", "\u041a\u043e\u0448\u043a\u0430 \u0441\u0438\u0434\u0438\u0442 \u043d\u0430", "Cyrillic"),
        ("cp1252", "un caf\u00e9 \u00e0 la pluie, d\u00e9j\u00e0 vu \u2013 \u201coh\u201d", "Windows-1252"),
        ("latin-1", "Ein M\u00e4dchen l\u00e4uft \u00fcber die Stra\u00dfe", "Windows-1252"),
        ("utf-16-le", "a cat walks", "UTF-16"),
        ("utf-16-be", "a cat walks", "UTF-16"),
        ("utf-16-le", "\u041a\u043e\u0448\u043a\u0430 \u0441\u0438\u0434\u0438\u0442", "UTF-16"),
        ("utf-16-be", "\u4e00\u53ea\u732b\u5750\u5728\u57ab\u5b50\u4e0a", "UTF-16"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["clip-0.txt", "table.csv", "clip-0.json"])
def test_an_encoding_is_found_out_and_said(tmp_path: Path, name: str, encoding: str, words: str, said: str) -> None:
    text = {".txt": words, ".csv": f'file_name,caption\nclip-0.mp4,"{words}"\n', ".json": f'{{"caption": "{words}"}}'}
    captions, notes = read_table(tmp_path, name, text[Path(name).suffix].encode(encoding))
    assert captions[0] == words
    assert len(notes) == 1 and said in notes[0] and name in notes[0]


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_utf_8_with_other_bytes_in_it_loses_none_of_either(tmp_path: Path, mark: bytes) -> None:
    rows = [*(f"clip-{number}.mp4,\u732b\u304c\u8d70\u308b {'w ' * 40_000}".encode() for number in range(3))]
    late = b"clip-3.mp4,caf\xe9 in the rain, \xe3\x81"
    table = mark + b"file_name,caption\n" + b"\n".join((*rows, late.replace(b", ", b" "), b""))
    captions, notes = read_table(tmp_path, "table.csv", table)
    assert captions[2].startswith("\u732b\u304c\u8d70\u308b w") and captions[3] == "caf\u00e9 in the rain \ufffd"
    assert len(notes) == 1 and "is not UTF-8 in line 5" in notes[0]


def test_a_table_longer_than_memory_would_like_is_read_line_by_line(tmp_path: Path) -> None:
    import tracemalloc

    videos(tmp_path)
    with io.TextIOWrapper((tmp_path / "table.csv").open("wb"), encoding="utf-8", newline="") as file:
        file.write("file_name,caption\n")
        for _ in range(20_000):
            file.write(f'clip-0.mp4,"{"word " * 100}"\n')
    from reelops.dataset.sources.delimited import Expected, read_delimited
    from reelops.dataset.sources.text_file import open_text

    tracemalloc.start()
    expected = Expected(("filename",), ("filename", "caption"), lambda cell: cell.startswith("clip"))
    assert (
        sum(1 for _ in read_delimited(open_text(tmp_path / "table.csv", pytest.fail), expected, pytest.fail)) == 20_000
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (tmp_path / "table.csv").stat().st_size / 4
