"""What people write into YAML files is read as they mean it, or refused in one line that says where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reelops.errors import SettingsError
from reelops.yaml_file import read_yaml

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{below}'] * 10)}]\n" for below, name in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("when: !!timestamp 2024-99-99", "is not valid YAML"),
        ("when: !!timestamp nonsense", "is not valid YAML"),
        ("a: !!int x", "is not valid YAML"),
        ("a: !!bool maybe", "is not valid YAML"),
        ("a: !!float ''", "is not valid YAML"),
        ("a: !!binary ä", "is not valid YAML"),
        ("a: " + "9" * 5000, "is not valid YAML"),
        ("a: !!python/object/apply:os.system [ls]", r"line 1, column 4: could not determine a constructor"),
        ("a: !!python/name:os.system", "could not determine a constructor"),
        ("a:\n\tb: 1", r"line 2, column 1: found character '\\t'"),
        ("a: [1, 2", r"line 1, column 9"),
        ("a: *b", "undefined alias"),
        ("a: 1\n---\nb: 2", "but found another document"),
        ('a: "\\UFFFFFFFF"', "is not valid YAML"),
        ("a: \x07", "is not valid YAML"),
        ("[" * 5000, "is not valid YAML"),
        ("a: " + "{b: " * 200 + "1" + "}" * 200, r"a\.b\.b is nested more than 30 deep"),
        ("a: &x [*x]", "holds itself"),
        ("a: &x {b: *x}", "holds itself"),
        (LAUGHS, "holds more than 100,000 values"),
        ("a: 1\nb: 2\na: 3", r"line 3, column 1: the key 'a' is there twice"),
        ("a: {b: 1, 'b': 2}", r"the key 'b' is there twice"),
        ("on: 1", r"the key 'on' is no text; put it in quotes"),
        ("a: {5: 1}", r"the key '5' is no text"),
        ("a: {~: 1}", r"the key '~' is no text"),
        ("? [a]\n: 1", "a list or mapping is no text"),
        ("a: {b: .inf}", r"a\.b is inf; give a plain number"),
        ("a: [1, -.inf]", r"a\.1 is -inf"),
        ("a: .nan", "a is nan"),
        ("a: 1.0e+999", "a is inf"),
        ("a: 9223372036854775808", "a is larger than 64 bits hold"),
        ('a: {b: [x, "c\\0d"]}', r"a\.b\.1 holds '\\x00', which no text has; take it out"),
        ('a: {b: "caf\\uDCE9"}', r"a\.b holds '\\udce9', which no text has"),
        ('"a\\0": 1', r"a key holds '\\x00'"),
        ('a: {"\\uD800": 1}', r"a holds '\\ud800'"),
        ("", "holds no blocks"),
        ("# nothing", "holds no blocks"),
        ("- a", "holds no blocks"),
        ("text", "holds no blocks"),
    ],
)
def test_what_cannot_be_a_setting_is_one_line_that_names_the_file(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "some.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=told) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"a: \xff\xfe", b"a: caf\xe9", b"\x00\x01\x02", b"\xff\xfea", b"PK\x03\x04\x14"])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "some.yaml"
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=r"some\.yaml (is not valid YAML|holds no blocks)"):
        read_yaml(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("name: Café\r\nnext: [1]\r\n", encoding=encoding)
    assert read_yaml(path) == {"name": "Café", "next": [1]}


def test_a_date_stays_the_text_that_it_is(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("a: 2024-99-99\nb: 2024-05-01\n2024-05-02: c\n")
    assert read_yaml(path) == {"a": "2024-99-99", "b": "2024-05-01", "2024-05-02": "c"}


def test_anchors_and_merges_that_end_are_read(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("x-base: &base {a: 1, b: 2}\none: {<<: *base, b: 3}\ntwo: {<<: [*base], c: 4}\n")
    assert read_yaml(path)["one"] == {"a": 1, "b": 3} and read_yaml(path)["two"] == {"a": 1, "b": 2, "c": 4}


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, told in ((tmp_path, "is no file"), (tmp_path / "pipe", "is no file"), (tmp_path / "none", "There is no")):
        with pytest.raises(SettingsError, match=told):
            read_yaml(path)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(SettingsError, match=r"1,099,511,627,776 bytes, and settings have 1,000,000 at most"):
        read_yaml(path)
